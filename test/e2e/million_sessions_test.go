package e2e

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMillionSessions_AreRememberedByOneInstanceOfAGiB: a server on Postgres with the soft limit that a container of
// 1 GiB gives it. Each session is used once, and then they are used at random.
func TestMillionSessions_AreRememberedByOneInstanceOfAGiB(t *testing.T) {
	if !testenv.Long("users") {
		t.Skip("signs a million tokens: TEST_LONG=users")
	}
	const many, asked = 1_000_000, 200_000
	const limit = (1<<30)*4/5>>20 - 2*(19+8) // MiB, without two processes that hash
	key, url := servertest.NewSigningKey(t), dbtest.Postgres(t)
	p := servertest.StartChild(t, "GATEHOUSE_DATABASE_URL="+url, key.Setting, "GATEHOUSE_ACCESS_TTL=1h", "GATEHOUSE_LOG=error",
		"GATEHOUSE_OPS_ADDR="+servertest.FreeAddress(t), fmt.Sprintf("GOMEMLIMIT=%dMiB", limit))
	tokens := sessionsOf(t, p, key, many)
	insertSessions(t, url, many)
	me := func(n int) {
		if a := p.Do(servertest.Request{Token: tokens[n], Query: "{ me { email } }"}); !a.Has(fmt.Sprintf(`"user%d@example.com"`, n)) {
			t.Errorf("user %d: %v", n, a)
		}
	}
	inTurn(many, me)
	count := func(name string) (hits, misses float64) {
		return p.Metric(name + `{result="hit"}`), p.Metric(name + `{result="miss"}`)
	}
	hits, misses := count("gatehouse_session_lookups_total")
	tokenHits, _ := count("gatehouse_token_lookups_total")
	inTurn(asked, func(int) { me(rand.IntN(many)) })
	moreHits, moreMisses := count("gatehouse_session_lookups_total")
	moreTokenHits, _ := count("gatehouse_token_lookups_total")
	hits, misses = moreHits-hits, moreMisses-misses
	t.Logf("%d sessions, %v remembered; %d requests: hit rate %.4f of sessions, %.4f of tokens; %d MiB resident, %d at most",
		many, p.Metric("gatehouse_sessions_remembered"), asked, hits/(hits+misses), (moreTokenHits-tokenHits)/asked,
		p.ResidentKiB()>>10, p.MaxResidentKiB()>>10)
	if hits < 0.95*(hits+misses) || hits+misses < asked {
		t.Errorf("%v sessions were found, %v were not", hits, misses)
	}
	if most := p.MaxResidentKiB() >> 10; most > limit {
		t.Errorf("%d MiB were resident, and the limit is %d", most, limit)
	}
}

// inTurn calls a function with the numbers below many, from as many goroutines as keep the processors busy.
func inTurn(many int, f func(n int)) {
	var all sync.WaitGroup
	workers := 4 * runtime.GOMAXPROCS(0)
	for w := range workers {
		all.Go(func() {
			for n := w; n < many; n += workers {
				f(n)
			}
		})
	}
	all.Wait()
}

// numberedID is the id of a user, and of the user's session.
func numberedID(n int) string { return fmt.Sprintf("%08x-0000-7000-8000-000000000000", n) }

// sessionsOf signs a token for each session, as the server does that has the key.
func sessionsOf(t *testing.T, p *servertest.Process, key *servertest.SigningKey, many int) []string {
	t.Helper()
	one, tokens := p.Register().Access, make([]string, many)
	inTurn(many, func(n int) {
		token, err := key.Resign(one, func(c jwt.MapClaims) {
			c["sub"], c["sid"], c["jti"] = numberedID(n), numberedID(n), fmt.Sprintf("%022d", n)
		})
		servertest.Check(t, err)
		tokens[n] = token
	})
	return tokens
}

// insertSessions makes the users and their sessions past the program: a million sign-ins take hours.
func insertSessions(t *testing.T, url string, many int) {
	t.Helper()
	db := servertest.OpenDB(t, url)
	const id = "(lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid"
	const soon = "now() + interval '1 hour'"
	servertest.Exec(t, db,
		"INSERT INTO users (id, email, password_hash, roles, status, created_at, updated_at) SELECT "+id+
			`, 'user' || n || '@example.com', '', '["USER"]', 'ACTIVE', now(), now() FROM generate_series(0, `+fmt.Sprint(many-1)+") n",
		"INSERT INTO sessions (id, user_id, refresh_digest, refresh_generation, authenticated_at, created_at, last_used_at, "+
			`idle_expires_at, expires_at) SELECT id, id, '\x00', 1, now(), now(), now(), `+soon+", "+soon+
			" FROM users WHERE password_hash = ''",
		"VACUUM ANALYZE")
}
