package querylimit

import (
	"context"
	"testing"
	"time"
)

func TestLimiter_RequestsWaitInABoundedQueue(t *testing.T) {
	l := NewLimiter(LimiterConfig{Slots: 2, Queue: 3, Message: "try again"})
	acquire := func(timeout time.Duration) (slot *Slot, refused bool) {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		slot = l.Slot()
		err := slot.Acquire(ctx)
		if err != nil &&
			(err.Message != "try again" || err.Extensions["code"] != "UNAVAILABLE" || err.Extensions["retryAfter"] != 1) {
			t.Errorf("refused with %v %v", err, err.Extensions)
		}
		return slot, err != nil
	}
	var held []*Slot
	for range 2 {
		slot, refused := acquire(time.Minute)
		if refused {
			t.Fatal("a free slot was refused")
		}
		held = append(held, slot)
	}
	if slot, refused := acquire(time.Millisecond); !refused {
		t.Error("there are more slots than configured")
	} else {
		slot.Release() // has nothing to give back
	}
	if len(l.slots) != 2 || len(l.queue) != 0 {
		t.Errorf("%d slots are taken and %d requests wait", len(l.slots), len(l.queue))
	}
	for range 3 {
		l.queue <- struct{}{}
	}
	if _, refused := acquire(time.Minute); !refused {
		t.Error("the queue has no end")
	}
	for range 3 {
		<-l.queue
	}
	for _, slot := range held {
		slot.Release()
	}
	if _, refused := acquire(time.Minute); refused {
		t.Error("a slot that was given back is not free")
	}
}

func TestLimiter_ASlotRestsAsLongAsItWasUsed(t *testing.T) {
	l := NewLimiter(LimiterConfig{Rest: true, Message: "try again"})
	slot := l.Slot()
	for range 2 { // the second time the request holds it
		if err := slot.Acquire(t.Context()); err != nil || len(l.slots) != 1 {
			t.Fatalf("%v, %d slots taken", err, len(l.slots))
		}
	}
	const use = 50 * time.Millisecond
	time.Sleep(use)
	slot.Release()
	start := time.Now()
	for len(l.slots) > 0 && time.Since(start) < 10*time.Second {
		time.Sleep(time.Millisecond)
	}
	if rest := time.Since(start); rest < use/2 {
		t.Errorf("a rest of %v after %v", rest, use)
	}
}
