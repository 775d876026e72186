package fairqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// queue has its only slot taken by a release that serves the queue to its end.
type queue struct {
	*Limiter
	release func()
	served  []string
	refused []string
}

func newQueue(t *testing.T, c Config) *queue {
	t.Helper()
	q := &queue{Limiter: New(c)}
	release, err := q.Acquire(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	q.release = release
	return q
}

// add lets one request of each caller wait, named as in "48/56/64" (- is none), and says what becomes of it.
func (q *queue) add(t *testing.T, callers ...string) {
	for _, c := range callers {
		go func() {
			var caller []string
			if c != "-" {
				caller = strings.Split(c, "/")
			}
			release, err := q.Acquire(t.Context(), caller)
			if err != nil {
				q.refused = append(q.refused, c)
				return
			}
			q.served = append(q.served, c)
			release()
		}()
		synctest.Wait()
	}
}

func TestLimiter_CallersTakeTurns(t *testing.T) {
	for _, c := range []struct{ waiting, want string }{
		{"a a a a b", "a b a a a"},
		{"a a a b b c", "a b c a b a"},
		{"x/1 x/2 x/3 x/4 b", "x/1 b x/2 x/3 x/4"},                 // members of a group share its turns
		{"x/1 x/1 x/1 x/2 b b", "x/1 b x/2 b x/1 x/1"},             // and take turns within it
		{"x/1/a x/1/b x/1/c x/2/d b", "x/1/a b x/2/d x/1/b x/1/c"}, // at each level
		{"u/a u/b u/c k/d k/e", "u/a k/d u/b k/e u/c"},             // as classes do
	} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(t, Config{Slots: 1, Queue: 100})
			q.add(t, strings.Fields(c.waiting)...)
			q.release()
			synctest.Wait()
			if got := strings.Join(q.served, " "); got != c.want {
				t.Errorf("%s: served %s, want %s", c.waiting, got, c.want)
			}
			if s := q.Stats(); s != (Stats{Slots: 1}) || len(q.waiting.members) > 0 {
				t.Errorf("%s: left %+v", c.waiting, s)
			}
		})
	}
}

func TestLimiter_FullQueueRefusesWhoHasTheMost(t *testing.T) {
	for _, c := range []struct{ waiting, refused string }{
		{"a a a", ""},
		{"a a a a", "a"},
		{"a a a b", "a"},
		{"a a a b b b", "a b b"}, // one after the other: a has two, then b would have two
		{"a b c d", "d"},         // none has more than another
		{"x/1 x/2 x/3 b", "x/3"},
		{"x/1 x/1 x/2 b", "x/1"},
		{"x/1 x/1 x/2 -", "x/1"},
		{"- - - b", "-"},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(t, Config{Slots: 1, Queue: 3})
			q.add(t, strings.Fields(c.waiting)...)
			got := slices.Clone(q.refused)
			slices.Sort(got)
			if strings.Join(got, " ") != c.refused {
				t.Errorf("%s: refused %s, want %s", c.waiting, got, c.refused)
			}
			if s := q.Stats(); int(s.Refused) != len(got) || s.Waiting != len(strings.Fields(c.waiting))-len(got) {
				t.Errorf("%s: %+v", c.waiting, s)
			}
			q.release()
			synctest.Wait()
		})
	}
}

func TestLimiter_RequestThatEndsLeavesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, Config{Slots: 1, Queue: 1, Timeout: 2 * time.Second})
		start := time.Now()
		if _, err := q.Acquire(t.Context(), []string{"a"}); err != ErrBusy || time.Since(start) != 2*time.Second {
			t.Errorf("waited too long: %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.Acquire(ctx, []string{"a", "1"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waited in vain: %v", err)
		}
		if _, err := q.Acquire(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || q.Stats().Waiting != 0 {
			t.Errorf("began too late: %v, %+v", err, q.Stats())
		}
		q.add(t, "b")
		q.release()
		synctest.Wait()
		if fmt.Sprint(q.served, q.refused) != "[b] []" || q.Stats() != (Stats{Slots: 1, Refused: 1}) {
			t.Errorf("served %v, refused %v, left %+v", q.served, q.refused, q.Stats())
		}
	})
}

func TestLimiter_ASlotRestsAsLongAsItWasUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, Config{Slots: 1, Queue: 1, Rest: true})
		time.Sleep(time.Second)
		q.release()
		released := time.Now()
		release, err := q.Acquire(t.Context(), nil)
		if rest := time.Since(released); err != nil || rest != time.Second {
			t.Errorf("%v, a rest of %v", err, rest)
		}
		release()
	})
}

// A caller whose requests take all the time that they may leaves slots to others, and misses no turn.
func TestLimiter_ACallerLeavesSlotsToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, Config{Slots: 3, PerCaller: 2, Queue: 10})
		var releases []func()
		for range 2 {
			release, err := q.Acquire(t.Context(), []string{"a"})
			if err != nil {
				t.Fatal(err)
			}
			releases = append(releases, release)
		}
		q.add(t, "a", "a", "b")
		q.release()
		synctest.Wait()
		if got := strings.Join(q.served, " "); got != "b" {
			t.Errorf("served %s, want b", got)
		}
		releases[0]()
		synctest.Wait()
		if got := strings.Join(q.served, " "); got != "b a a" || q.Stats().Running != 1 {
			t.Errorf("served %s, want b a a; left %+v", got, q.Stats())
		}
		releases[1]()
		if len(q.running) > 0 || q.Stats() != (Stats{Slots: 3}) {
			t.Errorf("left %v, %+v", q.running, q.Stats())
		}
	})
}

// Slots are neither lost nor made by requests that end at the moment when they get one.
func TestLimiter_CancellationsLoseNoSlot(t *testing.T) {
	l := New(Config{Slots: 2, PerCaller: 1, Queue: 8})
	done := make(chan bool)
	for i := range 16 {
		go func() {
			for range 2000 {
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				if release, err := l.Acquire(ctx, []string{fmt.Sprint(i % 3), fmt.Sprint(i)}); err == nil {
					release()
				}
			}
			done <- true
		}()
	}
	for range 16 {
		<-done
	}
	if s := l.Stats(); s.Running != 0 || s.Waiting != 0 || len(l.running) > 0 || len(l.waiting.members) > 0 {
		t.Errorf("left %+v", s)
	}
}
