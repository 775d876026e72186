package accounts_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestSessionCache_IsTrustedOnlyWhileSynced(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		p := h.must(h.register(ada, goodPassword))
		h.wantReads(m, "first", p, 1, true)
		h.SyncLost()
		for range 2 {
			h.wantReads(m, "out of touch", p, 1, true)
		}
		h.SyncedUntil(time.Now().Add(-time.Hour))
		for range 2 {
			h.wantReads(m, "in touch long ago", p, 1, true)
		}
		h.SyncedUntil(time.Now().Add(time.Hour))
		h.wantReads(m, "in touch", p, 1, true)
		h.wantReads(m, "in touch, again", p, 0, true)
		h.HandleChanges(t.Context(), []accounts.Change{{}})
		h.wantReads(m, "anything may have changed", p, 1, true)
		h.wantReads(m, "anything may have changed, again", p, 0, true)
	})
}

// TestSessionCache_IsNotTrustedAfterTheMachineWasSuspended: while a machine is suspended the wall clock goes on alone.
func TestSessionCache_IsNotTrustedAfterTheMachineWasSuspended(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		p := h.must(h.register(ada, goodPassword))
		h.wantReads(m, "first", p, 1, true)
		for _, c := range []struct {
			what     string
			wallAway time.Duration
			reads    int
		}{
			{"no suspension", 0, 0},
			{"suspended for two hours", -2 * time.Hour, 1},
			{"in touch again", 0, 0},
			{"the wall clock is set back by two hours", 2 * time.Hour, 0},
		} {
			h.SyncedUntil(wallMoved(t, time.Now().Add(time.Hour), c.wallAway))
			h.wantReads(m, c.what, p, c.reads, true)
		}
	})
}

// wallMoved returns a moment whose wall clock says another time than its monotonic one, as it does seen from after a
// suspension. There is no other way to make one than to know that seconds are the upper half of time.Time's first word.
func wallMoved(t *testing.T, moment time.Time, by time.Duration) time.Time {
	t.Helper()
	moved := moment
	*(*uint64)(unsafe.Pointer(&moved)) += uint64(int64(by/time.Second) << 30)
	if moved.Sub(moment) != 0 || moved.Round(0).Sub(moment.Round(0)) != by {
		t.Fatalf("time.Time is made otherwise than this test knows: %v, %v", moment, moved)
	}
	return moved
}

// TestSessionCache_WhatAnotherProgramEndsIsRefused: with no use case, as a command of another version or an operator do.
func TestSessionCache_WhatAnotherProgramEndsIsRefused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.caching(0)
		lost, stood := h.follow(), testenv.Stood()
		for _, end := range []string{"UPDATE sessions SET ended_at = created_at", "DELETE FROM sessions",
			"UPDATE users SET status = 'SUSPENDED'", "DELETE FROM users",
			"UPDATE sessions SET expires_at = created_at, idle_expires_at = created_at"} {
			p := h.must(h.register(ada, goodPassword))
			testenv.Eventually(t, "the session is cached", testenv.HangGuard, func() bool { n, _ := h.reads(m, p); return n == 0 })
			h.exec(end)
			for start := time.Now(); ; time.Sleep(time.Millisecond) {
				asked := time.Since(start)
				if _, signedIn := h.reads(m, p); !signedIn {
					break
				}
				if asked > time.Second { // however long the answer took on a machine that is busy
					t.Fatalf("%s: accepted after a second", end)
				}
			}
			h.exec("DELETE FROM users")
		}
		if testenv.Stood()-stood < time.Second/2 { // else a read may have taken too long
			wantEqual(t, "times that the cache was lost after the start", 1, lost.Load())
		}
	})
}
