package main

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// receiver is an OpenTelemetry collector that keeps what it is sent.
type receiver struct {
	URL string

	mu    sync.Mutex
	spans []*tracepb.Span
	text  strings.Builder // everything, in JSON
	keys  []string        // of the header api-key
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	c := &receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(r.Body)
		}
		raw, err := io.ReadAll(body)
		data := &tracepb.TracesData{}
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(raw, data) != nil {
			t.Errorf("%s %s: %v, %d bytes", r.URL, r.Header, err, len(raw))
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.keys = append(c.keys, r.Header.Get("api-key"))
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

// all returns the spans that came; stop the server first, which sends the last ones.
func (c *receiver) all() []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// below returns the names of the spans right below one, in the order in which they began.
func below(all []*tracepb.Span, parent *tracepb.Span) (names []string) {
	slices.SortFunc(all, func(a, b *tracepb.Span) int { return int(int64(a.StartTimeUnixNano) - int64(b.StartTimeUnixNano)) })
	for _, s := range all {
		if string(s.ParentSpanId) == string(parent.SpanId) {
			names = append(names, s.Name)
		}
	}
	return names
}

func attribute(s *tracepb.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue() + strings.TrimPrefix(strconv.FormatInt(a.Value.GetIntValue(), 10), "0")
		}
	}
	return ""
}

// TestTriesAreCountedWhenTracesAreOn is about statements that Ent does not write.
func TestTriesAreCountedWhenTracesAreOn(t *testing.T) {
	c := newReceiver(t)
	s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.Postgres(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "GATEHOUSE_THROTTLE=account=2")
	w := &stage{t: t, url: s.URL}
	w.must("", `mutation { register(input: {email: "ann@example.com", password: "correct horse battery"}) { tokenType } }`)
	w.login("ann@example.com", "correct horse battery")
	for _, code := range []string{"INVALID_CREDENTIALS", "INVALID_CREDENTIALS", "RATE_LIMITED"} {
		if _, body := post(t, s.URL, `mutation { login(input: {email: "eve@example.com", password: "a guess of hers"}) { tokenType } }`); !strings.Contains(body, code) {
			t.Errorf("%s, want %s", body, code)
		}
	}
}

// TestATraceShowsARequestItsOperationAndItsStatements and no value of any of them.
func TestATraceShowsARequestItsOperationAndItsStatements(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		c := newReceiver(t)
		t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip") // OpenTelemetry's exporter reads the process's environment
		t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20key")
		s := start(t, "GATEHOUSE_DATABASE_URL="+url, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL)
		const stranger = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		_, body := request(t, http.MethodPost, s.URL+"/graphql", `{"query":"mutation SignUp { register(input: {email: \"canary@example.com\", password: \"a canary of a password\"}) { accessToken user { sessions { id } } } }"}`,
			"Content-Type", "application/json", "Traceparent", stranger)
		if !strings.Contains(body, "accessToken") {
			t.Fatal(body)
		}
		for _, path := range []string{"/healthz", "/readyz", "/no/such/path"} {
			get(t, s.URL+path)
		}
		_, _ = request(t, "CANARY", s.URL+"/graphql", `{"query":"`, "Content-Type", "application/json")
		s.stop(t)

		all := c.all()
		named := func(name string) *tracepb.Span {
			t.Helper()
			i := slices.IndexFunc(all, func(s *tracepb.Span) bool {
				return s.Name == name && !(name == "POST /graphql" && attribute(s, "http.response.status_code") != "200")
			})
			if i < 0 {
				t.Fatalf("no span %s in %s", name, c.text.String())
			}
			return all[i]
		}
		top := named("POST /graphql")
		if len(top.ParentSpanId) != 0 || strings.Contains(stranger, hex.EncodeToString(top.TraceId)) {
			t.Error("a stranger's traceparent was believed")
		}
		if got := below(all, top); !slices.Equal(got, []string{"mutation SignUp"}) {
			t.Errorf("below the request: %v", got)
		}
		statements := below(all, named("mutation SignUp"))
		if len(statements) < 5 || statements[0] != "BEGIN" || !slices.Contains(statements, "INSERT") || !slices.Contains(statements, "COMMIT") || statements[len(statements)-1] != "SELECT" {
			t.Errorf("below the operation: %v", statements)
		}
		if attribute(named("INSERT"), "db.query.text") == "" || attribute(top, "http.route") == "" || attribute(named("mutation SignUp"), "gatehouse.request_id") == "" {
			t.Errorf("attributes are missing: %s", c.text.String())
		}
		named("_OTHER /graphql")
		for _, never := range []string{"canary", "CANARY", "healthz", "readyz", "such/path"} {
			if strings.Contains(c.text.String(), never) {
				t.Errorf("%q was sent: %s", never, c.text.String())
			}
		}
		if !strings.Contains(c.text.String(), `"gatehouse"`) || slices.ContainsFunc(c.keys, func(k string) bool { return k != "a key" }) {
			t.Errorf("service.name, or the header: %q", c.keys)
		}
	})
}

func TestATrustedProxysTraceGoesOn(t *testing.T) {
	c := newReceiver(t)
	s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+c.URL+"/v1/traces", "GATEHOUSE_TRUSTED_PROXIES=127.0.0.0/8,::1")
	_, _ = request(t, http.MethodPost, s.URL+"/graphql", `{"query":"{ __typename }"}`, "Content-Type", "application/json",
		"Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	s.stop(t)
	if !slices.ContainsFunc(c.all(), func(s *tracepb.Span) bool {
		return hex.EncodeToString(s.TraceId) == "4bf92f3577b34da6a3ce929d0e0e4736" && hex.EncodeToString(s.ParentSpanId) == "00f067aa0ba902b7"
	}) {
		t.Errorf("%v", c.all())
	}
}

// TestACollectorThatIsAwayCostsSpansOnly and one line in the log.
func TestACollectorThatIsAwayCostsSpansOnly(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "OTEL_EXPORTER_OTLP_ENDPOINT=http://key:hunter2@127.0.0.1:1")
	for range 3 {
		if _, body := request(t, http.MethodPost, s.URL+"/graphql", `{"query":"{ __typename }"}`, "Content-Type", "application/json"); !strings.Contains(body, `"Query"`) {
			t.Error(body)
		}
		soon(t, "a warning", 5e9, func() bool { return strings.Contains(s.Log.String(), "traces cannot be sent") })
	}
	s.stop(t)
	if log := s.Log.String(); strings.Count(log, "traces cannot be sent") != 1 || strings.Contains(log, "hunter2") {
		t.Errorf("%s", log)
	}
}
