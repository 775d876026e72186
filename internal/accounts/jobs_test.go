package accounts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestEnqueue_OnlyACommitLeavesAJob: neither a transaction that fails nor one that panics does, and workers are told of
// a job after the commit only.
func TestEnqueue_OnlyACommitLeavesAJob(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		told := 0
		h = h.instance(func(c *accounts.Config) {
			c.OnEnqueued = func() {
				told++
				testenv.Equal(t, 1, h.rows("jobs"), "rows when workers are told")
			}
		})
		run := func(end func() error) error {
			return accounts.InTx(h.Service, t.Context(), func(ctx context.Context, tx *accounts.Transaction) error {
				check(t, tx.Enqueue(ctx, "mail", map[string]string{"user": "1"}))
				return end()
			})
		}
		broken := errors.New("broken")
		if err := run(func() error { return broken }); !errors.Is(err, broken) {
			t.Errorf("the transaction's error is %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = run(func() error { panic(broken) })
		}()
		testenv.Equal(t, 0, h.rows("jobs"), "jobs of transactions that were rolled back")
		testenv.Equal(t, 0, told, "hints to workers about them")

		check(t, run(func() error { return nil }))
		testenv.Equal(t, 1, told, "hints to workers after a commit")
		row := h.db.Client.Job.Query().OnlyX(t.Context())
		now := h.clock.Now().UTC()
		want := &ent.Job{ID: row.ID, Kind: "mail", Args: `{"user":"1"}`, DueAt: now, CreatedAt: now}
		testenv.Equal(t, want.String(), row.String(), "the job")
		testenv.Equal(t, uuid.Version(7), row.ID.Version(), "version of its id")
	})
}

// failedJobs were given up so long ago.
func failedJobs(ago time.Duration) func(*fixture, int) {
	return func(h *fixture, n int) {
		now := h.clock.Now().UTC()
		addRows(h, n, func(int) *ent.JobCreate {
			return h.db.Client.Job.Create().SetID(uuid.New()).SetKind("mail").SetArgs("{}").SetAttempt(1).
				SetDueAt(now).SetCreatedAt(now).SetFailedAt(now.Add(-ago))
		}, h.db.Client.Job.CreateBulk)
	}
}

// freshJobs were given up not quite as long ago, or are to be done.
func freshJobs(h *fixture, n int) {
	failedJobs(accounts.FailedJobRetention-time.Minute)(h, n-1)
	now := h.clock.Now().UTC().Add(-2 * accounts.FailedJobRetention)
	h.db.Client.Job.Create().SetID(uuid.New()).SetKind("mail").SetArgs("{}").SetAttempt(0).SetDueAt(now).
		SetCreatedAt(now).ExecX(h.t.Context())
}
