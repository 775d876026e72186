package servertest

import (
	"database/sql"
	"testing"
	"time"
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

// WaitForCache waits until the second instance answers from its cache: a session that is ended past every instance,
// with no revocation, is still accepted there.
func (p *Pair) WaitForCache() {
	p.t.Helper()
	for range 100 {
		token := p.Register().Access
		p.Accepts(token)
		Exec(p.t, p.DB, "UPDATE sessions SET ended_at = now()")
		if p.Accepts(token) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatal("the second instance reads the database each time: what follows would show nothing")
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

// WaitForRefusal waits until the second instance refuses a token whose session has ended.
func (p *Pair) WaitForRefusal(token string) time.Duration {
	p.t.Helper()
	ended := time.Now()
	for p.Accepts(token) {
		if time.Since(ended) > 30*time.Second {
			p.t.Fatal("a session that has ended is still accepted")
		}
	}
	return time.Since(ended)
}
