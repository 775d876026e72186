package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/outbox"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

var errBroken = errors.New("broken")

func succeed(context.Context, outbox.Job) error { return nil }

// TestRun_CommittedJobIsWorkedAndLeavesNothing, and one that was rolled back is not there.
func TestRun_CommittedJobIsWorkedAndLeavesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		worked := make(chan outbox.Job, 10)
		o := h.instance(func(_ context.Context, j outbox.Job) error { worked <- j; return nil })
		h.run(o)
		var id uuid.UUID
		for _, end := range []func(*ent.Tx) error{(*ent.Tx).Rollback, (*ent.Tx).Commit} {
			tx, err := h.db.Client.Tx(t.Context())
			testenv.Check(t, err)
			id = h.add(tx.Client(), "mail")
			testenv.Check(t, end(tx))
			o.Wake()
		}
		want := outbox.Job{ID: id, Kind: "mail", Args: `{"user":"1"}`, Attempt: 1, CreatedAt: h.clock.Now()}
		testenv.Equal(t, want, next(t, worked), "the job")
		h.eventuallyEmpty()
		testenv.Equal(t, 0, len(worked), "more jobs")
	})
}

// TestRun_JobsThatHangLeaveWorkersToNewOnes: however many are due again, and hang again.
func TestRun_JobsThatHangLeaveWorkersToNewOnes(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		done := make(chan uuid.UUID, 10)
		o := h.instance(func(ctx context.Context, j outbox.Job) error {
			if j.Attempt > 1 {
				<-ctx.Done()
			}
			done <- j.ID
			return nil
		})
		for range 20 {
			h.add(h.db.Client, "mail")
		}
		h.db.Client.Job.Update().SetAttempt(1).ExecX(t.Context())
		h.run(o)
		for range 3 {
			id := h.add(h.db.Client, "mail")
			o.Wake()
			testenv.Equal(t, id, next(t, done), "the new job")
		}
	})
}

// TestWake_JobBeginsAfterTheAnswerToItsRequest: mostly, since the table is read periodically without a hint, too.
func TestWake_JobBeginsAfterTheAnswerToItsRequest(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		begun := make(chan time.Time, 1)
		o := h.instance(func(context.Context, outbox.Job) error { begun <- time.Now(); return nil })
		h.run(o)
		later := 0
		for range 5 {
			h.add(h.db.Client, "mail")
			hinted := time.Now()
			o.Wake()
			if next(t, begun).Sub(hinted) >= outbox.WakeDelay {
				later++
			}
		}
		if later < 2 {
			t.Errorf("%d of 5 jobs begin later than their hint", later)
		}
	})
}

// TestRun_JobIsFoundWithoutAHint, as one that another process added.
func TestRun_JobIsFoundWithoutAHint(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.add(h.db.Client, "mail")
		h.run(h.instance(succeed))
		h.eventuallyEmpty() // it has looked
		h.add(h.db.Client, "mail")
		h.eventuallyEmpty()
	})
}

// TestRun_TwoInstancesWorkEachJobOnce while four writers add them, and never more at a time than they have workers.
func TestRun_TwoInstancesWorkEachJobOnce(t *testing.T) {
	const jobs, writers, workers = 400, 4, 3
	eachDatabase(t, func(t *testing.T, h *fixture) {
		var worked sync.Map
		var twice atomic.Int64
		instance := func(name string) *outbox.Outbox {
			var running atomic.Int64
			return h.instance(func(_ context.Context, j outbox.Job) error {
				if running.Add(1) > workers {
					t.Errorf("more than %d jobs run", workers)
				}
				defer running.Add(-1)
				time.Sleep(time.Millisecond)
				if _, again := worked.LoadOrStore(j.ID, true); again {
					twice.Add(1)
				}
				return nil
			}, func(c *outbox.Config) { c.Instance, c.Workers = name, workers })
		}
		one, two := instance("one"), instance("two")
		h.run(one)
		h.run(two)
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for range jobs / writers {
					h.add(h.db.Client, "mail")
					one.Wake()
				}
			})
		}
		all.Wait()
		h.eventuallyEmpty()
		n := 0
		worked.Range(func(any, any) bool { n++; return true })
		testenv.Equal(t, jobs, n, "jobs that were worked")
		testenv.Equal(t, 0, twice.Load(), "of them, again")
	})
}

