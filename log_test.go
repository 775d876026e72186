package main

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// forgery would begin a line, colour it, end it early, turn it round, or look like another field.
const forgery = "a\r\nlevel=ERROR msg=forged\x1b[31m\x00\x7f\u009b\u2028\u202egnp\u2066\ufeff\" user=root \U000e0041 \xff b"

// TestEachRequestIsALineWhateverItHolds sends forgery text wherever a client may write, to a running server.
func TestEachRequestIsALineWhateverItHolds(t *testing.T) {
	for _, format := range []string{"debug", "debug,json"} {
		s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_LOG="+format)
		before := strings.Count(s.Log.String(), "\n")
		inHeader := strings.NewReplacer("\r\n", "", "\x00", "", "\x7f", "", "\x1b", "").Replace(forgery) // what HTTP lets through
		kid := marshal(map[string]string{"alg": "EdDSA", "typ": "at+jwt", "kid": forgery})
		for name, body := range map[string]string{
			"operationName": marshal(map[string]string{"query": "query A { me { id } }", "operationName": forgery}),
			"email":         marshal(map[string]any{"query": logsIn, "variables": in("email", forgery+"@example.com", "password", forgery)}),
			"query":         marshal(map[string]string{"query": "{ " + forgery + " }"}),
		} {
			response, _ := request(t, http.MethodPost, s.URL+"/graphql", body, "Content-Type", "application/json",
				"User-Agent", inHeader, "Authorization", "Bearer "+base64.RawURLEncoding.EncodeToString([]byte(kid))+".e30.AAAA", "Traceparent", inHeader, "X-Forwarded-For", inHeader, "X-Request-Id", inHeader)
			if id := response.Header.Get("X-Request-Id"); !strings.Contains(s.Log.String(), id) {
				t.Errorf("%s: no line of request %q", name, id)
			}
		}
		s.stop(t)
		lines := strings.Split(strings.TrimSuffix(s.Log.String(), "\n"), "\n")
		if len(lines) < before+4 { // of each request one, and a failed login
			t.Errorf("%s", s.Log)
		}
		for _, line := range lines {
			begins := regexp.MustCompile(`^time=\S+Z level=(DEBUG|INFO) `).MatchString(line)
			if format == "debug,json" {
				begins = json.Valid([]byte(line))
			}
			if !begins || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q", line)
			}
		}
	}
}

// TestAStatementThatFailsBeforeTheDoorIsLoggedWithItsRequest and its trace does not repeat the error's text.
func TestAStatementThatFailsBeforeTheDoorIsLoggedWithItsRequest(t *testing.T) {
	url, collector := dbtest.SQLite(t), newReceiver(t)
	s := start(t, "GATEHOUSE_DATABASE_URL="+url, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL)
	w := &stage{t: t, url: s.URL}
	token := w.register()
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE sessions SET last_used_at = datetime('now', '-5 minutes');
		CREATE TRIGGER failing BEFORE UPDATE OF last_used_at ON sessions BEGIN SELECT RAISE(ABORT, 'a canary of an error'); END`); err != nil {
		t.Fatal(err)
	}
	response, body := post(t, s.URL, me, "Authorization", "Bearer "+token)
	if !strings.Contains(body, `"id"`) {
		t.Error(body)
	}
	if want := "canary of an error.* requestId=" + response.Header.Get("X-Request-Id"); !regexp.MustCompile(want).MatchString(s.Log.String()) {
		t.Errorf("no line with %q:\n%s", want, s.Log)
	}
	s.stop(t)
	if text := collector.text.String(); !strings.Contains(text, "STATUS_CODE_ERROR") || strings.Contains(text, "canary") {
		t.Errorf("want the failure without its text: %s", text)
	}
}

// TestWhatMattersToSecurityIsALine is S-070 and S-072: when, where, who, what, at the level that is on by default; what
// every client meets is not, so that nobody can fill a disk by asking.
func TestWhatMattersToSecurityIsALine(t *testing.T) {
	s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	w := &stage{t: t, url: s.URL}
	made := w.must("", w.registering()+` { accessToken user { id } } }`)
	token, id := between(t, made, `"accessToken":"`, `"`), between(t, made, `"id":"`, `"`)
	lines := func(what string, does func() *http.Response, want ...string) {
		t.Helper()
		before := s.Log.String()
		response := does()
		got := strings.Split(strings.TrimSuffix(strings.TrimPrefix(s.Log.String(), before), "\n"), "\n")
		if s.Log.String() == before {
			got = nil
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d lines, want %d: %q", what, len(got), len(want), got)
		}
		for n, line := range got {
			whole := `^time=\S+Z level=` + want[n] + ` requestId=` + response.Header.Get("X-Request-Id") + `$`
			if !regexp.MustCompile(whole).MatchString(line) {
				t.Errorf("%s: %s\nwant %s", what, line, whole)
			}
		}
	}
	asks := func(operation string, headers ...string) func() *http.Response {
		return func() *http.Response {
			response, _ := post(t, s.URL, operation, append(headers, "User-Agent", "a test", "Accept", "application/graphql-response+json")...)
			return response
		}
	}
	signedIn := []string{"Authorization", "Bearer " + token}
	from := `ip=127.0.0.1 agent="a test"`
	lines("a sign-in that fails", asks(`mutation { login(input: {email: "a@example.com", password: "wrong wrong"}) { tokenType } }`),
		`INFO msg="security event" event=sign_in_failed `+from)
	lines("a field that is not open", asks("query Peek { users { totalCount } me { sessions { id } } }", signedIn...),
		`INFO msg=denied operation=Peek denied="FORBIDDEN Query.users" reason="" user=`+id+` ip=127.0.0.1`)
	lines("a forged token", asks(me, "Authorization", "Bearer "+token+"x"), `INFO msg=denied operation="" denied="UNAUTHENTICATED Query.me" reason=invalid ip=127.0.0.1`)
	lines("no token", asks(me))
	lines("an answer", asks(me, signedIn...))
	lines("a logout", asks("mutation { logout { success } }", signedIn...),
		`INFO msg="security event" event=session_ended user=`+id+` session=\S+ by=`+id+` `+from)
	lines("the token of an ended session", asks(me, signedIn...), `INFO msg=denied operation="" denied="UNAUTHENTICATED Query.me" reason=revoked ip=127.0.0.1`)
}
