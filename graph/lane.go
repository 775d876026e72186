package graph

import (
	"context"
	"runtime"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// dearly is how many fields an answer may have, rows of full pages included, before its operation runs in the lane: a
// full page of users with all there is of them is on this side of it, me with all sessions is not.
const dearly = 1000

// lane lets dear operations run on half of the processors at a time, one after the other. A hundred of them at once
// would take turns with everybody else, who waits for each of the hundred. What it costs: whoever asks for much waits
// for others who do, and is refused when too many wait. It is left before the answer is sent: a client may read slowly.
type lane struct {
	free chan struct{}
	line chan struct{} // who waits
}

func newLane() lane {
	return lane{free: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), line: make(chan struct{}, longestLine)}
}

// enter waits until an operation may run, and returns what must be called when it has, or why it may not.
func (l lane) enter(ctx context.Context, op *ast.OperationDefinition, page int) (leave func(), refused *gqlerror.Error) {
	if fieldsOf(op.SelectionSet, 1, page) < dearly {
		return func() {}, nil
	}
	select {
	case l.line <- struct{}{}:
		defer func() { <-l.line }()
	default:
		return nil, busy("too many large answers are being made; try again")
	}
	select {
	case l.free <- struct{}{}:
		return func() { <-l.free }, nil
	case <-ctx.Done():
		return nil, busy("too many large answers are being made; try again")
	}
}

// fieldsOf counts the fields that an answer can have, each list as long as a page may be. Fragments are entered as often
// as they are spread: the bounds of an operation bound that.
func fieldsOf(selection ast.SelectionSet, times, page int) (n int) {
	for _, s := range selection {
		switch s := s.(type) {
		case *ast.Field:
			below := times
			if s.Definition.Type.Elem != nil {
				below = min(times*page, most)
			}
			n = add(n, add(times, fieldsOf(s.SelectionSet, below, page)))
		case *ast.InlineFragment:
			n = add(n, fieldsOf(s.SelectionSet, times, page))
		case *ast.FragmentSpread:
			n = add(n, fieldsOf(s.Definition.SelectionSet, times, page))
		}
	}
	return n
}
