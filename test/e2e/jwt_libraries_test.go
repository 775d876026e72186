package e2e

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/verify"
)

// library is a program that accepts a token by the server's key set, or refuses it.
type library struct {
	name    string
	accepts func(t *testing.T, issuer, token string) bool
}

// libraries are what relying services use.
func libraries(t *testing.T) []library {
	t.Helper()
	servertest.NeedProgram(t, "node", "install Node.js 20 or newer")
	if _, err := os.Stat("web/node_modules/jose"); err != nil {
		testenv.Missing(t, "jose", "run make playground")
	}
	pythons := []string{"python3", "/usr/bin/python3"} // Debian's modules are Debian's Python's
	i := slices.IndexFunc(pythons, func(p string) bool {
		return exec.Command(p, "-c",
			"import jwt, cryptography").Run() == nil
	})
	if i < 0 {
		testenv.Missing(t, "PyJWT", "apt-get install python3-jwt python3-cryptography")
	}
	installPackages(t, "test/e2e/clients/tokens")
	return []library{
		{"jose", program("node", "web/test/jose.mjs")},
		{"oauth4webapi", program("node", "test/e2e/clients/tokens/oauth4webapi.mjs")},
		{"Auth0's, strict", program("node", "test/e2e/clients/tokens/auth0.mjs")},
		{"PyJWT", program(pythons[i], "test/e2e/testdata/pyjwt.py")},
		{"verify", func(t *testing.T, issuer, token string) bool {
			v, err := verify.New(verify.Config{Issuer: issuer})
			if err != nil {
				t.Error(err)
				return false
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
			t.Errorf("%s: %v\n%s", script, err, out)
		}
		return err == nil
	}
}

// TestJWTLibraries_AcceptTokensThroughARotation rotates the keys of a running server, which learns it by itself, from
// each algorithm to the next.
func TestJWTLibraries_AcceptTokensThroughARotation(t *testing.T) {
	t.Parallel()
	all := libraries(t)
	databaseURL := dbtest.Postgres(t)
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+databaseURL, servertest.Secret)
	db := servertest.OpenDB(t, databaseURL)
	register := func() string { return s.Register().Access }
	want := func(when, token string, good bool) {
		t.Helper()
		var asked sync.WaitGroup
		for _, l := range all {
			asked.Go(func() { testenv.Equal(t, good, l.accepts(t, s.URL, token), "%s: %s accepts", when, l.name) })
		}
		asked.Wait()
	}
	for i, algorithm := range []string{"ES256", "RS256", "EdDSA"} {
		old := register()
		want("before "+algorithm, old, true)
		s.Command("", "keys", "rotate", "--algorithm", algorithm)
		servertest.Eventually(t, "the new key is published", servertest.HangGuard, func() bool { return keyCount(s.Client) == i+2 })
		during := register()
		if algorithmOf(t, during) != algorithmOf(t, old) {
			t.Errorf("%s signs before it has been published for long enough", algorithm)
		}
		want("published ahead", during, true)
		servertest.Exec(t, db, "UPDATE signing_keys SET signs_at = now() WHERE signs_at > now()") // ten minutes pass
		var after string
		servertest.Eventually(t, "the new key signs", servertest.HangGuard, func() bool {
			after = register()
			return algorithmOf(t, after) == algorithm
		})
		want("the new key's token", after, true)
		want("the old key's token", old, true)
	}
	last := register()
	want("another signature", last[:len(last)-4]+"AAAA", false)
	s.Command("", "keys", "rotate", "--revoke")
	servertest.Eventually(t, "the leaked key is gone", servertest.HangGuard, func() bool { return keyCount(s.Client) == 1 })
	want("the leaked key's token", last, false)
	want("the newest key's token", register(), true)
}

func algorithmOf(t *testing.T, token string) string {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	servertest.Check(t, err)
	return parsed.Method.Alg()
}