// TestRun_StopGivesWorkBack: a job that heeds the stop is given back as if it had not begun, one that was done counts,
// and one that does not return stays leased.
func TestRun_StopGivesWorkBack(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		begun, end := make(chan bool, 2), make(chan bool)
		defer close(end)
		heeds := func(ctx context.Context, _ outbox.Job) error { begun <- true; <-ctx.Done(); return ctx.Err() }
		succeeds := func(ctx context.Context, _ outbox.Job) error { begun <- true; <-ctx.Done(); return nil }
		ignores := func(context.Context, outbox.Job) error { begun <- true; <-end; return nil }
		stopped := func(abandon time.Duration, handlers ...outbox.Handler) (ids []uuid.UUID) {
			byKind := map[string]outbox.Handler{}
			for i, handler := range handlers {
				kind := fmt.Sprint(abandon, i)
				byKind[kind] = handler
				ids = append(ids, h.add(h.db.Client, kind))
			}
			stop := h.run(h.instance(nil, func(c *outbox.Config) {
				c.Handlers, c.Grace, c.Abandon = byKind, time.Millisecond, abandon
			}))
			for range handlers {
				next(t, begun)
			}
			stop()
			return ids
		}
		back := h.row(stopped(testenv.HangGuard, heeds, succeeds)[0])
		testenv.Equal(t, 1, h.rows(), "jobs after the stop")
		if back.Attempt != 0 || back.LeasedBy != nil || back.LastError != nil || back.DueAt.After(h.clock.Now()) {
			t.Errorf("given back: %v", back)
		}
		leased := h.row(stopped(time.Millisecond, ignores)[0])
		if leased.Attempt != 1 || leased.LeasedBy == nil || !leased.DueAt.After(h.clock.Now()) {
			t.Errorf("still at work: %v", leased)
		}
	})
}

// TestRun_CrashedInstancesJobIsTakenOver when its lease is over, and not before. What the former holder then reports
// changes nothing.
func TestRun_CrashedInstancesJobIsTakenOver(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		one, two := h.instance(succeed), h.instance(succeed)
		id := h.add(h.db.Client, "mail")
		crashed := h.claim(one)
		h.clock.move(time.Minute + outbox.MaxClockSkew - time.Microsecond)
		early, err := two.Claim(t.Context(), 10)
		testenv.Check(t, err)
		testenv.Equal(t, 0, len(early), "jobs of another instance before its lease is over")
		h.clock.move(time.Microsecond)
		taken := h.claim(two)
		testenv.Equal(t, 2, taken.Attempt, "attempt")
		held := h.row(id).String()
		for _, end := range []error{nil, errBroken, outbox.Permanent(errBroken)} {
			for _, stopped := range []bool{false, true} {
				testenv.Check(t, one.End(t.Context(), crashed, end, stopped && end != nil))
				testenv.Equal(t, held, h.row(id).String(), "the job after an end (%v) by who held it before", end)
			}
		}
		testenv.Check(t, two.End(t.Context(), taken, nil, false))
		testenv.Equal(t, 0, h.rows(), "jobs after the end by who holds it")
	})
}

// TestRun_FailureIsRetriedLaterAndLaterForADay, then it is given up, and kept.
func TestRun_FailureIsRetriedLaterAndLaterForADay(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		o := h.instance(succeed)
		id := h.add(h.db.Client, "mail")
		start, before := h.clock.Now(), time.Duration(0)
		for attempt := 1; ; attempt++ {
			j := h.claim(o)
			testenv.Equal(t, attempt, j.Attempt, "attempt")
			testenv.Check(t, o.End(t.Context(), j, errBroken, false))
			row := h.row(id)
			testenv.Equal(t, "broken", *row.LastError, "the error")
			if row.FailedAt != nil {
				break
			}
			wait := row.DueAt.Sub(h.clock.Now())
			if mean := outbox.MeanDelay(attempt); wait < mean*8/10 || wait > mean*12/10 ||
				wait <= before && mean > outbox.MeanDelay(attempt-1) {
				t.Errorf("after attempt %d it waits for %v, and before for %v", attempt, wait, before)
			}
			h.clock.move(wait - time.Microsecond)
			none, err := o.Claim(t.Context(), 10)
			testenv.Check(t, err)
			testenv.Equal(t, 0, len(none), "jobs that are not due")
			h.clock.move(time.Microsecond)
			before = wait
		}
		if tried := h.clock.Now().Sub(start); tried < 20*time.Hour || tried > 30*time.Hour || before < time.Hour {
			t.Errorf("it was tried for %v, and after %v for the last time", tried, before)
		}
		h.clock.move(1000 * time.Hour)
		given := h.row(id).String()
		none, err := o.Claim(t.Context(), 10)
		testenv.Check(t, err)
		testenv.Equal(t, 0, len(none), "jobs that were given up")
		testenv.Equal(t, given, h.row(id).String(), "the job that was given up")
	})
}

