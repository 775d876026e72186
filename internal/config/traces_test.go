package config_test

import (
	"strings"
	"testing"
)

// TestTraces_FollowOpenTelemetrysVariables: they are off until configured. An unusable value warns and does not stop the
// program; none is quoted that may hold a password.
func TestTraces_FollowOpenTelemetrysVariables(t *testing.T) {
	const endpoint, traces = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318/", "http://collector:4318/v1/traces"
	for environment, want := range map[string]struct{ endpoint, warning string }{
		"": {"", ""},
		"OTEL_SERVICE_NAME=x OTEL_EXPORTER_OTLP_HEADERS=a=b":                    {"", ""},
		"OTEL_TRACES_EXPORTER=otlp":                                             {"http://localhost:4318/v1/traces", ""},
		"OTEL_TRACES_EXPORTER=none " + endpoint:                                 {"", ""},
		"OTEL_SDK_DISABLED=true " + endpoint:                                    {"", ""},
		endpoint:                                                                {traces, ""},
		endpoint + " OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://other/in":       {"https://other/in", ""},
		endpoint + " OTEL_EXPORTER_OTLP_PROTOCOL=http/json":                     {traces, ""},
		endpoint + " OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TIMEOUT=10ms": {traces, ""},

		"OTEL_TRACES_EXPORTER=zipkin":                                  {"", "otlp or none"},
		"OTEL_TRACES_EXPORTER=zipkin " + endpoint:                      {traces, "otlp or none"},
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc " + endpoint:                 {traces, "http/protobuf"},
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc " + endpoint:          {traces, "http/protobuf"},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=localhost:4318":            {"", "tracing is off"},
		"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://key:hunter2@collector:4318": {"", "tracing is off"},
	} {
		got := load(t, strings.Fields(environment)...).Traces
		warnings := strings.Join(got.Warnings, "\n")
		if got.Endpoint != want.endpoint || !strings.Contains(warnings, want.warning) ||
			(warnings == "") != (want.warning == "") || strings.Contains(warnings, "hunter2") {
			t.Errorf("%s: %+v; want %+v", environment, got, want)
		}
	}
}
