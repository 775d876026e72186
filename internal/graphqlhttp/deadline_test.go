package graphqlhttp

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestDeadline_IsWhatWithTimeoutMakes does the same to both at random, and compares all that can be seen of them.
func TestDeadline_IsWhatWithTimeoutMakes(t *testing.T) {
	for seed := range uint64(2000) {
		synctest.Test(t, func(t *testing.T) {
			testenv.Equal(t, story(seed, context.WithTimeout), story(seed, func(
				parent context.Context, timeout time.Duration,
			) (context.Context, context.CancelFunc) {
				ctx := withDeadline(parent, timeout)
				return ctx, ctx.end
			}), "what is seen in the story of seed %d", seed)
		})
	}
}

type storyKey struct{}

// story is what is seen of a context to which things happen.
func story(
	seed uint64, withTimeout func(context.Context, time.Duration) (context.Context, context.CancelFunc),
) (seen []string) {
	random := rand.New(rand.NewPCG(seed, 0))
	parent, cancelParent := context.WithCancel(context.WithValue(context.Background(), storyKey{}, "value"))
	defer cancelParent()
	if random.IntN(4) == 0 {
		var cancel context.CancelFunc
		parent, cancel = context.WithTimeout(parent, time.Duration(random.IntN(8))*time.Second)
		defer cancel()
	}
	ctx, end := withTimeout(parent, 5*time.Second)
	defer end()
	watched, children := []context.Context{ctx}, []context.CancelFunc{func() {}}
	var calls atomic.Int32
	steps := []func(){
		func() { time.Sleep(time.Second) },
		func() { time.Sleep(2 * time.Second) },
		func() { cancelParent() },
		func() { end() },
		func() { ctx.Done() },
		func() { children[random.IntN(len(children))]() },
		func() { context.AfterFunc(watched[random.IntN(len(watched))], func() { calls.Add(1) }) },
		func() {
			child, cancel := context.WithCancel(watched[random.IntN(len(watched))])
			children = append(children, cancel)
			watched = append(watched, context.WithValue(child, storyKey{}, len(watched)))
		},
		func() { watched = append(watched, context.WithoutCancel(ctx)) },
	}
	for range 12 {
		step := random.IntN(len(steps))
		steps[step]()
		synctest.Wait()
		at, ok := ctx.Deadline()
		line := fmt.Sprintln(step, time.Until(at), ok, calls.Load())
		for _, c := range watched {
			line += fmt.Sprintln(c.Err(), context.Cause(c), c.Value(storyKey{}))
			if random.IntN(3) == 0 {
				line += fmt.Sprintln(isClosed(c.Done()))
			}
		}
		seen = append(seen, line)
	}
	for _, cancel := range children {
		cancel()
	}
	return seen
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
