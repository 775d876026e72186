package e2e

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// below returns the names of the spans right below one, in the order in which they began.
func below(all []*tracepb.Span, parent *tracepb.Span) (names []string) {
	slices.SortFunc(all, func(a,
		b *tracepb.Span) int {
		return int(int64(a.StartTimeUnixNano) - int64(b.StartTimeUnixNano))
	})
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

// TestLoginThrottle_CountsWhenTracesAreOn is about statements that Ent does not write.
func TestLoginThrottle_CountsWhenTracesAreOn(t *testing.T) {
	t.Parallel()
	c := servertest.NewCollector(t)
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.Postgres(t), c.Setting(), "GATEHOUSE_THROTTLE=account=2")
	s.Login(s.Register().Email, servertest.Password)
	for _, want := range []string{"INVALID_CREDENTIALS", "INVALID_CREDENTIALS", "RATE_LIMITED"} {
		if code := s.Code("",
			`mutation { login(input: {email: "eve@example.com", password: "a guess of hers"}) { tokenType } }`); code != want {
			t.Errorf("%s, want %s", code, want)
		}
	}
}

const (
	foreignTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	foreignParent = "00f067aa0ba902b7"
	traceparent   = "00-" + foreignTrace + "-" + foreignParent + "-01"
)

// TestTrace_ShowsARequestItsOperationAndItsStatements and no value of any of them.
func TestTrace_ShowsARequestItsOperationAndItsStatements(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip") // OpenTelemetry's exporter reads the process's environment
		t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20key")
		c := servertest.NewCollector(t)
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, c.Setting())
		a := s.Ask("",
			`mutation SignUp { register(input: {email: "canary@example.com", password: "a canary of a password"}) { accessToken user { sessions { id } } } }`, "Traceparent", traceparent)
		if !a.OK() {
			t.Fatal(a)
		}
		for _, path := range []string{"/healthz", "/readyz", "/no/such/path"} {
			s.Get(path)
		}
		s.Do(servertest.Request{Method: "CANARY", Body: `{"query":"`})
		s.Stop()

		all := c.Spans()
		named := func(name string) *tracepb.Span {
			t.Helper()
			i := slices.IndexFunc(all, func(s *tracepb.Span) bool {
				return s.Name == name && !(name == "POST /graphql" && attribute(s, "http.response.status_code") != "200")
			})
			if i < 0 {
				t.Fatalf("no span %s in %s", name, c.Text())
			}
			return all[i]
		}
		top := named("POST /graphql")
		if len(top.ParentSpanId) != 0 || hex.EncodeToString(top.TraceId) == foreignTrace {
			t.Error("the traceparent of an untrusted client was believed")
		}
		if got := below(all, top); !slices.Equal(got, []string{"mutation SignUp"}) {
			t.Errorf("below the request: %v", got)
		}
		statements := below(all, named("mutation SignUp"))
		if len(statements) < 5 || statements[0] != "BEGIN" || !slices.Contains(statements, "INSERT") ||
			!slices.Contains(statements, "COMMIT") || statements[len(statements)-1] != "SELECT" {
			t.Errorf("below the operation: %v", statements)
		}
		if attribute(named("INSERT"), "db.query.text") == "" || attribute(top, "http.route") == "" ||
			attribute(named("mutation SignUp"), "gatehouse.request_id") == "" {
			t.Errorf("attributes are missing: %s", c.Text())
		}
		named("_OTHER /graphql")
		for _, never := range []string{"canary", "CANARY", "healthz", "readyz", "such/path"} {
			if strings.Contains(c.Text(), never) {
				t.Errorf("%q was sent: %s", never, c.Text())
			}
		}
		if !strings.Contains(c.Text(), `"gatehouse"`) || slices.ContainsFunc(c.Keys,
			func(k string) bool { return k != "a key" }) {
			t.Errorf("service.name, or the header: %q", c.Keys)
		}
	})
}

func TestTrace_OfATrustedProxyGoesOn(t *testing.T) {
	t.Parallel()
	c := servertest.NewCollector(t)
	s := servertest.Start(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+c.URL+"/v1/traces", "GATEHOUSE_TRUSTED_PROXIES=127.0.0.0/8,::1")
	s.Ask("", "{ __typename }", "Traceparent", traceparent)
	s.Stop()
	if !slices.ContainsFunc(c.Spans(), func(s *tracepb.Span) bool {
		return hex.EncodeToString(s.TraceId) == foreignTrace && hex.EncodeToString(s.ParentSpanId) == foreignParent
	}) {
		t.Errorf("%v", c.Spans())
	}
}

// TestCollectorThatIsAway_CostsSpansOnly and one line in the log.
func TestCollectorThatIsAway_CostsSpansOnly(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	s := servertest.Start(t, "OTEL_EXPORTER_OTLP_ENDPOINT=http://key:hunter2@127.0.0.1:1")
	for range 3 {
		s.Must("", "{ __typename }")
		servertest.Eventually(t, "a warning", servertest.HangGuard, func() bool {
			return strings.Contains(s.Log.String(), "traces cannot be sent")
		})
	}
	s.Stop()
	if log := s.Log.String(); strings.Count(log, "traces cannot be sent") != 1 || strings.Contains(log, "hunter2") {
		t.Errorf("%s", log)
	}
}
