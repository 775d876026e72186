package authz_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestSubscription_EndsWhenItsViewerLosesTheRight changes the viewer after the first event.
func TestSubscription_EndsWhenItsViewerLosesTheRight(t *testing.T) {
	for name, c := range map[string]struct{ persona, later, text, want string }{
		"the control": {"alice", "alice", `subscription { drafts { id } }`, `4 events`},
		"signed out": {"alice", "expired", `subscription { drafts { id } }`,
			`1 events, UNAUTHENTICATED Subscription.drafts`},
		"a role less": {"editor", "other user", `subscription { memos { text } }`, `1 events, FORBIDDEN Memo`},
		"a factor less": {"alice, two factors", "other user", `subscription { alarms }`,
			`1 events, REAUTHENTICATION_REQUIRED Subscription.alarms`},
		"a factor less, for an object": {"alice, two factors", "bob", `subscription { lockers { id } }`,
			`1 events, REAUTHENTICATION_REQUIRED Locker`},
		"an open one": {"alice", "missing", `subscription { ticks }`, `1 events, UNAUTHENTICATED Subscription.ticks`},
		"to another user, whose the last event is": {"alice", "bob", `subscription { posts { secret } }`, `3 events`},
	} {
		t.Run(name, func(t *testing.T) {
			now := viewerNamed(t, c.persona)
			s := serveWith(t, func(config *authz.Config) {
				config.Viewer = func(context.Context) (authz.Viewer, error) {
					return callingViewer(as(context.Background(), now))
				}
			})
			ctx := graphql.StartOperationTrace(t.Context())
			oc, errs := s.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: c.text})
			if errs != nil {
				t.Fatal(errs)
			}
			next, ctx := s.exec.DispatchOperation(ctx, oc)
			events, denials := 0, []string{}
			for r := next(ctx); r != nil; r = next(ctx) {
				if r.Data != nil {
					events++
				}
				for _, e := range r.Errors {
					if d := denialOf(e); !strings.Contains(strings.Join(denials, ", "), d) {
						denials = append(denials, d)
					}
				}
				now = viewerNamed(t, c.later)
			}
			got := strings.Join(append([]string{fmt.Sprintf("%d events", events)}, denials...), ", ")
			if c.later == "alice" {
				got, _, _ = strings.Cut(got, ",")
			}
			testenv.Equal(t, c.want, got, "answers")
		})
	}
}

// TestSubscription_EventKeepsNothingOfTheOneBefore: neither what was denied, so that an error at the same path is told,
// nor the objects of batches.
func TestSubscription_EventKeepsNothingOfTheOneBefore(t *testing.T) {
	s := mustServe(t, false)
	s.resolver.OnMeta = func(p *allfeatures.Post) error {
		if p.ID == "p2" {
			return errors.New("the resolver failed")
		}
		return nil
	}
	responses, errs := s.raw(viewerNamed(t, "bob"), operation{text: `subscription { posts { id strictMeta(deep: true) } }`})
	if len(errs) > 0 || len(responses) != 3 || len(responses[0].Errors) == 0 {
		t.Fatalf("%v, %v: nothing was denied in the first event", responses, errs)
	}
	testenv.Equal(t, 1, len(responses[2].Errors), "errors where the resolver failed")

	s.resolver.Events = 6000
	ctx := as(graphql.StartOperationTrace(t.Context()), viewerNamed(t, "alice"))
	oc, errs := s.exec.CreateOperationContext(ctx, &graphql.RawParams{
		Query: `subscription { posts { author { clubs { drafts { score } } } } }`})
	if errs != nil {
		t.Fatal(errs)
	}
	next, ctx := s.exec.DispatchOperation(ctx, oc)
	var early uint64
	for n := range s.resolver.Events {
		if r := next(ctx); r == nil || len(r.Errors) > 0 {
			t.Fatalf("event %d: %v", n, r)
		}
		if n == 1000 {
			early = liveBytes()
		}
	}
	if grown := int64(liveBytes()) - int64(early); grown > 1<<20 {
		t.Errorf("%d events hold %d KiB", s.resolver.Events-1000, grown>>10)
	}
	runtime.KeepAlive(next)
}

func liveBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
