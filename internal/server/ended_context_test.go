package server_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// endingContext is a request's context that ends when it is told so.
type endingContext struct {
	context.Context
	mu    sync.Mutex
	ended error
	done  chan struct{}
}

func (c *endingContext) Done() <-chan struct{} { return c.done }

func (c *endingContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

func (c *endingContext) end(with error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		c.ended = with
		close(c.done)
	}
}

// TestRootFields_EndedAtAnyStatementAreUnavailable ends the time of each root field at each of its statements, before a
// transaction begins, before its commit and after. Each is answered as unavailable or as what it did, never as INTERNAL.
func TestRootFields_EndedAtAnyStatementAreUnavailable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		r := newRecorder(t, url, 1000)
		schema, runs, refused := graph.LoadSchema(), 0, 0
		for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
			for _, f := range root.Fields {
				if strings.HasPrefix(f.Name, "__") {
					continue
				}
				field := strings.ToLower(root.Name) + "{" + f.Name + r.variants(schema, f)[0] + selection(schema, f.Type, 3) + "}"
				for at := 1; ; at++ {
					a := r.askEnding(field, at, context.DeadlineExceeded)
					if a.steps < at {
						break
					}
					runs++
					if a.unavailable() {
						refused++
					} else if strings.Contains(a.body, `"errors"`) {
						t.Errorf("%s, ended at step %d: %d %s", f.Name, at, a.status, a.body)
					}
				}
			}
		}
		t.Logf("%d of %d were refused", refused, runs)
		if refused < runs/5 || refused == runs {
			t.Error("this shows nothing")
		}
	})
}

// ending is the answer to an operation whose time ended.
type ending struct {
	steps, status int
	body          string
}

func (e ending) unavailable() bool {
	return strings.Contains(e.body, `"UNAVAILABLE"`) && strings.Contains(e.body, `"retryAfter"`) &&
		!strings.Contains(e.body, `"INTERNAL"`)
}

// askEnding asks as a new administrator, whose time ends at a step.
func (r *recorder) askEnding(field string, at int, with error) (e ending) {
	token, field := r.prepare(field)
	ctx := &endingContext{Context: r.t.Context(), done: make(chan struct{})}
	var mu sync.Mutex
	r.driver.step = func(context.Context, string) {
		mu.Lock()
		defer mu.Unlock()
		if e.steps++; e.steps == at {
			ctx.end(fmt.Errorf("the test's end of time: %w", with))
		}
	}
	answer := r.send(ctx, token, field)
	r.driver.step = nil
	e.status, e.body = answer.Code, answer.Body.String()
	return e
}
