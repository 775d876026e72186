package accounts_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func (h *fixture) suspend(id uuid.UUID)   { h.setStatus(id, accounts.StatusSuspended) }
func (h *fixture) reinstate(id uuid.UUID) { h.setStatus(id, accounts.StatusActive) }

func (h *fixture) setStatus(id uuid.UUID, status accounts.UserStatus) {
	h.t.Helper()
	check(h.t, h.db.Client.User.UpdateOneID(id).SetStatus(string(status)).Exec(h.t.Context()))
}

func TestLogin_StartsAnotherSession(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		first := h.must(h.register(ada, goodPassword))
		h.clock.move(time.Minute)
		second := h.must(h.login(" ADA@Example.com", goodPassword))
		checkTokens(t, h, second, startTime.Add(time.Minute).Truncate(time.Microsecond))
		wantEqual(t, "user", first.User, second.User, account)
		if first.Viewer.SessionID == second.Viewer.SessionID || *first.RefreshToken == *second.RefreshToken {
			t.Error("the session is the same")
		}
		h.wantActive("the first session", first)
		h.wantActive("the second session", second)
	})
}

func TestLogin_DeletesExpiredSessions(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		other := h.must(h.register("other@example.com", goodPassword))
		h.must(h.register(ada, goodPassword)) // will be idle for too long
		h.clock.move(refreshTTL)
		out := h.must(h.login(ada, goodPassword))
		must(h.Logout(t.Context(), out.Viewer, ""))
		kept := h.must(h.login(ada, goodPassword))
		last := h.must(h.login(ada, goodPassword))
		h.wantActive("a session that is not dead", kept)
		h.wantActive("the newest", last)
		testenv.Equal(t, 3, h.db.Client.Session.Query().CountX(t.Context()),
			"sessions, with the dead one of another user, %s", other.Viewer.SessionID)
	})
}

// TestLogin_RefusalsAreIdentical: whatever is wrong, the answer is the same.
func TestLogin_RefusalsAreIdentical(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		h.must(h.register("eve@example.com", otherPassword))
		h.must(h.register("nfc@example.com", "caf\u00e9 au lait-canary"))
		gone := h.must(h.register("suspended@example.com", goodPassword))
		h.suspend(gone.User.ID)
		var first *problem.Problem
		for _, c := range []struct{ name, email, pw string }{
			{"wrong password", ada, otherPassword},
			{"another's password", "eve@example.com", goodPassword},
			{"unknown", "unknown@example.com", goodPassword},
			{"suspended", "suspended@example.com", goodPassword},
			{"suspended, wrong password", "suspended@example.com", otherPassword},
			{"no address", "ada", goodPassword},
			{"two addresses", ada + "," + ada, goodPassword},
			{"empty", "", ""},
			{"empty password", ada, ""},
			{"other case", ada, strings.ToUpper(goodPassword)},
			{"a space more", ada, goodPassword + " "},
			{"one character less", ada, goodPassword[:len(goodPassword)-1]},
			{"NUL behind", ada, goodPassword + "\x00"},
			{"a megabyte", ada, strings.Repeat("x", 1<<20)},
			{"compatibility form", "nfc@example.com", "cafe\uff0f au lait-canary"},
		} {
			p := wantProblem(t, c.name, errOf(h.login(c.email, c.pw)), problem.InvalidCredentials, "")
			if first == nil {
				first = p
			}
			testenv.Equal(t, *first, *p, "the answer to %s, as to the first", c.name)
		}
		_, err := h.Login(t.Context(), anonymous, accounts.LoginInput{Email: ada, Password: h.hash(t, ada)})
		wantProblem(t, "the hash", err, problem.InvalidCredentials, "")
		h.must(h.login(ada, goodPassword)) // the twins
		h.must(h.login("eve@example.com", otherPassword))
		h.must(h.login("nfc@example.com", "cafe\u0301 au lait-canary"))
		h.reinstate(gone.User.ID)
		h.must(h.login("suspended@example.com", goodPassword))
	})
}

