package main

import (
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestAPoolerOfTransactionsChangesNoAnswer is R-021: two instances behind a PgBouncer that gives each transaction
// whichever connection is free. What was prepared, locked or listened to on one is then on another.
func TestAPoolerOfTransactionsChangesNoAnswer(t *testing.T) {
	databaseURL := dbtest.Postgres(t)
	pooled := dbtest.PgBouncer(t, databaseURL, "transaction")
	p := newPair(t, pooled, pooled)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)

	t.Run("answers are the asker's", func(t *testing.T) {
		people := make([]*stranger, 8)
		for i := range people {
			people[i] = newStranger([]*stage{p.stage, p.other}[i%2])
		}
		var all sync.WaitGroup
		for i, one := range people {
			all.Go(func() {
				for n := range 30 {
					if text := one.ask([]string{p.url, p.other.url}[(i+n)%2], one.questions()[n%3], time.Minute); !one.own(text) {
						t.Errorf("%s was answered %s", one.id, text)
						return
					}
				}
			})
		}
		all.Wait()
	})
	t.Run("an ended session is refused at once", func(t *testing.T) {
		for range 20 {
			token, innocent := p.register(), p.register()
			for range 3 {
				if !p.signedIn(token) || !p.signedIn(innocent) {
					t.Fatal("a new session is refused")
				}
			}
			p.must(token, "mutation { logout { success } }")
			if p.signedIn(token) { // asked once: the other instance reads the database each time
				t.Fatal("accepted after its end")
			}
			if !p.signedIn(innocent) {
				t.Fatal("somebody else's session was ended")
			}
		}
	})
	t.Run("a refresh token is replaced", func(t *testing.T) {
		made := p.must("", p.registering()+" { refreshToken } }")
		for range 5 {
			made = p.other.must("", `mutation { refresh(input: {refreshToken: "`+between(t, made, `"refreshToken":"`, `"`)+`"}) { refreshToken } }`)
		}
	})
	for _, story := range []string{"administrators", "session", "sessions"} {
		t.Run(story, func(t *testing.T) {
			play(t, filepath.Join("testdata", story+".txtar"), dbtest.PgBouncer(t, dbtest.Postgres(t), "transaction"))
		})
	}
	if status, body := get(t, p.url+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d %s", status, body)
	}
}

// TestAPoolerOfSessionsChangesNothing: the other mode, in which notifications arrive and sessions are remembered.
func TestAPoolerOfSessionsChangesNothing(t *testing.T) {
	pooled := dbtest.PgBouncer(t, dbtest.Postgres(t), "session")
	p := newPair(t, pooled, pooled)
	p.remembersSessions()
	if took := p.untilRefused(); took > time.Second {
		t.Errorf("a session was accepted for %v after it had ended", took)
	}
}
