package config_test

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/config"
)

// TestTraces_OffUntilConfigured by OpenTelemetry's own variables.
func TestTraces_OffUntilConfigured(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318/"
	for environment, want := range map[string]string{
		"": "",
		"OTEL_SERVICE_NAME=x OTEL_EXPORTER_OTLP_HEADERS=a=b":                    "",
		"OTEL_TRACES_EXPORTER=otlp":                                             "http://localhost:4318/v1/traces",
		"OTEL_TRACES_EXPORTER=none " + endpoint:                                 "",
		"OTEL_SDK_DISABLED=true " + endpoint:                                    "",
		endpoint:                                                                "http://collector:4318/v1/traces",
		endpoint + " OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://other/in":       "https://other/in",
		endpoint + " OTEL_EXPORTER_OTLP_PROTOCOL=http/json":                     "http://collector:4318/v1/traces",
		endpoint + " OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TIMEOUT=10ms": "http://collector:4318/v1/traces",
	} {
		c, err := config.Load(strings.Fields(environment))
		if err != nil || c.Traces.Endpoint != want || c.Traces.Warnings != nil {
			t.Errorf("%s: %v, %+v; want %s and no warning", environment, err, c, want)
		}
	}
}

// TestTraces_UnusableValuesWarn and do not stop the program; none is quoted that may hold a password.
func TestTraces_UnusableValuesWarn(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318"
	for environment, want := range map[string]struct{ endpoint, warning string }{
		"OTEL_TRACES_EXPORTER=zipkin":                                  {"", "otlp or none"},
		"OTEL_TRACES_EXPORTER=zipkin " + endpoint:                      {"http://collector:4318/v1/traces", "otlp or none"},
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc " + endpoint:                 {"http://collector:4318/v1/traces", "http/protobuf"},
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc " + endpoint:          {"http://collector:4318/v1/traces", "http/protobuf"},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=localhost:4318":            {"", "tracing is off"},
		"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://key:hunter2@collector:4318": {"", "tracing is off"},
	} {
		c, err := config.Load(strings.Fields(environment))
		if err != nil {
			t.Errorf("%s: %v", environment, err)
			continue
		}
		said := strings.Join(c.Traces.Warnings, "\n")
		if c.Traces.Endpoint != want.endpoint || !strings.Contains(said, want.warning) || strings.Contains(said, "hunter2") {
			t.Errorf("%s: %+v; want %+v", environment, c.Traces, want)
		}
	}
}
