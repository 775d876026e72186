package fairqueue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// request is one that was made of a limiter.
type request struct {
	mu       sync.Mutex // until all have stopped
	caller   string
	cancel   func()
	canceled bool
	late     bool // it was canceled before it was made
	answered bool
	release  func()
	err      error
}

// modelled is a limiter, and what its callers know.
type modelled struct {
	*testing.T
	*rand.Rand
	*Limiter
	requests []*request // that wait or run
}

// TestLimiter_KeepsItsPromisesInAnyOrder makes, cancels and ends requests of several callers in random order, some of
// them at the same moment.
func TestLimiter_KeepsItsPromisesInAnyOrder(t *testing.T) {
	for seed := range uint64(400) {
		synctest.Test(t, func(t *testing.T) {
			m := &modelled{T: t, Rand: rand.New(rand.NewPCG(seed, 0))}
			m.Limiter = New(Config{Slots: 1 + m.IntN(3), PerCaller: m.IntN(3), Queue: 1 + m.IntN(4)})
			for range 40 {
				for range 1 + m.IntN(3) {
					m.step()
				}
				synctest.Wait()
				m.check()
			}
			for len(m.requests) > 0 && !t.Failed() {
				m.end(m.requests[0])
				synctest.Wait()
				m.check()
			}
			if len(m.running) > 0 || len(m.waiting.members) > 0 || len(m.waiting.waiters) > 0 {
				t.Errorf("seed %d left %v, %+v", seed, m.running, m.waiting)
			}
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (m *modelled) step() {
	if len(m.requests) > 0 && m.IntN(2) == 0 {
		m.end(m.requests[m.IntN(len(m.requests))])
		return
	}
	var path []string
	if name := []string{"", "a", "b/1", "b/2"}[m.IntN(4)]; name != "" {
		path = strings.Split(name, "/")
	}
	ctx, cancel := context.WithCancel(m.Context())
	r := &request{caller: fmt.Sprint(path), cancel: cancel}
	m.requests = append(m.requests, r)
	if r.late = m.IntN(8) == 0; r.late {
		m.end(r)
	}
	go func() {
		release, err := m.Acquire(ctx, path)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.release, r.err, r.answered = release, err, true
	}()
}

// end ends a request, if it runs, and else its context.
func (m *modelled) end(r *request) {
	r.mu.Lock()
	release := r.release
	r.mu.Unlock()
	if release != nil {
		release()
		m.forget(r)
	}
	r.cancel()
	r.canceled = true
}

func (m *modelled) forget(r *request) {
	m.requests = slices.DeleteFunc(m.requests, func(other *request) bool { return other == r })
}

// check compares what the limiter says with what its callers have.
func (m *modelled) check() {
	running, waiting, of := 0, 0, map[string]int{}
	for _, r := range slices.Clone(m.requests) {
		switch {
		case !r.answered:
			waiting++
		case r.err == nil:
			running, of[r.caller] = running+1, of[r.caller]+1
		default:
			m.forget(r)
			if r.err != ErrBusy && !r.canceled || r.err == ErrBusy && r.late || r.release != nil {
				m.Errorf("%+v", r)
			}
		}
	}
	c := m.config
	s := m.Stats()
	if s.Running != running || s.Waiting != waiting || running > c.Slots || waiting > c.Queue {
		m.Errorf("%+v of %+v, but %d run and %d wait", s, c, running, waiting)
	}
	for _, r := range m.requests {
		full := c.PerCaller > 0 && of[r.caller] >= c.PerCaller
		if r.late || !r.answered && (r.canceled || running < c.Slots && !full) || c.PerCaller > 0 && of[r.caller] > c.PerCaller {
			m.Errorf("%+v of %+v has %d, and waits: %v, canceled: %v", r.caller, c, of[r.caller], !r.answered, r.canceled)
		}
	}
}
