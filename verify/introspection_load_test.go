package verify

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestIntrospection_CachesAreBounded, and made-up tokens take the place of none that can be used.
func TestIntrospection_CachesAreBounded(t *testing.T) {
	g := newGatehouse(t)
	v := g.admitting(func(v *Verifier) { v.introspector.active.max, v.introspector.inactive.max = 3, 3 })
	testenv.Equal(t, maxAnswers, must(New(Config{Issuer: g.URL, PersonalAccessTokens: true,
		Revocations: &Feed{Token: feedToken}})).introspector.inactive.max, "the bound of a service")
	used := []string{program(), program(), program()}
	checkUsed := func(what string, asked int64) {
		t.Helper()
		before := g.questions.Load()
		for _, p := range used {
			want(t, v, p, nil)
		}
		testenv.Equal(t, asked, g.questions.Load()-before, "%s: questions", what)
	}
	checkUsed("first", 3)
	g.handleIntrospection(g.saying(map[string]any{"active": false}))
	for range 20 {
		want(t, v, program(), ErrInvalid)
	}
	g.handleIntrospection(nil)
	checkUsed("after made-up tokens", 0)
	for range 10 {
		want(t, v, program(), nil)
	}
	if a, b := len(v.introspector.active.of), len(v.introspector.inactive.of); a > 3 || b > 3 || a == 0 || b == 0 {
		t.Errorf("%d and %d answers are cached, want 3 at most", a, b)
	}
}

// TestIntrospection_ChecksOfOneTokenShareAQuestion, which the first does not take along when it gives up.
func TestIntrospection_ChecksOfOneTokenShareAQuestion(t *testing.T) {
	g := newGatehouse(t)
	v, p := g.admitting(), program()
	_, release := g.stall()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(gone, p); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a request that was given up: %v", err)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { want(t, v, p, nil) })
	}
	time.Sleep(50 * time.Millisecond)
	release()
	all.Wait()
	g.wantQuestions("about one token", 1)
}

// TestIntrospection_WaitsForASlot: no more questions than the bound are asked at a time, and none of the others fails.
func TestIntrospection_WaitsForASlot(t *testing.T) {
	g := newGatehouse(t)
	v := g.admitting()
	waiting, release := g.stall()
	var all sync.WaitGroup
	for range 3 * maxIntrospecting {
		all.Go(func() { want(t, v, program(), nil) })
	}
	eventually(t, "all are in flight", func() bool { return inflight(v) == 3*maxIntrospecting })
	eventually(t, "all slots are taken", func() bool { return waiting.Load() >= maxIntrospecting })
	time.Sleep(50 * time.Millisecond)
	g.wantQuestions("at a time", maxIntrospecting)
	release()
	all.Wait()
	g.wantQuestions("in the end", 3*maxIntrospecting)
}

// TestIntrospection_BoundsWhoWaits: a flood of made-up tokens, whose clients do not wait, fills no memory.
func TestIntrospection_BoundsWhoWaits(t *testing.T) {
	g := newGatehouse(t)
	v, known := g.admitting(), program()
	want(t, v, known, nil)
	_, release := g.stall()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range maxInflight {
		if _, err := v.Verify(gone, program()); !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
	}
	want(t, v, program(), ErrUnavailable)
	want(t, v, known, nil)
	testenv.Equal(t, maxInflight, inflight(v), "in flight")
	release()
	eventually(t, "the flood is over", func() bool { return inflight(v) == 0 })
	want(t, v, program(), nil)
}

func inflight(v *Verifier) int {
	v.introspector.mu.Lock()
	defer v.introspector.mu.Unlock()
	return len(v.introspector.inflight)
}

// TestIntrospection_GivesASilentIssuerUp, whatever client is configured, and its slots are free again.
func TestIntrospection_GivesASilentIssuerUp(t *testing.T) {
	g := newGatehouse(t)
	v := g.admitting(func(v *Verifier) {
		testenv.Equal(t, fetchTimeout, newIntrospector(Config{Revocations: &Feed{}}).timeout, "the timeout of a service")
		v.introspector.timeout = 100 * time.Millisecond
	})
	_, release := g.stall()
	var all sync.WaitGroup
	for range 2 * maxIntrospecting {
		all.Go(func() { want(t, v, program(), ErrUnavailable) })
	}
	all.Wait()
	release()
	wantSoon(t, v, program(), nil)
}
