package faults

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestTransactionPooler_ChangesNoAnswer: two instances behind a PgBouncer that gives each transaction whichever
// connection is free. What was prepared or locked on one is then on another. The transcripts are played
// behind one in test/e2e.
func TestTransactionPooler_ChangesNoAnswer(t *testing.T) {
	pooled := dbtest.PgBouncer(t, dbtest.Postgres(t), "transaction")
	p := servertest.NewPair(t, pooled, pooled)
	both := []*servertest.Client{p.Client, p.Other}

	t.Run("an answer is for the client that asked", func(t *testing.T) {
		users := make([]servertest.Account, 8)
		for i := range users {
			users[i] = both[i%2].Register()
			p.Must(users[i].Access, users[i].Questions()[1])
		}
		simultaneously(len(users), func(i int) {
			for n := range 30 {
				user := users[i]
				if a := both[(i+n)%2].Ask(user.Access, user.Questions()[n%3]); !user.Owns(a) {
					t.Errorf("%s was answered %v", user.ID, a)
					return
				}
			}
		})
	})
	t.Run("an ended session is refused as soon as without", func(t *testing.T) {
		p.WaitForCache()
		trials, bound := refusals()
		innocent := p.Register().Access
		if most := p.SlowestRefusal(trials, bound); most > bound {
			t.Errorf("a session was accepted for %v after it had ended, want at most %v", most, bound)
		}
		if !p.Accepts(innocent) {
			t.Fatal("another user's session was ended")
		}
	})
	t.Run("a refresh token is replaced", func(t *testing.T) {
		made := p.Register()
		for range 5 {
			made = p.Other.Refresh(made.Refresh)
		}
	})
	if !p.Ready() {
		t.Error("not ready")
	}
}

// TestSessionPooler_ChangesNothing: the other mode.
func TestSessionPooler_ChangesNothing(t *testing.T) {
	pooled := dbtest.PgBouncer(t, dbtest.Postgres(t), "session")
	p := servertest.NewPair(t, pooled, pooled)
	p.WaitForCache()
	if took := p.SlowestRefusal(1, time.Second); took > time.Second {
		t.Errorf("a session was accepted for %v after it had ended", took)
	}
}
