package password

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// cheap returns a hasher whose cost keeps tests quick.
func cheap(t testing.TB) *Hasher {
	t.Helper()
	return must(New(Config{Cost: Cost{Memory: 64, Time: 1, Lanes: 1}}))
}

func verify(t *testing.T, h *Hasher, pw, phc string, want bool) {
	t.Helper()
	if ok, _, err := h.Verify(context.Background(), pw, phc); ok != want || err != nil {
		t.Errorf("Verify(%q) = %v, %v; want %v", pw, ok, err, want)
	}
}

// The hashes were made by two other implementations that agreed: hash-wasm 4.13.0 and @noble/hashes 2.4.0.
func TestHash_EqualsOtherImplementations(t *testing.T) {
	for _, c := range []struct {
		cost    Cost
		pw, phc string
	}{
		{DefaultCost, "correct horse battery staple", "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + hash32},
		{Cost{Memory: 64, Time: 3, Lanes: 4}, "pa\u0308sswo\u0308rd 🔑🔑",
			"$argon2id$v=19$m=64,t=3,p=4$" + salt16 + "$CS/+fYciilVlfYLjHHHNKmOX4eC+H84HanvYYRqGg28"},
	} {
		h := must(New(Config{Cost: c.cost, Rand: strings.NewReader("0123456789abcdef")}))
		if phc, err := h.Hash(context.Background(), c.pw); phc != c.phc || err != nil {
			t.Errorf("Hash = %s, %v; want %s", phc, err, c.phc)
		}
		verify(t, h, c.pw, c.phc, true)
		verify(t, h, c.pw+"x", c.phc, false)
	}
}

func TestHash_HasItsOwnSalt(t *testing.T) {
	h := cheap(t)
	one, _ := h.Hash(context.Background(), "kxq4vz!t")
	two, _ := h.Hash(context.Background(), "kxq4vz!t")
	if one == two {
		t.Error("the same password was hashed to the same text twice")
	}
}

func TestVerify_AsksToRehashWhenTheCostChanged(t *testing.T) {
	old := cheap(t)
	phc := must(old.Hash(context.Background(), "kxq4vz!t"))
	costlier := must(New(Config{Cost: Cost{Memory: 128, Time: 1, Lanes: 1}}))
	for _, c := range []struct {
		name       string
		h          *Hasher
		pw         string
		ok, rehash bool
	}{
		{"same cost", old, "kxq4vz!t", true, false},
		{"other cost", costlier, "kxq4vz!t", true, true},
		{"other cost, wrong password", costlier, "kxq4vz!u", false, false},
	} {
		ok, rehash, err := c.h.Verify(context.Background(), c.pw, phc)
		if ok != c.ok || rehash != c.rehash || err != nil {
			t.Errorf("%s: %v, %v, %v", c.name, ok, rehash, err)
		}
	}
}

func TestHash_ImpossiblePasswordsAreNotHashed(t *testing.T) {
	h := cheap(t)
	phc := must(h.Hash(context.Background(), "kxq4vz!t"))
	h.config.Derive = func([]byte, []byte, Cost) ([]byte, error) { t.Error("hashed"); return nil, nil }
	for pw, want := range map[string]error{
		strings.Repeat("k", 129): ErrTooLong, strings.Repeat("k", 1<<20): ErrTooLong,
		"kxq4vz!t\x00": ErrMalformed, "kxq4vz!t\xff": ErrMalformed,
	} {
		if _, err := h.Hash(context.Background(), pw); !errors.Is(err, want) {
			t.Errorf("Hash of %d bytes: %v, want %v", len(pw), err, want)
		}
		verify(t, h, pw, phc, false)
		if err := h.VerifyDummy(context.Background(), pw); err != nil {
			t.Errorf("VerifyDummy: %v", err)
		}
	}
}

func TestVerify_UnreadableStoredHashIsAnError(t *testing.T) {
	if _, _, err := cheap(t).Verify(context.Background(), "kxq4vz!t", "$2a$10$…"); !errors.Is(err, ErrInvalidHash) {
		t.Error(err)
	}
}

func TestVerifyDummy_CostsTheWorkOfAWrongPassword(t *testing.T) {
	h := cheap(t)
	phc := must(h.Hash(context.Background(), "kxq4vz!t"))
	type work struct {
		pw, salt int
		cost     Cost
	}
	var done []work
	h.config.Derive = func(pw, salt []byte, c Cost) ([]byte, error) {
		done = append(done, work{len(pw), len(salt), c})
		return Argon2id(pw, salt, c), nil
	}
	verify(t, h, "kxq4vz!u", phc, false)
	check(t, h.VerifyDummy(context.Background(), "kxq4vz!u"))
	if len(done) != 2 || done[0] != done[1] || done[0].cost != h.config.Cost {
		t.Errorf("%v", done)
	}
}

// slow makes a hash take a second of the bubble's time, and returns the most hashes that ran simultaneously.
func slow(h *Hasher) *atomic.Int32 {
	var running, most atomic.Int32
	h.config.Derive = func(_, salt []byte, _ Cost) ([]byte, error) {
		n := running.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(time.Second)
		running.Add(-1)
		return bytes.Repeat(salt[:1], hashLen), nil
	}
	return &most
}

func TestHasher_LimitsParallelHashesAndRejectsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := must(New(Config{MaxConcurrent: 3, QueueTimeout: 2500 * time.Millisecond}))
		most := slow(h)
		start := time.Now()
		var all sync.WaitGroup
		var done, busy atomic.Int32
		for range 20 {
			all.Go(func() {
				_, err := h.Hash(context.Background(), "kxq4vz!t")
				switch took := time.Since(start); {
				case err == nil:
					done.Add(1)
				case errors.Is(err, ErrBusy) && took == h.config.QueueTimeout:
					busy.Add(1)
				default:
					t.Errorf("%v after %v", err, took)
				}
			})
		}
		for _, c := range []struct {
			after time.Duration
			want  Stats
		}{{0, Stats{3, 3, 17, 0}}, {1500 * time.Millisecond, Stats{3, 3, 14, 0}}, {3500 * time.Millisecond,
			Stats{3, 0, 0, 11}}} {
			time.Sleep(c.after - time.Since(start))
			synctest.Wait()
			if got := h.Stats(); got != c.want {
				t.Errorf("after %v: %+v, want %+v", c.after, got, c.want)
			}
		}
		all.Wait()
		// Turns begin after 0, 1 and 2 seconds, three at a time; after 2.5 the other eleven give up.
		if most.Load() != 3 || done.Load() != 9 || busy.Load() != 11 {
			t.Errorf("%d at once, %d done, %d busy", most.Load(), done.Load(), busy.Load())
		}
		if _, err := h.Hash(context.Background(), "kxq4vz!t"); err != nil {
			t.Errorf("after the flood: %v", err)
		}
	})
}

