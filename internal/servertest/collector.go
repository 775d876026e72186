package servertest

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Collector is an OpenTelemetry collector that keeps what it is sent.
type Collector struct {
	URL string

	mu    sync.Mutex
	spans []*tracepb.Span
	text  strings.Builder
	Keys  []string // of the header api-key
}

// NewCollector starts one, until the test ends.
func NewCollector(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(r.Body)
		}
		raw, err := io.ReadAll(body)
		data := &tracepb.TracesData{}
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" ||
			proto.Unmarshal(raw, data) != nil {
			t.Errorf("%s %s: %v, %d bytes", r.URL, r.Header, err, len(raw))
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.Keys = append(c.Keys, r.Header.Get("api-key"))
		c.text.WriteString(protojson.Format(data))
		for _, resource := range data.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Spans returns the spans that came; stop the server first, which sends the last ones.
func (c *Collector) Spans() []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Text returns everything that came, in JSON.
func (c *Collector) Text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// Setting is the variable that sends traces there.
func (c *Collector) Setting() string { return "OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL }
