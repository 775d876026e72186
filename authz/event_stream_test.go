package authz_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestSubscription_EndsWhenItsViewerLosesTheRight changes the viewer after the first event.
func TestSubscription_EndsWhenItsViewerLosesTheRight(t *testing.T) {
	for name, c := range map[string]struct{ persona, later, text, want string }{
		"the control": {"alice", "alice", `subscription { drafts { id } }`, `4 events`},
		"signed out": {"alice", "expired", `subscription { drafts { id } }`,
			`1 events, UNAUTHENTICATED Subscription.drafts`},
		"a role less": {"editor", "other user", `subscription { memos { text } }`, `1 events, FORBIDDEN Memo`},
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
