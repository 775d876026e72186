package accounts_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// proofs are the use cases that hash a password.
func (h *fixture) proofs(p *accounts.AuthPayload, pw string) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"login": func(ctx context.Context) error {
			return errOf(h.Login(ctx, at("192.0.2.7"), accounts.LoginInput{Email: ada, Password: pw}))
		},
		"login to no account": func(ctx context.Context) error {
			return errOf(h.Login(ctx, at("192.0.2.8"), accounts.LoginInput{Email: "x@example.com", Password: pw}))
		},
		"login on a known device": func(ctx context.Context) error {
			return errOf(h.Login(ctx, on(p, at("192.0.2.9")), accounts.LoginInput{Email: ada, Password: pw}))
		},
		"register": func(ctx context.Context) error {
			return errOf(h.Register(ctx, at("192.0.2.7"), accounts.RegisterInput{Email: ada, Password: goodPassword}))
		},
		"reauthenticate": func(ctx context.Context) error {
			return errOf(h.Reauthenticate(ctx, p.Viewer, accounts.ReauthenticateInput{Password: ptr(pw)}))
		},
		"changePassword": func(ctx context.Context) error {
			return errOf(h.ChangePassword(ctx, p.Viewer,
				accounts.ChangePasswordInput{CurrentPassword: pw, NewPassword: otherPassword}))
		},
	}
}

// TestThrottle_AttemptCancelledBeforeItsHashIsRefunded: an owner who loads a page again while it waits is not charged.
func TestThrottle_AttemptCancelledBeforeItsHashIsRefunded(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		others := newFlood(t, password.Config{QueueTimeout: time.Minute})
		busy := h.instance(func(c *accounts.Config) { c.Passwords = others.hasher })
		for name, do := range busy.proofs(p, "a wrong password") {
			others.begin()
			for i := range 20 {
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- do(ctx) }()
				for others.hasher.Stats().Waiting == 0 && len(done) == 0 {
					time.Sleep(100 * time.Microsecond)
				}
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Fatalf("%s, cancelled %d times before: %v", name, i, err)
				}
			}
			others.end()
			if err := do(t.Context()); problem.Is(err, problem.RateLimited) {
				t.Errorf("%s is charged for what was cancelled: %v", name, err)
			}
		}
	})
}

// TestThrottle_AttemptCancelledWhileItsChargeIsCommittedIsRefunded: the client goes when Postgres has committed the
// charge, and the answer comes later than a driver waits for one that nobody wants.
func TestThrottle_AttemptCancelledWhileItsChargeIsCommittedIsRefunded(t *testing.T) {
	limits := accounts.DefaultThrottle()
	limits.Account, limits.Pair = 1, 1
	h := newFixture(t, dbtest.Postgres(t)).throttled(limits)
	p := h.must(h.registerAt(at("192.0.2.6"), ada))
	check(t, h.DeleteExpiredAttempts(t.Context()))
	h.clock.move(time.Hour)
	other := h.must(h.loginAt(at("192.0.2.6"), ada, goodPassword))
	h.clock.move(time.Hour)
	proof := func(h *fixture, name string) func(context.Context) error {
		if name == "changePassword" { // whose session has a counter that reauthenticate does not charge
			return h.proofs(other, "a wrong password")[name]
		}
		return h.proofs(p, "a wrong password")[name]
	}
	var kinds sync.WaitGroup
	for name := range h.proofs(p, "") {
		kinds.Go(func() {
			proxy := newFaultProxy(t, h.url)
			db := must(database.Open(t.Context(), database.Config{URL: proxy.url, Log: slog.New(slog.DiscardHandler)}))
			defer db.Close()
			ctx, cancel := context.WithCancel(t.Context())
			proxy.committed = sync.OnceFunc(func() { cancel(); time.Sleep(1200 * time.Millisecond) })
			distant := h.instance(func(c *accounts.Config) { c.Client = db.Client })
			if err := proof(distant, name)(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, cancelled: %v", name, err)
			}
		})
	}
	kinds.Wait()
	for name := range h.proofs(p, "") {
		if err := proof(h, name)(t.Context()); problem.Is(err, problem.RateLimited) {
			t.Errorf("%s is charged for what was cancelled: %v", name, err)
		}
	}
}

// TestThrottle_AttemptCancelledDuringItsHashIsCharged: what is verified counts, whether the client waits or not.
func TestThrottle_AttemptCancelledDuringItsHashIsCharged(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		var leave context.CancelFunc
		hashes := 0
		left := h.instance(func(c *accounts.Config) {
			c.Passwords = hasher(t, password.Config{Derive: func(pw, salt []byte, c password.Cost) ([]byte, error) {
				hashes++
				leave()
				return password.Argon2id(pw, salt, c), nil
			}})
		})
		for name, do := range left.proofs(p, "a wrong password") {
			hashes = 0
			for range 40 {
				var ctx context.Context
				ctx, leave = context.WithCancel(t.Context())
				_ = do(ctx)
				leave()
			}
			if hashes > 5 {
				t.Errorf("%s: %d passwords were hashed", name, hashes)
			}
		}
	})
}
