package e2e

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// forgery would begin a line, colour it, end it early, turn it round, or look like another field.
const forgery = "a\r\nlevel=ERROR msg=forged\x1b[31m\x00\x7f\u009b\u2028\u202egnp\u2066\ufeff\" user=root \U000e0041 \xff b"

// TestLog_EachRequestIsOneLine sends forgery text wherever a client may write, to a running server.
func TestLog_EachRequestIsOneLine(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"debug", "debug,json"} {
		s := servertest.Start(t, "GATEHOUSE_LOG="+format)
		before := strings.Count(s.Log.String(), "\n")
		// what HTTP lets through
		inHeader := strings.NewReplacer("\r\n", "", "\x00", "", "\x7f", "", "\x1b", "").Replace(forgery)
		kid := servertest.JSON(map[string]string{"alg": "EdDSA", "typ": "at+jwt", "kid": forgery})
		for name, body := range map[string]string{
			"operationName": servertest.JSON(map[string]string{"query": "query A { me { id } }", "operationName": forgery}),
			"email": servertest.JSON(map[string]any{"query": "mutation Login($in: LoginInput!) { login(input: $in) { accessToken } }", "variables": map[string]any{
				"in": map[string]string{"email": forgery + "@example.com", "password": forgery}}}),
			"query": servertest.JSON(map[string]string{"query": "{ " + forgery + " }"}),
		} {
			a := s.Do(servertest.Request{Body: body, Header: []string{
				"User-Agent", inHeader, "Authorization", "Bearer " + base64.RawURLEncoding.EncodeToString([]byte(kid)) +
					".e30.AAAA", "Traceparent", inHeader, "X-Forwarded-For", inHeader, "X-Request-Id", inHeader}})
			if id := a.Header.Get("X-Request-Id"); !strings.Contains(s.Log.String(), id) {
				t.Errorf("%s: no line of request %q", name, id)
			}
		}
		s.Stop()
		lines := strings.Split(strings.TrimSuffix(s.Log.String(), "\n"), "\n")
		if len(lines) < before+4 { // of each request one, and a failed login
			t.Errorf("%s", s.Log)
		}
		for _, line := range lines {
			begins := regexp.MustCompile(`^time=\S+Z level=(DEBUG|INFO) `).MatchString(line)
			if format == "debug,json" {
				begins = json.Valid([]byte(line))
			}
			if !begins || strings.ContainsFunc(line, unprintable) {
				t.Errorf("%q", line)
			}
		}
	}
}

// TestLog_FailedStatementNamesItsRequest and its trace does not repeat the error's text.
func TestLog_FailedStatementNamesItsRequest(t *testing.T) {
	t.Parallel()
	url, collector := dbtest.SQLite(t), servertest.NewCollector(t)
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, collector.Setting())
	token := s.Register().Access
	servertest.Exec(t, servertest.OpenDB(t, url), `CREATE TRIGGER failing BEFORE UPDATE OF name ON users
		BEGIN SELECT RAISE(ABORT, 'a canary of an error'); END`)
	a := s.Ask(token, `mutation { updateProfile(input: {name: "Ada"}) { user { id } } }`)
	if want := "canary of an error.* requestId=" +
		a.Header.Get("X-Request-Id"); !regexp.MustCompile(want).MatchString(s.Log.String()) {
		t.Errorf("no line with %q:\n%s", want, s.Log)
	}
	s.Stop()
	if text := collector.Text(); !strings.Contains(text, "STATUS_CODE_ERROR") || strings.Contains(text, "canary") {
		t.Errorf("want the failure without its text: %s", text)
	}
}

// unprintable is a character that a line of the log must not hold.
func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// TestLog_SecurityEventsAreLines: when, where, who, what, at the level that is on by default; what
// every client meets is not, so that nobody can fill a disk by asking.
func TestLog_SecurityEventsAreLines(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	account := s.Register()
	token, id := account.Access, account.ID
	lines := func(what string, does func() servertest.Answer, want ...string) {
		t.Helper()
		before := s.Log.String()
		a := does()
		got := strings.Split(strings.TrimSuffix(strings.TrimPrefix(s.Log.String(), before), "\n"), "\n")
		if s.Log.String() == before {
			got = nil
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d lines, want %d: %q", what, len(got), len(want), got)
		}
		for n, line := range got {
			whole := `^time=\S+Z level=` + want[n] + ` requestId=` + a.Header.Get("X-Request-Id") + `$`
			if !regexp.MustCompile(whole).MatchString(line) {
				t.Errorf("%s: %s\nwant %s", what, line, whole)
			}
		}
	}
	asks := func(operation string, header ...string) func() servertest.Answer {
		return func() servertest.Answer { return s.Ask("", operation, append(header, "User-Agent", "a test")...) }
	}
	signedIn := []string{"Authorization", "Bearer " + token}
	from := `ip=127.0.0.1 agent="a test"`
	lines("a sign-in that fails",
		asks(`mutation { login(input: {email: "a@example.com", password: "wrong wrong"}) { tokenType } }`),
		`INFO msg="security event" event=sign_in_failed `+from)
	lines("a field that is not open", asks("query Peek { users { totalCount } me { sessions { id } } }", signedIn...),
		`INFO msg=denied operation=Peek denied="FORBIDDEN Query.users" reason="" user=`+id+` ip=127.0.0.1`)
	lines("a forged token", asks(servertest.Me, "Authorization", "Bearer "+token+"x"),
		`INFO msg=denied operation="" denied="UNAUTHENTICATED Query.me" reason=invalid ip=127.0.0.1`)
	lines("no token", asks(servertest.Me))
	lines("an answer", asks(servertest.Me, signedIn...))
	lines("a logout", asks("mutation { logout { success } }", signedIn...),
		`INFO msg="security event" event=session_ended user=`+id+` session=\S+ by=`+id+` `+from)
	lines("the token of an ended session", asks(servertest.Me, signedIn...),
		`INFO msg=denied operation="" denied="UNAUTHENTICATED Query.me" reason=revoked ip=127.0.0.1`)
}