// takeTurn begins a slow hash, and returns what waits for its end.
func takeTurn(h *Hasher) (wait func()) {
	var hash sync.WaitGroup
	hash.Go(func() { _ = h.VerifyDummy(context.Background(), "kxq4vz!t") })
	synctest.Wait()
	return hash.Wait
}

func TestHasher_MethodsShareTheSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := must(New(Config{MaxConcurrent: 1, QueueTimeout: time.Millisecond}))
		slow(h)
		phc := h.dummyHash
		defer takeTurn(h)()
		if _, err := h.Hash(context.Background(), "kxq4vz!t"); !errors.Is(err, ErrBusy) {
			t.Errorf("Hash: %v", err)
		}
		if _, _, err := h.Verify(context.Background(), "kxq4vz!t", phc); !errors.Is(err, ErrBusy) {
			t.Errorf("Verify: %v", err)
		}
		if err := h.VerifyDummy(context.Background(), "kxq4vz!t"); !errors.Is(err, ErrBusy) {
			t.Errorf("VerifyDummy: %v", err)
		}
	})
}

func TestHasher_CallersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := must(New(Config{MaxConcurrent: 1, QueueTimeout: 2500 * time.Millisecond}))
		slow(h)
		defer takeTurn(h)()
		for range 20 {
			go h.As([]string{"unknown", "flood"}).VerifyDummy(context.Background(), "kxq4vz!t")
		}
		synctest.Wait()
		if err := h.As([]string{"known", "owner"}).VerifyDummy(context.Background(), "kxq4vz!t"); err != nil {
			t.Errorf("the owner's turn: %v", err)
		}
	})
}

func TestHasher_CancelledCallerDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := must(New(Config{MaxConcurrent: 1, QueueTimeout: time.Minute}))
		slow(h)
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := h.Hash(gone, "kxq4vz!t"); !errors.Is(err, context.Canceled) {
			t.Errorf("gone before: %v", err)
		}
		defer takeTurn(h)()
		start := time.Now()
		hasty, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if _, err := h.Hash(hasty, "kxq4vz!t"); !errors.Is(err, context.DeadlineExceeded) ||
			time.Since(start) != 100*time.Millisecond {
			t.Errorf("gone while waiting: %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := h.Hash(ctx, "kxq4vz!t"); err != nil {
			t.Errorf("the turn was lost: %v", err)
		}
	})
}

func TestHasher_PanicReleasesTheSlot(t *testing.T) {
	h := must(New(Config{MaxConcurrent: 1, QueueTimeout: time.Millisecond}))
	h.config.Derive = func([]byte, []byte, Cost) ([]byte, error) { panic("out of memory") }
	func() {
		defer func() { _ = recover() }()
		_, _ = h.Hash(context.Background(), "kxq4vz!t")
	}()
	if h.Stats().Running != 0 {
		t.Error("the turn is lost")
	}
}

func TestNew_RefusesBadConfigs(t *testing.T) {
	for _, c := range []Config{
		{Cost: Cost{Memory: 1 << 22, Time: 1,
			Lanes: 1}}, {Cost: Cost{Memory: 19456}}, {MaxConcurrent: -1}, {QueueTimeout: -1},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("New(%+v) works", c)
		}
	}
	if h, err := New(Config{}); err != nil || h.config.Cost != DefaultCost {
		t.Errorf("the zero Config: %v", err)
	}
}

func TestHash_FailsWithoutRandomness(t *testing.T) {
	h := must(New(Config{Cost: Cost{Memory: 64, Time: 1, Lanes: 1}, Rand: strings.NewReader("short")}))
	if phc, err := h.Hash(context.Background(), "kxq4vz!t"); err == nil {
		t.Errorf("a salt came from nowhere: %s", phc)
	}
}

// The two benchmarks must read the same: they are the proof that time does not tell an unknown address from a wrong password.
func BenchmarkWrongPassword(b *testing.B) {
	h := must(New(Config{}))
	phc := must(h.Hash(context.Background(), "correct horse battery staple"))
	b.ReportAllocs()
	for b.Loop() {
		if ok, _, err := h.Verify(context.Background(), "correct horse battery stable", phc); ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkVerifyDummy(b *testing.B) {
	h := must(New(Config{}))
	b.ReportAllocs()
	for b.Loop() {
		check(b, h.VerifyDummy(context.Background(), "correct horse battery stable"))
	}
}

func BenchmarkIsCommon(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		isCommon("kxq4vz!tkxq4")
	}
}

// must returns a value without which a test cannot go on.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var check = testenv.Check
