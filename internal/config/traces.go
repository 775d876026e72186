package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Traces says where traces go, by OpenTelemetry's own variables. The specification has most of them twice, and the one
// for traces alone counts first. Those about sampling, batches and the resource are read by OpenTelemetry's SDK.
type Traces struct {
	Endpoint          string // where batches are posted; "": nothing is traced
	Headers           map[string]string
	Timeout           time.Duration
	Gzip              bool
	Certificate       string // path: the authority that signed the endpoint's certificate
	ClientCertificate string // path
	ClientKey         string // path
}

// loadTraces switches traces on when they are asked for: by an exporter or by an endpoint.
func loadTraces(values map[string]string) (Traces, error) {
	var all []error
	one := func(setting string) (value, name string) {
		name = "OTEL_EXPORTER_OTLP_TRACES_" + setting
		if values[name] == "" {
			name = "OTEL_EXPORTER_OTLP_" + setting
		}
		return values[name], name
	}
	endpoint, endpointFrom := one("ENDPOINT")
	exporter := values["OTEL_TRACES_EXPORTER"]
	if exporter == "none" || exporter+endpoint == "" || strings.EqualFold(values["OTEL_SDK_DISABLED"], "true") {
		return Traces{}, nil
	}
	if exporter != "" && exporter != "otlp" {
		all = append(all, Invalid("OTEL_TRACES_EXPORTER", fmt.Errorf("%q is not otlp or none", exporter)))
	}
	if protocol, from := one("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		all = append(all, Invalid(from, fmt.Errorf("%q is not http/protobuf, which is what is spoken here; collectors take it on port 4318", protocol)))
	}
	t := Traces{Endpoint: endpoint, Timeout: 10 * time.Second}
	if endpointFrom == "OTEL_EXPORTER_OTLP_ENDPOINT" {
		t.Endpoint = "http://localhost:4318"
		if endpoint != "" {
			t.Endpoint = strings.TrimSuffix(endpoint, "/")
		}
		t.Endpoint += "/v1/traces"
	}
	if u, err := url.Parse(t.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		all = append(all, Invalid(endpointFrom, errors.New("is not an http or https address, such as http://127.0.0.1:4318")))
	}
	headers, from := one("HEADERS")
	var err error
	if t.Headers, err = parseHeaders(headers); err != nil {
		all = append(all, Invalid(from, err))
	}
	if text, from := one("TIMEOUT"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms <= 0 {
			all = append(all, Invalid(from, fmt.Errorf("%q is not a number of milliseconds", text)))
		}
		t.Timeout = time.Duration(ms) * time.Millisecond
	}
	compression, from := one("COMPRESSION")
	if !slices.Contains([]string{"", "none", "gzip"}, compression) {
		all = append(all, Invalid(from, fmt.Errorf("%q is not gzip or none", compression)))
	}
	t.Gzip = compression == "gzip"
	t.Certificate, _ = one("CERTIFICATE")
	t.ClientCertificate, from = one("CLIENT_CERTIFICATE")
	t.ClientKey, _ = one("CLIENT_KEY")
	if (t.ClientCertificate == "") != (t.ClientKey == "") {
		all = append(all, Invalid(from, errors.New("a client's certificate and its key (CLIENT_KEY) go together")))
	}
	return t, errors.Join(all...)
}

// parseHeaders reads name=value,name=value with values in percent-encoding. It repeats none of it: it may be a key.
func parseHeaders(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	headers := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || err != nil || name == "" || strings.ContainsAny(name+value, "\r\n\x00") {
			return nil, errors.New("is not name=value,name=value with values in percent-encoding")
		}
		headers[name] = value
	}
	return headers, nil
}
