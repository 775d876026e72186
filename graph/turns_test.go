package graph

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// While all turns are taken, what is new waits in a line of bounded length, and what is known passes.
func TestNewDocumentsWaitForTheirTurn(t *testing.T) {
	all := newTurns()
	take := func(timeout time.Duration) (refused bool, end func()) {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		ctx, end = all.begin(ctx)
		return takeTurn(ctx) != nil, end
	}
	var ends []func()
	for range cap(all.free) {
		refused, end := take(time.Second)
		if refused {
			t.Fatal("a turn that is free was refused")
		}
		ends = append(ends, end)
	}
	if refused, end := take(time.Millisecond); !refused {
		t.Error("a turn was taken twice")
	} else {
		end() // gives nothing back
	}
	if len(all.free) != cap(all.free) || len(all.line) != 0 {
		t.Errorf("%d turns and %d in line", len(all.free), len(all.line))
	}
	for range longestLine {
		all.line <- struct{}{}
	}
	start := time.Now()
	if refused, _ := take(time.Minute); !refused || time.Since(start) > time.Second {
		t.Error("the line has no end")
	}
	for range longestLine {
		<-all.line
	}
	for _, end := range ends {
		end()
	}
	if refused, _ := take(10 * time.Second); refused {
		t.Error("a turn that was given back is not free")
	}
}

// A turn is free again after as long as it took.
func TestATurnIsFollowedByARest(t *testing.T) {
	all := newTurns()
	ctx, end := all.begin(t.Context())
	for range 2 { // the second time it has its turn
		if err := takeTurn(ctx); err != nil || len(all.free) != 1 {
			t.Fatalf("%v, %d turns taken", err, len(all.free))
		}
	}
	const long = 50 * time.Millisecond
	time.Sleep(long)
	end()
	start := time.Now()
	for len(all.free) > 0 && time.Since(start) < 10*time.Second {
		time.Sleep(time.Millisecond)
	}
	if rest := time.Since(start); rest < long/2 {
		t.Errorf("a rest of %v after %v", rest, long)
	}
}

// A known document needs no turn; a new one and a long body that get none are refused and may come again.
func TestKnownDocumentsNeedNoTurn(t *testing.T) {
	none := &turns{free: make(chan struct{}), line: make(chan struct{})}
	ctx, _ := none.begin(t.Context())
	known := graphql.MapCache[*ast.QueryDocument]{"{ping}": {}}
	b := bouncer{limits: DefaultLimits(), passed: known}
	if err := b.MutateOperationParameters(ctx, &graphql.RawParams{Query: "{ping}"}); err != nil {
		t.Errorf("a known document: %v", err)
	}
	if err := b.MutateOperationParameters(ctx, &graphql.RawParams{Query: "{pong}"}); err == nil || err.Extensions["retryAfter"] != 1 {
		t.Errorf("a new document: %v", err)
	}
	read := func(body string) *refusal {
		_, refused := readRequest(ctx, httptest.NewRecorder(), newPost(body), DefaultLimits())
		return refused
	}
	if refused := read(ping + strings.Repeat(" ", longestQueries-len(ping))); refused != nil {
		t.Errorf("a body that is not long: %v", refused.err)
	}
	if refused := read(ping + strings.Repeat(" ", longestQueries)); refused == nil || refused.status != 503 || refused.header != [2]string{"Retry-After", "1"} {
		t.Errorf("a long body: %+v", refused)
	}
}
