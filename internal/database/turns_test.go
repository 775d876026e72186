package database_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

type callerKey struct{}

func as(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// withTurns opens a migrated database of eight connections whose callers take turns.
func withTurns(t *testing.T, url string) *database.Database {
	t.Helper()
	migrated(t, url)
	d := must(database.Open(t.Context(), database.Config{URL: url, Log: quiet, Connections: 8,
		Caller: func(ctx context.Context) []string {
			name, _ := ctx.Value(callerKey{}).(string)
			return []string{name}
		}}))
	t.Cleanup(func() { d.Close() })
	return d
}

// TestTurns_OneCallerHasHalfOfThem: of many statements of one caller that wait in the database, a part has connections.
// Another caller reads meanwhile, and the same one has transactions.
func TestTurns_OneCallerHasHalfOfThem(t *testing.T) {
	d := withTurns(t, dbtest.Postgres(t))
	holder := must(d.SQL().Begin())
	must(holder.Exec("SELECT pg_advisory_lock(7)"))
	var blocked sync.WaitGroup
	for range 20 {
		blocked.Go(func() {
			if _, err := d.Client.ExecContext(as(t.Context(), "many"), "SELECT pg_advisory_xact_lock(7)"); err != nil {
				t.Error(err)
			}
		})
	}
	testenv.Eventually(t, "all wait", testenv.HangGuard, func() bool { return d.Turns().Waiting == 18 })
	testenv.Equal(t, 2, d.Turns().Running, "statements of one caller that run, of four turns")
	if _, err := d.Client.User.Query().All(as(t.Context(), "other")); err != nil {
		t.Errorf("another caller: %v", err)
	}
	check(t, inTx(as(t.Context(), "many"), d.Client, func(tx *ent.Tx) error {
		_, err := tx.User.Query().All(as(t.Context(), "many"))
		return err
	}))
	late, cancel := context.WithCancel(as(t.Context(), "many"))
	cancel()
	if _, err := d.Client.User.Query().All(late); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left: %v", err)
	}
	must(holder.Exec("SELECT pg_advisory_unlock(7)"))
	check(t, holder.Commit())
	blocked.Wait()
}

// TestTurns_EndWithEachStatement: nobody keeps a turn, whatever the statement is and whether it fails.
func TestTurns_EndWithEachStatement(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		d := withTurns(t, url)
		for n := range 2 * d.Turns().Slots {
			u := must(newUser(t.Context(), d.Client, fmt.Sprintf("%d@example.com", n)))
			d.Client.User.Query().WithSessions().AllX(t.Context())
			d.Client.User.Query().CountX(t.Context())
			d.Client.User.UpdateOne(u).SetName("Ada").ExecX(t.Context())
			if _, err := d.Client.ExecContext(t.Context(), "SELEC"); err == nil {
				t.Error("a mistake in SQL is none")
			}
		}
		testenv.Equal(t, 0, d.Turns().Running, "turns that are held")
	})
}
