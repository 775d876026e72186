package graphqlhttp

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/fairqueue"
	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// serveWith answers one request with a transport whose limiters are changed. The request ends after a time: a short one
// if it will wait for a slot in vain.
func serveWith(t *testing.T, body string, timeout time.Duration, change func(*transport)) *graphqltest.Reply {
	t.Helper()
	cache := graphql.MapCache[*ast.QueryDocument]{}
	c := Config{Schema: graphqltest.Schema(), PresentError: present, Documents: cache,
		Introspection: true}
	c.Limits = c.Limits.WithDefaults()
	c.Caller = func(context.Context) Caller { return Caller{} }
	exec := executor.New(c.Schema)
	exec.SetErrorPresenter(present)
	exec.SetQueryCache(cache)
	ctx := graphql.StartOperationTrace(t.Context())
	if _, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: "{ping}"}); errs != nil {
		t.Fatal(errs)
	}
	tr := newTransport(c, exec)
	change(tr)
	return graphqltest.Send(t, Begin(timeout, tr), graphqltest.NewPost(body))
}

// full returns a limiter whose only slot is taken.
func full(t *testing.T) *limiter {
	t.Helper()
	anybody := func(context.Context) Caller { return Caller{} }
	l := &limiter{Limiter: fairqueue.New(fairqueue.Config{Slots: 1, Queue: 1}), caller: anybody, message: "full"}
	if err := (&slot{limiter: l}).acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestParsingLimiter_KnownShortRequestsNeedNoSlot(t *testing.T) {
	parsingIsFull := func(tr *transport) { tr.parsing = full(t) }
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"known":              {ping, 200},
		"as long as allowed": {ping + strings.Repeat(" ", maxCachedText-len(ping)), 200},
		"new":                {graphqltest.Body("{node{id}}"), 503},
		"long":               {ping + strings.Repeat(" ", maxCachedText), 503},
	} {
		t.Run(name, func(t *testing.T) { wantStatusWhenFull(t, c.body, c.status, parsingIsFull) })
	}
}

// TestStats_CountsWhoWaitsByClass: callers of both classes wait for both queues, and one more than there is room for is
// refused.
func TestStats_CountsWhoWaitsByClass(t *testing.T) {
	class := func(ctx context.Context) Caller { return Caller{SignedIn: ctx.Value(signedInKey{}) != nil} }
	for name, of := range map[string]func(*Handler) (*limiter, QueueStats){
		"parsing":   func(h *Handler) (*limiter, QueueStats) { return h.parsing, h.Stats().Parsing },
		"execution": func(h *Handler) (*limiter, QueueStats) { return h.execution, h.Stats().Execution },
	} {
		h := toy(t, readable, func(c *Config) { c.Caller = class })
		l, before := of(h)
		testenv.Equal(t, QueueStats{Slots: before.Slots, Waiting: waiting(0, 0)}, before, "%s, before", name)
		ctx, cancel := context.WithCancel(t.Context())
		ask := func(ctx context.Context) func() { return func() { _ = (&slot{limiter: l}).acquire(ctx) } }
		var asking sync.WaitGroup
		for range before.Slots {
			ask(ctx)()
		}
		for range 3 {
			asking.Go(ask(context.WithValue(ctx, signedInKey{}, true)))
		}
		for range maxQueue - 2 {
			asking.Go(ask(ctx))
		}
		testenv.Eventually(t, name+": they wait", testenv.HangGuard, func() bool {
			_, now := of(h)
			return now.Refused == 1 && now.Waiting["signed in"]+now.Waiting["anonymous"] == maxQueue
		})
		_, now := of(h)
		if signedIn := now.Waiting["signed in"]; signedIn != 3 && signedIn != 2 || now.Running != before.Slots {
			t.Errorf("%s: %+v while 3 who are signed in wait, or 2 where one was refused", name, now)
		}
		cancel()
		asking.Wait()
		_, now = of(h)
		testenv.Equal(t, waiting(0, 0), now.Waiting, "%s, afterwards", name)
	}
}

type signedInKey struct{}

func waiting(signedIn, anonymous int) map[string]int {
	return map[string]int{"signed in": signedIn, "anonymous": anonymous}
}

// wantStatusWhenFull checks the answer while a limiter is full; the control is the answer while it is not.
func wantStatusWhenFull(t *testing.T, body string, status int, isFull func(*transport)) {
	t.Helper()
	got, timeout := serveWith(t, body, time.Minute, func(*transport) {}), time.Minute
	testenv.Equal(t, 200, got.StatusCode, "with a free slot: %s", got.Text)
	if status == http.StatusServiceUnavailable {
		timeout = 10 * time.Millisecond
	}
	got = serveWith(t, body, timeout, isFull)
	if got.StatusCode != status || (got.Header.Get("Retry-After") == "1") != (status == 503) ||
		strings.Contains(got.Text, `"full"`) != (status == 503) {
		t.Errorf("%d %s, Retry-After %q; want %d", got.StatusCode, got.Text, got.Header.Get("Retry-After"), status)
	}
}

// hugeAnswer may have more than querylimit.ExpensiveFields fields.
const hugeAnswer = "{__schema{types{fields{name}}}}"

func TestExecutionLimiter_CheapOperationsNeedNoSlot(t *testing.T) {
	executionIsFull := func(tr *transport) { tr.execution = full(t) }
	for document, status := range map[string]int{"{ping}": 200, hugeAnswer: 503} {
		t.Run(document, func(t *testing.T) {
			wantStatusWhenFull(t, graphqltest.Body(document), status, executionIsFull)
		})
	}
}

func TestExecutionLimiter_SlotIsReleasedAfterAPanic(t *testing.T) {
	panics := graphqltest.OperationFunc(func(context.Context, graphql.OperationHandler) graphql.ResponseHandler {
		panic("in an extension")
	})
	h := toy(t, readable, func(c *Config) { c.Extensions = append(c.Extensions, panics) })
	for range 500 { // more than there are slots and places in the queue
		if got := graphqltest.Query(t, h, hugeAnswer); got.StatusCode != http.StatusInternalServerError {
			t.Fatalf("%d %s", got.StatusCode, got.Text)
		}
	}
}
