package servertest

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// Pair is two instances on one Postgres.
type Pair struct {
	*Process         // the first instance
	Other    *Client // asks the second
	DB       *sql.DB // past both

	t testing.TB
}

// NewPair starts two instances; the second may reach the database otherwise.
func NewPair(t testing.TB, databaseURL, othersURL string) *Pair {
	t.Helper()
	one := Start(t, Secret, Issuer, "GATEHOUSE_DATABASE_URL="+databaseURL)
	two := Start(t, Secret, Issuer, "GATEHOUSE_DATABASE_URL="+othersURL)
	return &Pair{Process: one, Other: two.Client, DB: OpenDB(t, databaseURL), t: t}
}

// Accepts reports whether the second instance accepts a token, whose session must be live or revoked. The second
// instance then has the session in its cache.
func (p *Pair) Accepts(token string) bool {
	p.t.Helper()
	a := p.Other.Ask(token, Me)
	switch {
	case a.OK():
		return true
	case a.Has(`"reason":"revoked"`):
		return false
	}
	p.t.Fatalf("neither granted nor revoked: %v", a)
	return false
}

// endUnlogged ends all sessions past every instance and past the log of changes.
const endUnlogged = `ALTER TABLE sessions DISABLE TRIGGER gatehouse_log_update; UPDATE sessions SET ended_at = now();
	ALTER TABLE sessions ENABLE TRIGGER gatehouse_log_update`

// WaitForCache waits until the second instance answers from its cache: a session that is ended past the log of changes
// is still accepted there.
func (p *Pair) WaitForCache() {
	p.t.Helper()
	Eventually(p.t, "the second instance does not read the database each time", HangGuard, func() bool {
		token := p.Register().Access
		p.Accepts(token)
		Exec(p.t, p.DB, endUnlogged)
		return p.Accepts(token)
	})
}

// UntilRefused ends a session at the first instance, and returns for how long the second one accepted it afterwards.
func (p *Pair) UntilRefused() time.Duration {
	p.t.Helper()
	token := p.Register().Access
	for range 2 { // read, and from the cache
		if !p.Accepts(token) {
			p.t.Fatal("a new session is refused")
		}
	}
	p.Logout(token)
	return p.WaitForRefusal(token)
}

// SlowestRefusal returns the longest UntilRefused of many. A machine that does much else stands still for longer than the
// bound at times, which is not the server's fault: the best of five series counts.
func (p *Pair) SlowestRefusal(trials int, bound time.Duration) (most time.Duration) {
	p.t.Helper()
	for range 5 {
		took := make([]time.Duration, trials)
		for i := range took {
			took[i] = p.UntilRefused()
		}
		slices.Sort(took)
		most = took[trials-1]
		p.t.Logf("refused after p50 %v, p99 %v, max %v (%d trials)", took[trials/2], took[trials*99/100], most, trials)
		if most <= bound {
			break
		}
	}
	return most
}

// WaitForRefusal waits until the second instance refuses a token whose session has ended, and returns for how long it
// accepted it: until the last answer that did. What is promised is about answers, those that are under way too.
func (p *Pair) WaitForRefusal(token string) (accepted time.Duration) {
	p.t.Helper()
	for ended := testenv.Awake(); accepted < HangGuard; {
		if !p.Accepts(token) {
			return accepted
		}
		accepted = testenv.Awake() - ended
	}
	p.t.Fatal("a session that has ended is still accepted")
	return 0
}
