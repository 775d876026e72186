package outbox_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/outbox"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// fixture is a database with what its instances have in common.
type fixture struct {
	t     *testing.T
	db    *database.Database
	clock *clock
	log   *testenv.Buffer
}

// eachDatabase runs one story on both engines.
func eachDatabase(t *testing.T, story func(t *testing.T, h *fixture)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) { story(t, newFixture(t, url)) })
}

func newFixture(t *testing.T, url string, drivers ...database.Decorator) *fixture {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{URL: url, Log: slog.New(slog.DiscardHandler), Drivers: drivers})
	testenv.Check(t, err)
	t.Cleanup(func() { testenv.Check(t, db.Close()) })
	_, err = db.Migrate(t.Context())
	testenv.Check(t, err)
	return &fixture{t, db, &clock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}, &testenv.Buffer{}}
}

// instance returns an outbox with one handler, of mails.
func (h *fixture) instance(mail outbox.Handler, changes ...func(*outbox.Config)) *outbox.Outbox {
	h.t.Helper()
	c := outbox.Config{
		Client: h.db.Client, Instance: "one", Handlers: map[string]outbox.Handler{"mail": mail},
		Clock: h.clock.Now, Log: slog.New(slog.NewTextHandler(h.log, nil)),
	}
	for _, change := range changes {
		change(&c)
	}
	o, err := outbox.New(c)
	testenv.Check(h.t, err)
	return o
}

// run runs an outbox until stop is called, which waits for it.
func (h *fixture) run(o *outbox.Outbox) (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan bool)
	go func() {
		defer close(ended)
		o.Run(ctx)
	}()
	stop = func() {
		cancel()
		next(h.t, ended)
	}
	h.t.Cleanup(stop)
	return stop
}

// next receives what must come, or the end of a channel that is closed.
func next[T any](t *testing.T, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(testenv.HangGuard):
		t.Fatal("nothing comes")
	}
	return value
}

// add adds a job, as a transaction of accounts does.
func (h *fixture) add(client *ent.Client, kind string) uuid.UUID {
	h.t.Helper()
	now := h.clock.Now()
	row, err := client.Job.Create().SetID(uuid.Must(uuid.NewV7())).SetKind(kind).SetArgs(`{"user":"1"}`).SetAttempt(0).
		SetDueAt(now).SetCreatedAt(now).Save(h.t.Context())
	testenv.Check(h.t, err)
	return row.ID
}

// claim leases the only job that is due.
func (h *fixture) claim(o *outbox.Outbox) outbox.Leased {
	h.t.Helper()
	jobs, err := o.Claim(h.t.Context(), 10)
	testenv.Check(h.t, err)
	if len(jobs) != 1 {
		h.t.Fatalf("%d jobs were due, want 1", len(jobs))
	}
	return jobs[0]
}

func (h *fixture) row(id uuid.UUID) *ent.Job {
	h.t.Helper()
	row, err := h.db.Client.Job.Get(h.t.Context(), id)
	testenv.Check(h.t, err)
	return row
}

func (h *fixture) rows() int {
	h.t.Helper()
	n, err := h.db.Client.Job.Query().Count(h.t.Context())
	testenv.Check(h.t, err)
	return n
}

func (h *fixture) eventuallyEmpty() {
	h.t.Helper()
	testenv.Eventually(h.t, "no job is left", testenv.HangGuard, func() bool { return h.rows() == 0 })
}

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is time.Now.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) { c.set(c.Now().Add(d)) }

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}
