package accounts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestNew_RefusesIncompleteConfigs(t *testing.T) {
	h := newFixture(t, dbtest.SQLite(t))
	for name, change := range map[string]func(*accounts.Config){
		"no client":             func(c *accounts.Config) { c.Client = nil },
		"no transactions":       func(c *accounts.Config) { c.Transactions = 0 },
		"no passwords":          func(c *accounts.Config) { c.Passwords = nil },
		"no access tokens":      func(c *accounts.Config) { c.Access = nil },
		"no refresh tokens":     func(c *accounts.Config) { c.Refresh = nil },
		"no key of factors":     func(c *accounts.Config) { c.FactorKey = nil },
		"no personal tokens":    func(c *accounts.Config) { c.Personal = nil },
		"no idle life":          func(c *accounts.Config) { c.RefreshTTL = 0 },
		"negative idle life":    func(c *accounts.Config) { c.RefreshTTL = -1 },
		"a life below the idle": func(c *accounts.Config) { c.SessionTTL = c.RefreshTTL - 1 },
		"no life":               func(c *accounts.Config) { c.SessionTTL = 0 },
	} {
		c := h.config
		change(&c)
		if _, err := accounts.New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	c := h.config
	c.Clock, c.NewID, c.Log, c.SessionTTL = nil, nil, nil, c.RefreshTTL
	if _, err := accounts.New(c); err != nil {
		t.Errorf("the twin: %v", err)
	}
}

func addUser(ctx context.Context, tx *accounts.Transaction, email string) error {
	now := time.Now().UTC()
	return tx.User.Create().SetID(uuid.New()).SetEmail(email).SetPasswordHash("$argon2id$v=19$").SetRoles([]string{"USER"}).
		SetStatus("ACTIVE").SetCreatedAt(now).SetUpdatedAt(now).Exec(ctx)
}

func TestTransactions_CommitWhollyOrNotAtAll(t *testing.T) {
	failed := errors.New("failed")
	eachDatabase(t, func(t *testing.T, h *fixture) {
		inTx := func(f func(context.Context, *accounts.Transaction) error) error {
			return accounts.InTx(h.Service, t.Context(), f)
		}
		accountsNow := func() int { return h.db.Client.User.Query().CountX(t.Context()) }

		if err := inTx(func(ctx context.Context, tx *accounts.Transaction) error {
			check(t, addUser(ctx, tx, "a@example.com"))
			return failed
		}); !errors.Is(err, failed) || accountsNow() != 0 {
			t.Errorf("after an error: %v, %d accounts", err, accountsNow())
		}

		func() {
			defer func() {
				testenv.Equal(t, any("panicked"), recover(), "recovered")
			}()
			inTx(func(ctx context.Context, tx *accounts.Transaction) error {
				check(t, addUser(ctx, tx, "b@example.com"))
				panic("panicked")
			})
		}()
		testenv.Equal(t, 0, accountsNow(), "accounts after a panic")

		ctx, cancel := context.WithCancel(t.Context())
		if err := accounts.InTx(h.Service, ctx, func(ctx context.Context, tx *accounts.Transaction) error {
			check(t, addUser(ctx, tx, "c@example.com"))
			cancel()
			return nil
		}); !errors.Is(err, context.Canceled) || accountsNow() != 0 {
			t.Errorf("after the caller left: %v, %d accounts", err, accountsNow())
		}

		check(t, inTx(func(ctx context.Context, tx *accounts.Transaction) error { return addUser(ctx, tx, "d@example.com") }))
		testenv.Equal(t, 1, accountsNow(), "the twin: accounts")
	})
}

func TestTransactions_RefuseToNest(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		entered := false
		err := accounts.InTx(h.Service, t.Context(), func(ctx context.Context, tx *accounts.Transaction) error {
			check(t, addUser(ctx, tx, "a@example.com"))
			return accounts.InTx(h.Service, ctx,
				func(context.Context, *accounts.Transaction) error { entered = true; return nil })
		})
		if err == nil || entered {
			t.Errorf("nested: %v, entered %v", err, entered)
		}
		wantEqual(t, "accounts", 0, h.db.Client.User.Query().CountX(t.Context()))
		for range 2 { // the twin: one after the other
			check(t, accounts.InTx(h.Service, t.Context(),
				func(context.Context, *accounts.Transaction) error { return nil }))
		}
	})
}

// TestTransactions_ReturnTheirConnections: more failures than there are connections, and then one that works.
func TestTransactions_ReturnTheirConnections(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for range 40 {
			func() {
				defer func() { recover() }()
				accounts.InTx(h.Service, t.Context(),
					func(context.Context, *accounts.Transaction) error { panic("panicked") })
			}()
			accounts.InTx(h.Service, t.Context(),
				func(context.Context, *accounts.Transaction) error { return errors.New("failed") })
		}
		h.must(h.register(ada, goodPassword))
	})
}