// TestLogin_EveryAnswerCostsAHash: while no password can be hashed, an unknown address waits as a known one does.
func TestLogin_EveryAnswerCostsAHash(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		suspended := h.must(h.register("suspended@example.com", goodPassword))
		h.suspend(suspended.User.ID)
		busy := newFlood(t, password.Config{})
		h = h.instance(func(c *accounts.Config) { c.Passwords = busy.hasher })
		busy.begin()
		for name, try := range map[string]func() (*accounts.AuthPayload, error){
			"right password": func() (*accounts.AuthPayload, error) { return h.login(ada, goodPassword) },
			"wrong password": func() (*accounts.AuthPayload, error) { return h.login(ada, otherPassword) },
			"unknown":        func() (*accounts.AuthPayload, error) { return h.login("unknown@example.com", otherPassword) },
			"no address":     func() (*accounts.AuthPayload, error) { return h.login("unknown", otherPassword) },
			"suspended":      func() (*accounts.AuthPayload, error) { return h.login("suspended@example.com", goodPassword) },
			"register":       func() (*accounts.AuthPayload, error) { return h.register("new@example.com", goodPassword) },
			"register taken": func() (*accounts.AuthPayload, error) { return h.register(ada, goodPassword) },
		} {
			_, err := try()
			p := wantProblem(t, name, err, problem.RateLimited, "")
			if p.RetryAfter < time.Second || !errors.Is(err, password.ErrBusy) {
				t.Errorf("%s: retry after %v, because of %v", name, p.RetryAfter, p.Cause)
			}
		}
		busy.end()
		h.must(h.login(ada, goodPassword)) // the twin
	})
}

// flood takes the only slot of a hasher, for as long as a test wants.
type flood struct {
	hasher           *password.Hasher
	hashing, release chan struct{}
}

// floods is the password that a flood hashes.
const floods = "the password of a flood"

func newFlood(t *testing.T, c password.Config) *flood {
	t.Helper()
	b := &flood{hashing: make(chan struct{}), release: make(chan struct{})}
	c.MaxConcurrent, c.QueueTimeout = 1, cmp.Or(c.QueueTimeout, time.Millisecond)
	c.Derive = func(pw, salt []byte, cost password.Cost) ([]byte, error) {
		if string(pw) == floods {
			b.hashing <- struct{}{}
			<-b.release
		}
		return password.Argon2id(pw, salt, cost), nil
	}
	b.hasher = hasher(t, c)
	return b
}

// begin takes the slot, and end gives it back.
func (b *flood) begin() {
	go func() {
		for errors.Is(b.hasher.VerifyDummy(context.Background(), floods), password.ErrBusy) {
		}
	}()
	<-b.hashing
}

func (b *flood) end() {
	b.release <- struct{}{}
	for errors.Is(b.hasher.VerifyDummy(context.Background(), "x"), password.ErrBusy) { // until the slot is free
	}
}

// newCost is not the cost of the accounts that exist.
var newCost = password.Cost{Memory: 16, Time: 1, Lanes: 1}

func (h *fixture) hash(t *testing.T, email string) string {
	t.Helper()
	return h.db.Client.User.Query().Where(user.Email(email)).OnlyX(t.Context()).PasswordHash
}

func TestLogin_RehashesWhenTheCostChanged(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		first := h.must(h.register(ada, goodPassword))
		old := h.hash(t, ada)
		newer := h.instance(func(c *accounts.Config) { c.Passwords = hasher(t, password.Config{Cost: newCost}) })
		wantProblem(t, "wrong password", errOf(newer.login(ada, otherPassword)), problem.InvalidCredentials, "")
		testenv.Equal(t, old, h.hash(t, ada), "the hash after a wrong password")
		newer.must(newer.login(ada, goodPassword))
		made := h.hash(t, ada)
		if !strings.Contains(made, "$"+newCost.String()+"$") {
			t.Errorf("the hash is %s, want cost %v", made, newCost)
		}
		newer.must(newer.login(ada, goodPassword))
		testenv.Equal(t, made, h.hash(t, ada), "the hash, of the right cost before")
		_, err := newer.login(ada, otherPassword)
		wantProblem(t, "wrong password afterwards", err, problem.InvalidCredentials, "")
		h.wantActive("the session from before", first)
		h.must(h.login(ada, goodPassword)) // an instance that still has the old cost
	})
}