// TestRun_HopelessJobsAreGivenUp: by an error that is permanent, in the first attempt; and after attempts of which none
// came to an end, without another one.
func TestRun_HopelessJobsAreGivenUp(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		attempts := 0
		o := h.instance(func(context.Context, outbox.Job) error {
			attempts++
			return outbox.Permanent(errors.New("no such\x00 mailbox\r\n\u202e" + strings.Repeat("é", 1000)))
		})
		id := h.add(h.db.Client, "mail")
		j := h.claim(o)
		testenv.Check(t, o.End(t.Context(), j, o.Attempt(t.Context(), j), false))
		row := h.row(id)
		if row.FailedAt == nil || row.Attempt != 1 || row.LeasedBy != nil || len(*row.LastError) > 510 ||
			!strings.HasPrefix(*row.LastError, "no such  mailbox   é") {
			t.Errorf("not given up: %v", row)
		}
		testenv.Equal(t, 1, attempts, "attempts")

		deadly := h.add(h.db.Client, "mail")
		for range outbox.MaxAttempts {
			h.claim(o) // and the process ends
			h.clock.move(time.Hour)
		}
		j = h.claim(o)
		testenv.Check(t, o.End(t.Context(), j, o.Attempt(t.Context(), j), false))
		testenv.Equal(t, true, h.row(deadly).FailedAt != nil, "given up")
		testenv.Equal(t, 1, attempts, "attempts")
	})
}

// TestRun_PanicIsAFailure of its job and of nothing else.
func TestRun_PanicIsAFailure(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		o := h.instance(func(_ context.Context, j outbox.Job) error {
			if j.Attempt == 1 {
				panic("poison")
			}
			return nil
		})
		h.run(o)
		id := h.add(h.db.Client, "mail")
		o.Wake()
		testenv.Eventually(t, "the panic is written", testenv.HangGuard, func() bool { return h.row(id).LastError != nil })
		testenv.Equal(t, "panic: poison", *h.row(id).LastError, "the error")
		testenv.Equal(t, 1, strings.Count(h.log.String(), "outbox_test.go"), "lines with its stack")
		h.clock.move(time.Hour)
		o.Wake()
		h.eventuallyEmpty()
	})
}

// TestRun_KindWithoutAHandlerIsLeftToOthers: during an upgrade, older instances meet jobs that they do not know.
func TestRun_KindWithoutAHandlerIsLeftToOthers(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		id := h.add(h.db.Client, "of the next version")
		h.add(h.db.Client, "mail")
		h.run(h.instance(succeed))
		testenv.Eventually(t, "the other job is done", testenv.HangGuard, func() bool { return h.rows() == 1 })
		testenv.Equal(t, 0, h.row(id).Attempt, "attempts")
		stats, err := h.instance(succeed).Stats(t.Context())
		testenv.Check(t, err)
		testenv.Equal(t, outbox.Stats{Waiting: 1}, stats, "stats")
	})
}

// TestFailed_AreListedAndRetried, one of them or all, with all their attempts; what is to be done is neither.
func TestFailed_AreListedAndRetried(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		o := h.instance(succeed)
		var ids []uuid.UUID
		for range 3 {
			ids = append(ids, h.add(h.db.Client, "mail"))
			testenv.Check(t, o.End(t.Context(), h.claim(o), outbox.Permanent(errBroken), false))
			h.clock.move(time.Minute)
		}
		waiting := h.add(h.db.Client, "mail")
		h.clock.move(time.Minute)
		want := func(left ...uuid.UUID) {
			t.Helper()
			listed, err := outbox.Failed(t.Context(), h.db.Client)
			testenv.Check(t, err)
			var got []uuid.UUID
			for _, f := range listed {
				got = append(got, f.ID)
				testenv.Equal(t, "broken", f.Error, "error")
			}
			testenv.Equal(t, left, got, "failed jobs")
			stats, err := o.Stats(t.Context())
			testenv.Check(t, err)
			testenv.Equal(t, len(left), stats.Failed, "their number")
			testenv.Equal(t, h.rows()-len(left), stats.Waiting, "the others' number")
		}
		retry := func(id uuid.UUID, want int) {
			t.Helper()
			n, err := outbox.Retry(t.Context(), h.db.Client, id)
			testenv.Check(t, err)
			testenv.Equal(t, want, n, "jobs that are retried")
		}
		want(ids...)
		retry(waiting, 0)
		retry(ids[1], 1)
		want(ids[0], ids[2])
		retry(uuid.Nil, 2)
		want()
		stats, err := o.Stats(t.Context())
		testenv.Check(t, err)
		testenv.Equal(t, 4*time.Minute, stats.Oldest, "age of the oldest")
		h.clock.set(time.Now().Add(time.Minute)) // an operator's retry is by the real clock
		for range 4 {
			jobs, err := o.Claim(t.Context(), 1)
			testenv.Check(t, err)
			testenv.Equal(t, 1, len(jobs), "jobs that are due")
			testenv.Equal(t, 1, jobs[0].Attempt, "attempt")
		}
	})
}
