package outbox_test

import (
	"context"
	"database/sql"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/outbox"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestRun_StopDuringAClaimGivesWorkBack: what was leased a moment ago would otherwise wait until the lease is over.
func TestRun_StopDuringAClaimGivesWorkBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		ctx, stop := context.WithCancel(t.Context())
		h := newFixture(t, url, func(d dialect.Driver) dialect.Driver {
			return hookedDriver{d, d.(execer), func(query string, run func() error) error {
				if strings.HasPrefix(query, "UPDATE ") {
					defer stop()
				}
				return run()
			}}
		})
		id := h.add(h.db.Client, "mail")
		h.instance(func(ctx context.Context, _ outbox.Job) error { <-ctx.Done(); return ctx.Err() }, func(c *outbox.Config) {
			c.Grace, c.Abandon = time.Millisecond, testenv.HangGuard
		}).Run(ctx)
		if row := h.row(id); ctx.Err() == nil || row.Attempt != 0 || row.LeasedBy != nil {
			t.Errorf("%v; want it given back after the stop (%v)", row, ctx.Err())
		}
	})
}

// TestRun_EndThatWasNotWrittenIsWrittenLater: a mail that was sent is not sent again because the database was away.
func TestRun_EndThatWasNotWrittenIsWrittenLater(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		var broken, runs atomic.Int64
		broken.Store(3)
		h := newFixture(t, url, func(d dialect.Driver) dialect.Driver {
			return hookedDriver{d, d.(execer), func(query string, run func() error) error {
				if strings.HasPrefix(query, "DELETE FROM") && broken.Add(-1) >= 0 {
					return errBroken
				}
				return run()
			}}
		})
		o := h.instance(func(context.Context, outbox.Job) error { runs.Add(1); return nil })
		h.run(o)
		h.add(h.db.Client, "mail")
		testenv.Eventually(t, "the job is gone", testenv.HangGuard, func() bool { o.Wake(); return h.rows() == 0 })
		testenv.Equal(t, 1, runs.Load(), "runs")
		testenv.Equal(t, 1, strings.Count(h.log.String(), "how a job ended cannot be written"), "lines in the log")
	})
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// hookedDriver decides what happens to writes.
type hookedDriver struct {
	dialect.Driver
	execer
	hook func(query string, run func() error) error
}

func (d hookedDriver) Exec(ctx context.Context, query string, args, v any) error {
	return d.hook(query, func() error { return d.Driver.Exec(ctx, query, args, v) })
}
