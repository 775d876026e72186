package accounts_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// TestRefresh_OneTokenAtManyInstancesHasOneSuccessor presents the newest refresh token of a session a hundred times at
// the same moment, half of them to another instance, round after round. Beside it other sessions of the same user
// refresh twice simultaneously, and in every tenth round the old token of one more comes back: that session ends, and no
// other does.
func TestRefresh_OneTokenAtManyInstancesHasOneSuccessor(t *testing.T) {
	rounds := 15
	switch {
	case testenv.Long("model"):
		rounds = 100
	case testing.Short():
		rounds = 5
	}
	whose := slices.Repeat([]int{0}, 100) // session's token each party presents
	for innocent := 1; innocent <= 5; innocent++ {
		whose = append(whose, innocent, innocent)
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		doors := [2]*fixture{h.otherPool(h.url), h.otherPool(h.url)}
		newest := []*accounts.AuthPayload{h.must(h.register(ada, goodPassword))} // of each session
		for range slices.Max(whose) {
			newest = append(newest, h.must(h.login(ada, goodPassword)))
		}
		for round := range rounds {
			h.clock.move(time.Second)
			var stolen theft
			if round%10 == 0 {
				stolen = newTheft(h)
			}
			given := make([]*accounts.AuthPayload, len(whose))
			errs := make([]error, len(whose))
			inParallel(len(whose)+stolen.parties, func(i int) {
				if i < len(whose) {
					given[i], errs[i] = doors[i%2].refreshed(newest[whose[i]])
				} else {
					stolen.present(doors[i%2])
				}
			})
			check(t, errors.Join(errs...))
			stolen.over()
			next := make([]*accounts.AuthPayload, len(newest))
			for i, s := range whose {
				if next[s] == nil {
					next[s] = given[i]
				}
				if *given[i].RefreshToken != *next[s].RefreshToken {
					t.Fatalf("round %d: session %d has two successors", round, s)
				}
			}
			newest = next
		}
		for i, p := range newest {
			row := h.db.Client.Session.GetX(t.Context(), p.Viewer.SessionID)
			token, err := h.refresh.Parse(*p.RefreshToken)
			check(t, err)
			if row.EndedAt != nil || row.RefreshGeneration != rounds || !token.Matches(row.RefreshDigest) {
				t.Errorf("session %d: ended %v, generation %d, want %d", i, row.EndedAt, row.RefreshGeneration, rounds)
			}
			h.must(h.exchange(*p.RefreshToken))
		}
	})
}

// refreshed is exchange without a note of what must stay secret: ten thousand tokens are too many to look for.
func (h *fixture) refreshed(p *accounts.AuthPayload) (*accounts.AuthPayload, error) {
	return h.Refresh(context.Background(), anonymous, accounts.RefreshInput{RefreshToken: p.RefreshToken})
}

// theft is a session whose first token a thief has, after the user refreshed three times. The zero theft is none.
type theft struct {
	*fixture
	first, newest *accounts.AuthPayload
	parties       int // who present the first token
}

func newTheft(h *fixture) theft {
	first := h.must(h.login(ada, goodPassword))
	newest := first
	for range 3 {
		newest = h.must(h.exchange(*newest.RefreshToken))
	}
	return theft{h, first, newest, 10}
}

func (s theft) present(door *fixture) {
	if _, err := door.refreshed(s.first); !problem.Is(err, problem.InvalidToken) {
		s.t.Errorf("the stolen token: %v", err)
	}
}

func (s theft) over() {
	if s.parties > 0 {
		s.wantRevoked("the session whose token was stolen", s.newest)
	}
}

// TestSessionCache_ReadDuringARevocationIsNotCached asks one instance who calls, again and again, while another one
// ends the session: from when the first has heard of it, nobody does, whatever was being read at that moment.
func TestSessionCache_ReadDuringARevocationIsNotCached(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		ending := h.otherPool(h.url)
		asked := h.otherPool(h.url).instance(func(c *accounts.Config) { c.SessionCache.Bytes = 1 }) // and so it reads again and again
		asked.SyncedUntil(time.Now())
		other := h.must(h.register(ada, goodPassword))
		for range rounds {
			p := h.must(h.Login(t.Context(), anonymous, accounts.LoginInput{Email: ada, Password: goodPassword}))
			var heard atomic.Bool
			inParallel(4, func(i int) {
				if i > 0 {
					for !heard.Load() {
						asked.Viewer(context.Background(), claimsOf(other), viewer.Origin{})
						asked.Viewer(context.Background(), claimsOf(p), viewer.Origin{})
					}
					return
				}
				asked.SyncedUntil(time.Now())
				_, err := ending.Logout(context.Background(), p.Viewer, "")
				if err != nil {
					t.Errorf("logout: %v", err)
				}
				asked.HandleChanges(t.Context(), []accounts.Change{{UserID: p.User.ID}})
				heard.Store(true)
			})
			if v := asked.caller(p); v.SignedIn() {
				t.Fatal("an ended session was remembered")
			}
		}
	})
}

// TestUseCases_NeverDeadlock does every mutation to one user on both instances at the same moment, while two
// administrators manage each other. Each is done or refused; none fails, for instance because the database had to end a
// deadlock.
func TestUseCases_NeverDeadlock(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		doors := [2]*fixture{h.otherPool(h.url), h.otherPool(h.url)}
		roots := [2]*accounts.AuthPayload{h.administrator("root@example.com"), h.administrator("second@example.com")}
		everything := append(slices.Clone(mutations),
			mutation{name: "setRoles of the other administrator", do: func(h *fixture, c *cast) error {
				other := roots[0]
				if c.root == other {
					other = roots[1]
				}
				return h.setRoles(c.root.Viewer, other.User.ID, accounts.RoleUser, accounts.RoleAdmin)
			}},
			mutation{name: "promote", do: func(h *fixture, c *cast) error {
				_, err := h.promote(c.email, goodPassword)
				return err
			}},
		)
		for range rounds {
			h.clock.move(time.Second)
			one := newCast(h, roots[0])
			casts := [2]*cast{one, {fixture: h, email: one.email, one: one.two, two: one.one, root: roots[1]}}
			inParallel(2*len(everything), func(i int) {
				m := everything[i/2]
				var refused *problem.Problem
				if err := m.do(doors[i%2], casts[i%2]); err != nil && !errors.As(err, &refused) {
					t.Errorf("%s: %v", m.name, err)
				}
			})
		}
		for _, root := range roots {
			h.wantActive("an administrator", root)
		}
	})
}
