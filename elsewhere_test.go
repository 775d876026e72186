package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/verify"
)

const feedToken = "the-token-of-the-services-elsewhere"

// service is another program's handler behind package verify; it says the caller's id and roles.
func service(t *testing.T, issuer string, feed *verify.Feed) string {
	t.Helper()
	v, err := verify.New(verify.Config{Issuer: issuer, Revocations: feed})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); v.Run(ctx) }()
	s := httptest.NewServer(v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := verify.From(r.Context())
		json.NewEncoder(w).Encode(map[string]any{"id": token.UserID, "roles": token.Roles})
	})))
	t.Cleanup(func() { s.Close(); cancel(); <-done })
	return s.URL
}

// call returns the status and the body of the service's answer to a token.
func call(t *testing.T, service, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, service, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body := make([]byte, 1000)
	n, _ := response.Body.Read(body)
	return response.StatusCode, string(body[:n])
}

// soon waits until something holds; it returns how long that took.
func soon(t *testing.T, what string, within time.Duration, holds func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !holds() {
		if time.Since(start) > within {
			t.Fatalf("%s: not within %v", what, within)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(start)
}

// TestAServiceElsewhereRefusesAnEndedSessionWithinASecond has two services: one reads the feed, the other does not.
func TestAServiceElsewhereRefusesAnEndedSessionWithinASecond(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := start(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_REVOCATIONS_TOKEN=an-old-one-that-is-being-replaced,"+feedToken)
		w := &stage{t: t, url: s.URL}
		following, plain := service(t, s.URL, &verify.Feed{Token: feedToken}), service(t, s.URL, nil)
		token, innocent := w.register(), w.register()
		accepts := func(service, token string) func() bool {
			return func() bool { status, _ := call(t, service, token); return status == http.StatusOK }
		}
		soon(t, "the service is connected", 5*time.Second, accepts(following, token))
		if !accepts(plain, token)() {
			t.Error("the plain service refuses a good token")
		}
		w.must(token, "mutation { logout { success } }")
		took := soon(t, "the ended session is refused", time.Second, func() bool { return !accepts(following, token)() })
		t.Logf("refused elsewhere after %v", took)
		if status, _ := call(t, following, token); status != http.StatusUnauthorized {
			t.Errorf("refused with %d", status)
		}
		if !accepts(following, innocent)() || !accepts(plain, token)() {
			t.Error("an innocent session is refused, or a service without the feed refuses what it cannot know")
		}
		late := service(t, s.URL, &verify.Feed{Token: feedToken}) // hears what ended before it came
		soon(t, "the late service is connected", 5*time.Second, accepts(late, innocent))
		if status, _ := call(t, late, token); status != http.StatusUnauthorized {
			t.Errorf("a service that came late: %d", status)
		}
	})
}

func TestAServiceElsewhereHearsOfNewRoles(t *testing.T) {
	databaseURL := dbtest.Postgres(t)
	environment := []string{"GATEHOUSE_DATABASE_URL=" + databaseURL, "GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2),
		"GATEHOUSE_SECRET_FILE=", "GATEHOUSE_ARGON2=m=64,t=1,p=1"}
	s := start(t, append(environment, "GATEHOUSE_REVOCATIONS_TOKEN="+feedToken)...)
	w := &stage{t: t, url: s.URL}
	following := service(t, s.URL, &verify.Feed{Token: feedToken})
	token := between(t, w.must("", `mutation { register(input: {email: "ann@example.com", password: "correct horse battery"}) { accessToken } }`), `"accessToken":"`, `"`)
	soon(t, "the service is connected", 5*time.Second, func() bool { status, _ := call(t, following, token); return status == 200 })
	var out strings.Builder // by a command, in another process as it were
	if code := run(t.Context(), world{Args: []string{"admin", "create", "ann@example.com"}, Env: environment, Stdout: &out, Stderr: &out}); code != exitDone {
		t.Fatal(out.String())
	}
	soon(t, "the role is known", time.Second, func() bool { _, body := call(t, following, token); return strings.Contains(body, `["ADMIN","USER"]`) })
}

func TestTheFeedOpensToItsTokensOnly(t *testing.T) {
	s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_REVOCATIONS_TOKEN="+feedToken)
	w := &stage{t: t, url: s.URL}
	status := func(token string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/revocations", nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	body := w.must("", `mutation { register(input: {email: "ann@example.com", password: "correct horse battery"}) { accessToken refreshToken } }`)
	for name, token := range map[string]string{
		"nobody": "", "access token": between(t, body, `"accessToken":"`, `"`), "refresh token": between(t, body, `"refreshToken":"`, `"`),
		"another": strings.ToUpper(feedToken), "a part": feedToken[1:],
	} {
		if got := status(token); got != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", name, got)
		}
	}
	if got := status(feedToken); got != http.StatusOK {
		t.Errorf("the token itself: %d", got)
	}
	off := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_PLAYGROUND=off")
	if got, _ := get(t, off.URL+"/revocations"); got != http.StatusNotFound {
		t.Errorf("a server without such tokens: %d, want 404", got)
	}
}

// TestARevokedKeyIsRefusedElsewhereAtOnce has a service that reads the feed follow gatehouse keys rotate --revoke.
func TestARevokedKeyIsRefusedElsewhereAtOnce(t *testing.T) {
	environment := []string{"GATEHOUSE_DATABASE_URL=" + dbtest.Postgres(t), "GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2),
		"GATEHOUSE_SECRET_FILE=", "GATEHOUSE_ARGON2=m=64,t=1,p=1"}
	s := start(t, append(environment, "GATEHOUSE_REVOCATIONS_TOKEN="+feedToken)...)
	w := &stage{t: t, url: s.URL}
	following := service(t, s.URL, &verify.Feed{Token: feedToken})
	status := func(token string) int { status, _ := call(t, following, token); return status }
	leaked := w.register()
	soon(t, "the service is connected", 5*time.Second, func() bool { return status(leaked) == http.StatusOK })
	if code, _, errs := command(t, environment, "keys", "rotate", "--revoke"); code != exitDone {
		t.Fatal(errs)
	}
	soon(t, "the leaked key's token is refused", 2*time.Second, func() bool { return status(leaked) == http.StatusUnauthorized })
	fresh := w.register()
	soon(t, "the new key's token is accepted", 2*time.Second, func() bool { return status(fresh) == http.StatusOK })
}

// library is a program that accepts a token by the server's key set, or refuses it.
type library struct {
	name    string
	accepts func(t *testing.T, issuer, token string) bool
}

// libraries are what services elsewhere use.
func libraries(t *testing.T) []library {
	t.Helper()
	need(t, "node", "install Node.js 20 or newer")
	if _, err := os.Stat("web/node_modules/jose"); err != nil {
		testenv.Missing(t, "jose", "run make playground")
	}
	pythons := []string{"python3", "/usr/bin/python3"} // Debian's modules are Debian's Python's
	i := slices.IndexFunc(pythons, func(p string) bool { return exec.Command(p, "-c", "import jwt, cryptography").Run() == nil })
	if i < 0 {
		testenv.Missing(t, "PyJWT", "apt-get install python3-jwt python3-cryptography")
	}
	return []library{
		{"jose", program("node", "web/test/jose.mjs")},
		{"PyJWT", program(pythons[i], "testdata/pyjwt.py")},
		{"verify", func(t *testing.T, issuer, token string) bool {
			v, err := verify.New(verify.Config{Issuer: issuer})
			if err != nil {
				t.Fatal(err)
			}
			_, err = v.Verify(t.Context(), token)
			return err == nil
		}},
	}
}

func program(name, script string) func(*testing.T, string, string) bool {
	return func(t *testing.T, issuer, token string) bool {
		c := exec.CommandContext(t.Context(), name, script, issuer, "gatehouse", issuer+"/.well-known/jwks.json")
		c.Stdin = strings.NewReader(token)
		out, err := c.CombinedOutput()
		if code := c.ProcessState.ExitCode(); code > 1 || err != nil && code < 0 {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return err == nil
	}
}

// TestOtherLibrariesAcceptTokensThroughARotation rotates the keys of a running server, which learns it by itself, from
// each algorithm to the next.
func TestOtherLibrariesAcceptTokensThroughARotation(t *testing.T) {
	all := libraries(t)
	databaseURL := dbtest.Postgres(t)
	environment := []string{"GATEHOUSE_DATABASE_URL=" + databaseURL, "GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2),
		"GATEHOUSE_SECRET_FILE=", "GATEHOUSE_ARGON2=m=64,t=1,p=1"}
	s := start(t, environment...)
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := &stage{t: t, url: s.URL}
	keys := func() int { _, body := get(t, s.URL+"/.well-known/jwks.json"); return strings.Count(body, `"kid"`) }
	want := func(when, token string, good bool) {
		t.Helper()
		for _, l := range all {
			if got := l.accepts(t, s.URL, token); got != good {
				t.Errorf("%s: %s accepts: %v, want %v", when, l.name, got, good)
			}
		}
	}
	rotate := func(arguments ...string) {
		t.Helper()
		if code, _, errs := command(t, environment, append([]string{"keys", "rotate"}, arguments...)...); code != exitDone {
			t.Fatal(errs)
		}
	}
	for i, algorithm := range []string{"ES256", "RS256", "EdDSA"} {
		old := w.register()
		want("before "+algorithm, old, true)
		rotate("--algorithm", algorithm)
		soon(t, "the new key is published", 2*time.Second, func() bool { return keys() == i+2 })
		during := w.register()
		if algorithmOf(t, during) != algorithmOf(t, old) {
			t.Errorf("%s signs before it has been published for long enough", algorithm)
		}
		want("published ahead", during, true)
		// Ten minutes pass.
		if _, err := db.Exec("UPDATE signing_keys SET signs_at = now() WHERE signs_at > now()"); err != nil {
			t.Fatal(err)
		}
		var after string
		soon(t, "the new key signs", 2*time.Second, func() bool { after = w.register(); return algorithmOf(t, after) == algorithm })
		want("the new key's token", after, true)
		want("the old key's token", old, true)
	}
	last := w.register()
	want("another signature", last[:len(last)-4]+"AAAA", false)
	rotate("--revoke")
	soon(t, "the leaked key is gone", 2*time.Second, func() bool { return keys() == 1 })
	want("the leaked key's token", last, false)
	want("the newest key's token", w.register(), true)
}

func algorithmOf(t *testing.T, token string) string {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Method.Alg()
}

// TestARunningServerTakesUpARotation is without Postgres's notifications: it reads the keys now and then.
func TestARunningServerTakesUpARotation(t *testing.T) {
	environment := []string{"GATEHOUSE_DATABASE_URL=" + dbtest.SQLite(t), "GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2), "GATEHOUSE_SECRET_FILE="}
	s := start(t, environment...)
	if code, out, errs := command(t, environment, "keys", "rotate"); code != exitDone || !strings.Contains(out, "is published, signs from") {
		t.Fatal(code, out, errs)
	}
	soon(t, "the new key is published", 2*tendEvery, func() bool {
		_, body := get(t, s.URL+"/.well-known/jwks.json")
		return strings.Count(body, `"kid"`) == 2
	})
	code, out, _ := command(t, environment, "keys", "list")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); code != exitDone || len(lines) != 3 || !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "signs, and verifies until") }) {
		t.Errorf("keys list: %d\n%s", code, out)
	}
	if code, _, errs := command(t, environment, "keys", "rotate"); code != exitFailed || !strings.Contains(errs, "rotate again after that") {
		t.Errorf("rotated again: %d, %s", code, errs)
	}
	_, pem := newSigningKey(t)
	alone := append(environment, "GATEHOUSE_SIGNING_KEY="+pem)
	if code, _, errs := command(t, alone, "keys", "rotate"); code != exitFailed || !strings.Contains(errs, "signs alone") {
		t.Errorf("rotated beside GATEHOUSE_SIGNING_KEY: %d, %s", code, errs)
	}
	if code, out, _ := command(t, alone, "keys", "list"); code != exitDone || strings.Count(out, "\n") != 2 {
		t.Errorf("keys list beside GATEHOUSE_SIGNING_KEY: %d\n%s", code, out)
	}
}
