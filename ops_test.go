package main

import (
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// startWatched starts a server with a second listener, and returns its address.
func startWatched(t testing.TB, environment ...string) (s *instance, ops string) {
	t.Helper()
	s = start(t, append([]string{"GATEHOUSE_OPS_ADDR=127.0.0.1:0"}, environment...)...)
	found := regexp.MustCompile(`serving /metrics and /debug/pprof.*\baddr"?[=:]"?([\d.:]+)`).FindStringSubmatch(s.Log.String())
	if found == nil {
		t.Fatalf("no address in the log:\n%s", s.Log)
	}
	return s, "http://" + found[1]
}

func TestOperatorsHaveTheirOwnListener(t *testing.T) {
	s, ops := startWatched(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	for path, says := range map[string]string{
		"/metrics":                        "gatehouse_build_info",
		"/debug/pprof/":                   "goroutine",
		"/debug/pprof/goroutine?debug=2":  "goroutine 1",
		"/debug/pprof/cmdline":            "",
		"/debug/pprof/profile?seconds=1":  "",
		"/debug/pprof/heap?debug=1":       "heap profile",
		"/debug/pprof/symbol":             "num_symbols",
		"/debug/pprof/trace?seconds=0.01": "",
	} {
		if status, body := get(t, ops+path); status != http.StatusOK || !strings.Contains(body, says) {
			t.Errorf("%s: %d, want 200 and %q", path, status, says)
		}
		if status, body := get(t, s.URL+path); status == http.StatusOK && says != "" && strings.Contains(body, says) {
			t.Errorf("%s is served to the public: %s", path, body)
		}
		if status, _ := get(t, s.URL+path); status != http.StatusNotFound {
			t.Errorf("%s in public: %d, want 404", path, status)
		}
	}
	for _, path := range []string{"/", "/graphql?query={__typename}", "/healthz"} {
		if status, _ := get(t, ops+path); status != http.StatusNotFound {
			t.Errorf("%s for operators: %d, want 404", path, status)
		}
	}
	if strings.Contains(s.Log.String(), "level=WARN") {
		t.Errorf("a warning on loopback:\n%s", s.Log)
	}
	s.stop(t)
	if conn, err := net.Dial("tcp", strings.TrimPrefix(ops, "http://")); err == nil {
		conn.Close()
		t.Error("the second listener outlives the server")
	}
}

func TestOperatorsListenerIsOffOrSaysThatItIsOpen(t *testing.T) {
	off := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	if strings.Contains(off.Log.String(), "/metrics") {
		t.Errorf("not asked for:\n%s", off.Log)
	}
	open := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_OPS_ADDR=0.0.0.0:0")
	if !regexp.MustCompile(`level=WARN.*GATEHOUSE_OPS_ADDR`).MatchString(open.Log.String()) {
		t.Errorf("no warning:\n%s", open.Log)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	code, _, stderr := command(t, []string{"GATEHOUSE_ADDR=127.0.0.1:0", "GATEHOUSE_DATABASE_URL=" + dbtest.SQLite(t), "GATEHOUSE_OPS_ADDR=" + taken.Addr().String()})
	if code != exitFailed || !strings.Contains(stderr, "GATEHOUSE_OPS_ADDR") {
		t.Errorf("%d %s", code, stderr)
	}
}

// TestMetricsCountWhatHappened on both databases, to the figure where nothing else moves it.
func TestMetricsCountWhatHappened(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s, ops := startWatched(t, "GATEHOUSE_DATABASE_URL="+url)
		w := &stage{t: t, url: s.URL}
		ask := func(token, body string) {
			t.Helper()
			_, _ = request(t, http.MethodPost, s.URL+"/graphql", body, "Content-Type", "application/json", "Authorization", "Bearer "+token, "Accept", "application/graphql-response+json")
		}
		token := between(t, w.must("", w.registering()+` { accessToken } }`), `"accessToken":"`, `"`)
		for range 5 {
			ask(token, `{"query":"query Me { me { id } }"}`)
		}
		ask("x.y.z", `{"query":"query Me { me { id } }"}`)
		ask("x.y.z", `{"query":"query Junk { me { id } }"}`)
		ask(token, `{"query":"{ users { totalCount } }"}`)
		ask(token, `{"query":"{"}`)
		ask("", `{"query":"mutation { login(input: {email: \"a@example.com\", password: \"wrong password\"}) { tokenType } }"}`)
		ask(token, `{"query":"mutation { logout { success } }"}`)
		for i := range 120 { // names that nobody without an account gets in
			ask("", fmt.Sprintf(`{"query":"query N%d { __typename }"}`, i))
		}
		_, text := get(t, ops+"/metrics")
		for _, want := range []string{
			`gatehouse_requests_total{operation="Me",status="200",type="query"} 5`,
			`gatehouse_requests_total{operation="Me",status="401",type="query"} 1`,
			`gatehouse_requests_total{operation="other",status="401",type="query"} 1`,
			`gatehouse_requests_total{operation="other",status="200",type="query"} 120`,
			`gatehouse_requests_total{operation="users",status="403",type="query"} 1`,
			`gatehouse_requests_total{operation="",status="400",type=""} 1`,
			`gatehouse_requests_total{operation="login",status="200",type="mutation"} 1`,
			`gatehouse_request_duration_seconds_count{operation="Me"} 6`,
			`gatehouse_errors_total{code="GRAPHQL_PARSE_FAILED"} 1`,
			`gatehouse_errors_total{code="INVALID_CREDENTIALS"} 1`,
			`gatehouse_denials_total{code="FORBIDDEN",coordinate="Query.users"} 1`,
			`gatehouse_security_events_total{event="account_created"} 1`,
			`gatehouse_security_events_total{event="signed_in"} 1`,
			`gatehouse_security_events_total{event="sign_in_failed"} 1`,
			`gatehouse_security_events_total{event="session_ended"} 1`,
			`gatehouse_security_events_total{event="keys_rotated"} 0`,
			`gatehouse_panics_total 0`,
			`gatehouse_hashing_running 0`,
			`gatehouse_hashing_refused_total 0`,
			`gatehouse_token_lookups_total{result="miss"} 3`, // one good, two forged
			`gatehouse_token_lookups_total{result="hit"} 7`,
			`gatehouse_sessions_remembered 0`,
		} {
			if !strings.Contains(text, want+"\n") {
				name := regexp.MustCompile(`\w+`).FindString(want)
				t.Errorf("want %s, got\n%s", want, strings.Join(regexp.MustCompile(`(?m)^`+name+`.*$`).FindAllString(text, 8), "\n"))
			}
		}
		soon(t, "in touch", 3*time.Second, func() bool {
			_, text := get(t, ops+"/metrics")
			return strings.Contains(text, "gatehouse_revocations_in_touch 1\n") && !strings.Contains(text, "gatehouse_revocations_lag_seconds 0\n")
		})
		for _, positive := range []string{`plan_lookups_total{result="hit"}`, `session_lookups_total{result="miss"}`, `database_connections_max`, `hashing_turns`} {
			if !regexp.MustCompile(`(?m)^gatehouse_` + regexp.QuoteMeta(positive) + ` [1-9]`).MatchString(text) {
				t.Errorf("%s is not above 0", positive)
			}
		}
	})
}