// TestLogin_ParallelRehashesAllSucceed: all logins have verified the old hash before the first of
// them writes a new one; the others must not take it for a changed password.
func TestLogin_ParallelRehashesAllSucceed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		const n = 12
		h.must(h.register(ada, goodPassword))
		salts := &meeting{all: n, met: make(chan struct{})}
		h = h.instance(func(c *accounts.Config) {
			c.Passwords = hasher(t, password.Config{Cost: newCost, Rand: salts})
		})
		errs := make([]error, n)
		payloads := make([]*accounts.AuthPayload, n)
		inParallel(n, func(i int) { payloads[i], errs[i] = h.login(ada, goodPassword) })
		for i, err := range errs {
			if err != nil {
				t.Fatalf("an honest login: %v", err)
			}
			h.wantActive("a parallel login", payloads[i])
		}
		if !strings.Contains(h.hash(t, ada), "$"+newCost.String()+"$") {
			t.Errorf("the hash is %s", h.hash(t, ada))
		}
	})
}

// meeting lets nobody go on before all have come. It draws salts too, which is done after the old hash was verified.
type meeting struct {
	mu   sync.Mutex
	here int
	all  int
	met  chan struct{}
}

func (m *meeting) Read(p []byte) (int, error) {
	if err := m.wait(); err != nil {
		return 0, err
	}
	return rand.Read(p)
}

func (m *meeting) wait() error {
	m.mu.Lock()
	if m.here++; m.here == m.all {
		close(m.met)
	}
	m.mu.Unlock()
	select {
	case <-m.met:
		return nil
	case <-time.After(testenv.HangGuard):
		return errors.New("the others did not come")
	}
}

// TestLogin_SucceedsWithoutASlotToRehash: the right password is enough.
func TestLogin_SucceedsWithoutASlotToRehash(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		old := h.hash(t, ada)
		salts := &hook{}
		busy := newFlood(t, password.Config{Cost: newCost, Rand: salts})
		h = h.instance(func(c *accounts.Config) { c.Passwords = busy.hasher })
		salts.before = busy.begin // once the password was verified
		h.must(h.login(ada, goodPassword))
		busy.end()
		testenv.Equal(t, old, h.hash(t, ada), "the hash, for which there was no time")
		salts.before = func() {}
		h.must(h.login(ada, goodPassword))
		if h.hash(t, ada) == old {
			t.Error("the next login did not hash anew")
		}
	})
}

type hook struct{ before func() }

func (h *hook) Read(p []byte) (int, error) {
	h.before()
	return rand.Read(p)
}

// TestLogin_PasswordChangedMeanwhileIsRefused: what was verified outside of the transaction has to hold inside.
func TestLogin_PasswordChangedMeanwhileIsRefused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		other := h.must(h.register("eve@example.com", otherPassword))
		changes := map[string]func(){
			"another password": func() {
				h.db.Client.User.UpdateOneID(p.User.ID).SetPasswordHash(h.hash(t, other.User.Email)).ExecX(t.Context())
			},
			"suspended": func() { h.suspend(p.User.ID) },
			"deleted":   func() { h.db.Client.User.DeleteOneID(p.User.ID).ExecX(t.Context()) },
		}
		metered, m := h.metered()
		for _, name := range []string{"another password", "suspended", "deleted"} {
			h.setHash(p.User.ID, goodPassword)
			h.reinstate(p.User.ID)
			var once sync.Once
			m.before = func(_ int, statement string) error {
				if statement == "BEGIN" {
					once.Do(changes[name])
				}
				return nil
			}
			wantProblem(t, name, errOf(metered.login(ada, goodPassword)), problem.InvalidCredentials, "")
		}
	})
}

func (h *fixture) setHash(id uuid.UUID, pw string) {
	h.t.Helper()
	hash := must(h.config.Passwords.Hash(h.t.Context(), pw))
	check(h.t, h.db.Client.User.UpdateOneID(id).SetPasswordHash(hash).Exec(h.t.Context()))
}
