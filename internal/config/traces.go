package config

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Traces says whether spans are sent and where to, by OpenTelemetry's own variables. All others of its variables are
// read by its SDK and its exporter.
type Traces struct {
	Endpoint string   // the URL to which spans are posted; "": tracing is off
	Warnings []string // about values that are ignored, as the specification asks
}

// loadTraces switches tracing on when it is asked for, by an exporter or by an endpoint.
func loadTraces(values map[string]string) (t Traces) {
	exporter := values["OTEL_TRACES_EXPORTER"]
	if exporter == "none" || strings.EqualFold(values["OTEL_SDK_DISABLED"], "true") {
		return Traces{}
	}
	if !slices.Contains([]string{"", "otlp"}, exporter) {
		t.warn("OTEL_TRACES_EXPORTER: %q is not otlp or none", exporter)
		exporter = ""
	}
	t.Endpoint = tracesEndpoint(values)
	if t.Endpoint == "" && exporter == "" {
		return t
	}
	protocol := cmp.Or(values["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"], values["OTEL_EXPORTER_OTLP_PROTOCOL"])
	if !slices.Contains([]string{"", "http/protobuf", "http/json"}, protocol) {
		t.warn("OTEL_EXPORTER_OTLP_PROTOCOL: %q is not http/protobuf or http/json; "+
			"http/protobuf is used, which collectors take on port 4318", protocol)
	}
	t.Endpoint = cmp.Or(t.Endpoint, "http://localhost:4318/v1/traces")
	if u, err := url.Parse(t.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		t.warn("OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not an http or https address, " +
			"such as http://127.0.0.1:4318; tracing is off")
		t.Endpoint = ""
	}
	return t
}

// tracesEndpoint returns the endpoint for traces as it is, or the base of all endpoints with the path for traces.
func tracesEndpoint(values map[string]string) string {
	base := values["OTEL_EXPORTER_OTLP_ENDPOINT"]
	if base != "" {
		base = strings.TrimSuffix(base, "/") + "/v1/traces"
	}
	return cmp.Or(values["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"], base)
}

func (t *Traces) warn(format string, args ...any) {
	t.Warnings = append(t.Warnings, fmt.Sprintf(format, args...))
}
