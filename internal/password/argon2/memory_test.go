package argon2

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"runtime"
	"sync"
	"testing"

	library "golang.org/x/crypto/argon2"
)

// costs are such that memory of one hash is too small, too large and just right for the next.
var costs = []struct {
	time, memory uint32
	threads      uint8
}{{1, 8, 1}, {2, 19 << 10, 1}, {1, 64, 1}, {3, 64, 4}, {2, 1 << 10, 3}, {1, 100, 1}, {2, 19 << 10, 1}}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// TestHashesAreTheLibrarys derives keys one after the other and beside each other, which take each other's memory.
func TestHashesAreTheLibrarys(t *testing.T) {
	var all sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i, c := range costs {
				pw, salt := random(i), random(16)
				name := fmt.Sprintf("%x, %x, %+v", pw, salt, c)
				if got, want := IDKey(pw, salt, c.time, c.memory, c.threads, 32), library.IDKey(pw, salt, c.time, c.memory, c.threads, 32); !bytes.Equal(got, want) {
					t.Errorf("%s: %x, and the library has %x", name, got, want)
				}
				if got, want := Key(pw, salt, c.time, c.memory, c.threads, 16), library.Key(pw, salt, c.time, c.memory, c.threads, 16); !bytes.Equal(got, want) {
					t.Errorf("%s, by Argon2i: %x, and the library has %x", name, got, want)
				}
			}
		})
	}
	all.Wait()
}

func TestMemoryIsUsedAgainAndEmpty(t *testing.T) {
	release().Stop()
	for range cap(free) {
		select {
		case <-free:
		default:
		}
	}
	IDKey(random(8), random(16), 1, 64, 1, 32)
	if len(free) != 1 {
		t.Fatalf("%d hashes' memory is kept after one", len(free))
	}
	before := <-free
	for _, b := range before {
		if b != (block{}) {
			t.Fatal("it tells what was hashed")
		}
	}
	free <- before
	IDKey(random(8), random(16), 1, 32, 1, 32)
	if after := <-free; &after[0] != &before[0] {
		t.Error("a hash made memory of its own")
	}
}

func TestNoMoreMemoryIsKeptThanHashesRun(t *testing.T) {
	for range 3 * cap(free) {
		giveBack(make([]block, 8))
	}
	if len(free) != runtime.GOMAXPROCS(0) {
		t.Errorf("%d hashes' memory is kept", len(free))
	}
}
