package database_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestCancellation_AnswersNoOtherCaller: beneath everything: statements whose contexts end at any moment of
// theirs, prepared and not, in transactions and not, on fewer connections than there are askers.
func TestCancellation_AnswersNoOtherCaller(t *testing.T) {
	const kept = "SELECT CAST($1 AS text), CAST($1 AS text) UNION ALL SELECT CAST($1 AS text), 'again'"
	const plain = "SELECT 'mine', 'mine'"
	dbtest.Each(t, func(t *testing.T, url string) {
		d := open(t, url)
		d.SQL().SetMaxOpenConns(4)
		var answered, cancelled atomic.Int64
		began := time.Now()
		enough := func() bool { return answered.Load() >= 50 && cancelled.Load() >= 50 }
		asking := func() bool {
			took := time.Since(began)
			return took < time.Second || !enough() && took < testenv.HangGuard
		}
		one := func(n int, usual time.Duration) (whole bool) {
			ctx, cancel := context.WithTimeout(t.Context(), rand.N(2*usual))
			defer cancel()
			mine := uuid.NewString()
			question, args := kept, []any{mine}
			if n%4 == 0 {
				question, args = strings.ReplaceAll(plain, "mine", mine), nil
			}
			ask, end := d.SQL().QueryContext, func() error { return nil }
			if n%3 == 0 {
				tx, err := d.SQL().BeginTx(ctx, nil)
				if err != nil {
					return false
				}
				defer tx.Rollback()
				ask, end = tx.QueryContext, tx.Commit
			}
			rows, err := ask(ctx, question, args...)
			if err != nil {
				return false
			}
			return all(t, rows, mine) && end() == nil
		}
		var askers sync.WaitGroup
		for range 16 {
			askers.Go(func() {
				usual := time.Millisecond
				for n := 0; asking(); n++ {
					if began := time.Now(); one(n, usual) {
						answered.Add(1)
						usual = time.Since(began)
					} else {
						cancelled.Add(1)
						usual = min(usual*21/20, time.Second)
					}
				}
			})
		}
		askers.Wait()
		for began := time.Now(); d.SQL().Stats().InUse > 0; time.Sleep(time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatalf("%d connections are in use", d.SQL().Stats().InUse)
			}
		}
		t.Logf("%d answered, %d cancelled", answered.Load(), cancelled.Load())
		if !enough() {
			t.Error("too few to tell")
		}
	})
}

// all reads rows to their end. It is false when they were cut short.
func all(t *testing.T, rows *sql.Rows, mine string) bool {
	t.Helper()
	defer rows.Close()
	for rows.Next() {
		var one, two string
		if rows.Scan(&one, &two) != nil {
			return false
		}
		if one != mine || two != mine && two != "again" {
			t.Errorf("asked for %s, got %s and %s", mine, one, two)
		}
	}
	return rows.Err() == nil
}
