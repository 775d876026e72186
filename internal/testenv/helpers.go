package testenv

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// HangGuard is how long a test waits for what must come, however busy the machine is. It is no expectation: only tests
// in test/faults and test/abuse, which run alone, bound a time.
const HangGuard = 2 * time.Minute

// Buffer is a bytes.Buffer that a process may write while a test reads.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Check ends a test that cannot go on after an error.
func Check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Equal compares what a test wants with what it got. The description may have arguments, as of fmt.Sprintf.
func Equal[T any](t testing.TB, want, got T, what string, args ...any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf(what+" (-want +got):\n%s", append(args, diff)...)
	}
}

// Eventually waits until something holds, and returns how long that took, to a sixteenth, by the clock Awake. It fails
// the test when it does not hold at a moment after that time. The longer it takes, the rarer it asks, because asking costs
// the processor that others need.
func Eventually(t testing.TB, what string, within time.Duration, holds func() bool) time.Duration {
	t.Helper()
	for start := Awake(); ; {
		asked := Awake() - start
		if holds() {
			return Awake() - start
		}
		if asked > within {
			t.Fatalf("%s: not within %v", what, within)
		}
		time.Sleep(min(max(asked/16, time.Millisecond), 50*time.Millisecond))
	}
}
