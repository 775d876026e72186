package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse/gatehouse/internal/config"
)

// TestTracesAreOffUntilSomebodyAsksForThem by OpenTelemetry's own variables.
func TestTracesAreOffUntilSomebodyAsksForThem(t *testing.T) {
	on := func(change func(*config.Traces)) config.Traces {
		c := config.Traces{Endpoint: "http://localhost:4318/v1/traces", Timeout: 10 * time.Second}
		change(&c)
		return c
	}
	at := func(endpoint string) config.Traces { return on(func(c *config.Traces) { c.Endpoint = endpoint }) }
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318/"
	for _, c := range []struct {
		environment string
		want        config.Traces
	}{
		{"", config.Traces{}},
		{"OTEL_SERVICE_NAME=x OTEL_EXPORTER_OTLP_HEADERS=a=b", config.Traces{}},
		{"OTEL_TRACES_EXPORTER=otlp", at("http://localhost:4318/v1/traces")},
		{"OTEL_TRACES_EXPORTER=none " + endpoint, config.Traces{}},
		{"OTEL_SDK_DISABLED=true " + endpoint, config.Traces{}},
		{endpoint, at("http://collector:4318/v1/traces")},
		{endpoint + " OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://other/in", at("https://other/in")},
		{endpoint + " OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_COMPRESSION=gzip OTEL_EXPORTER_OTLP_TIMEOUT=500 " +
			"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=250 OTEL_EXPORTER_OTLP_HEADERS=api-key=a%20b=,x=1 OTEL_EXPORTER_OTLP_CERTIFICATE=/ca " +
			"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=/c OTEL_EXPORTER_OTLP_CLIENT_KEY=/k", config.Traces{
			Endpoint: "http://collector:4318/v1/traces", Headers: map[string]string{"api-key": "a b=", "x": "1"}, Timeout: 250 * time.Millisecond,
			Gzip: true, Certificate: "/ca", ClientCertificate: "/c", ClientKey: "/k",
		}},
	} {
		got, err := config.Load(strings.Fields(c.environment))
		if err != nil {
			t.Errorf("%s: %v", c.environment, err)
		} else if d := cmp.Diff(c.want, got.Traces); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.environment, d)
		}
	}
	for variable, says := range map[string]string{
		"OTEL_TRACES_EXPORTER=zipkin":                       "otlp or none",
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc":                  "http/protobuf",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json":      "http/protobuf",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=localhost:4318": "http or https",
		"OTEL_EXPORTER_OTLP_HEADERS=hunter2":                "name=value",
		"OTEL_EXPORTER_OTLP_HEADERS=a=hunter2%0a":           "name=value",
		"OTEL_EXPORTER_OTLP_TIMEOUT=10s":                    "milliseconds",
		"OTEL_EXPORTER_OTLP_TIMEOUT=0":                      "milliseconds",
		"OTEL_EXPORTER_OTLP_COMPRESSION=zstd":               "gzip",
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=/c":          "go together",
		"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE=/c":   "go together",
	} {
		name, _, _ := strings.Cut(variable, "=")
		_, err := config.Load([]string{endpoint, variable})
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v; want a sentence that names it, and says %q", variable, err, says)
		}
	}
}
