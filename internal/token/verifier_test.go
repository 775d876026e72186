package token

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// finder finds whatever key it is given for the moment, and counts.
type finder struct {
	key   *PublicKey
	asked int
}

func (f *finder) find(string, time.Time) *PublicKey {
	f.asked++
	return f.key
}

func newVerifier(f *forger, find func(string, time.Time) *PublicKey, bytes ...int) *Verifier {
	c := VerifierConfig{Find: find, Issuer: theIssuer, Audience: theAudience, Clock: func() time.Time { return f.now }}
	if len(bytes) > 0 {
		c.CacheBytes = bytes[0]
	}
	return must(NewVerifier(c))
}

func TestNewVerifier_BadConfigurationIsRefused(t *testing.T) {
	good := VerifierConfig{Find: (&finder{}).find, Issuer: "a", Audience: "b"}
	if _, err := NewVerifier(good); err != nil {
		t.Fatalf("the positive control: %v", err)
	}
	for name, spoil := range map[string]func(*VerifierConfig){
		"no keys":     func(c *VerifierConfig) { c.Find = nil },
		"no issuer":   func(c *VerifierConfig) { c.Issuer = "" },
		"no audience": func(c *VerifierConfig) { c.Audience = "\xff" },
	} {
		c := good
		spoil(&c)
		if _, err := NewVerifier(c); err == nil {
			t.Errorf("%s: works", name)
		}
	}
}

// What is remembered is the signature and the reading, never the permission.
func TestVerifierCache_KeyAndTimesAreCheckedAgain(t *testing.T) {
	f := newForger("EdDSA")
	find := &finder{}
	v := newVerifier(f, find.find)
	text := f.valid() // from a minute before until nine minutes after theTime
	for _, step := range []struct {
		name string
		key  *PublicKey
		now  time.Time
		want error
	}{
		{"first", f.key.Public(), theTime, nil},
		{"again", f.key.Public(), theTime, nil},
		{"its last moment", f.key.Public(), theTime.Add(9*time.Minute - 1), nil},
		{"its end", f.key.Public(), theTime.Add(9 * time.Minute), ErrExpired},
		{"the clock goes back", f.key.Public(), theTime.Add(-90 * time.Second), nil},
		{"too far", f.key.Public(), theTime.Add(-90*time.Second - 1), ErrInvalid},
		{"once more", f.key.Public(), theTime, nil},
		{"its key is gone", nil, theTime, ErrNoKey},
		{"another key has its kid", renamed(f.another().key.Public(), f.key.ID()), theTime, ErrInvalid},
		{"its key, read again", renamed(f.key.Public(), f.key.ID()), theTime, nil},
	} {
		find.key, f.now, find.asked = step.key, step.now, 0
		if _, err := v.Verify(text); !errors.Is(err, step.want) || err != nil && step.want == nil {
			t.Errorf("%s: %v, want %v", step.name, err, step.want)
		}
		if find.asked == 0 {
			t.Errorf("%s: Find was not called", step.name)
		}
	}
}

// renamed returns another copy of a key, under a kid.
func renamed(k *PublicKey, kid string) *PublicKey {
	other := *k
	other.id = kid
	return &other
}

func TestVerifierCache_OnlyGoodTokensAreCachedAndTheSizeIsBounded(t *testing.T) {
	f := newForger("EdDSA")
	v := newVerifier(f, (&finder{key: f.key.Public()}).find)
	valid := f.valid()
	if _, err := v.Verify(valid); err != nil || v.cache.Len() != 1 {
		t.Fatalf("the positive control: %v, and %d are remembered", err, v.cache.Len())
	}
	for name, text := range map[string]string{
		"a bad signature": valid[:len(valid)-8] + "AAAAAAAA", "no token": "a.b.c",
		"a token that expired": f.claiming(f.payload().with("exp", at(0))),
		"a token of tomorrow":  f.claiming(f.payload().with("nbf", at(31))),
		"another audience":     f.claiming(f.payload().with("aud", `"other"`)),
	} {
		if _, err := v.Verify(text); err == nil || v.cache.Len() != 1 {
			t.Errorf("%s: %v, and %d are remembered", name, err, v.cache.Len())
		}
	}
	v = newVerifier(f, (&finder{key: f.key.Public()}).find, 16<<10)
	for n := range 100 {
		if _, err := v.Verify(f.claiming(f.payload().with("jti", fmt.Sprintf(`"%d"`, n)))); err != nil {
			t.Fatal(err)
		}
	}
	if n := v.cache.Len(); n < 30 || n > 60 || v.cache.Bytes() > 16<<10 {
		t.Errorf("%d tokens of %d bytes are remembered", n, v.cache.Bytes())
	}
}

// The answer for a text is the same, seen before or not, and no caller can change it for another.
func TestVerifierCache_ClaimsAreNotSharedBetweenCallers(t *testing.T) {
	f := newForger("EdDSA")
	text := f.claiming(f.payload().with("roles", `["USER","AUDITOR"]`).with("scope", `"read write"`))
	first := must(f.issuer.Verify(text))
	want := first
	want.Roles, want.Scopes = []string{"USER", "AUDITOR"}, []string{"read", "write"}
	for range 3 {
		read := must(f.issuer.Verify(text))
		testenv.Equal(t, want, read, "claims")
		first.Roles[0], read.Roles[0], read.Scopes[1] = "ADMIN", "ADMIN", "everything"
		_ = append(read.Roles[:1], "ADMIN")
	}
}

func TestVerifierCache_ConcurrentCallersGetTheirOwnToken(t *testing.T) {
	f := newForger("EdDSA")
	texts := make([]string, 50)
	for n := range texts {
		texts[n] = f.claiming(f.payload().with("jti", fmt.Sprintf(`"%d"`, n)))
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for n, text := range texts {
				c, err := f.issuer.Verify(text)
				if err != nil || c.ID != fmt.Sprint(n) {
					t.Errorf("%v, %v", c, err)
					return
				}
				c.Roles[0] = "ADMIN"
			}
		})
	}
	all.Wait()
}

// TestVerifierCache_HoldsNoMoreThanItCounts: tokens as this program issues them.
func TestVerifierCache_HoldsNoMoreThanItCounts(t *testing.T) {
	live := func() int {
		runtime.GC()
		runtime.GC() // finishes what the first one left to sweep
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	f := newForger("EdDSA")
	v, before := newVerifier(f, noKey, defaultCacheBytes), live()
	for n := 0; v.cache.Bytes() < defaultCacheBytes-1000; n++ {
		text := fmt.Sprintf("%022d", n)
		v.cache.Add(sha256.Sum256([]byte(text)), newVerified(nil, Claims{ID: text, Roles: []string{"ADMIN", "USER"}}, f.now))
	}
	used := live() - before
	t.Logf("%d tokens: %d bytes of %d", v.cache.Len(), used, defaultCacheBytes)
	if used > defaultCacheBytes || used < defaultCacheBytes/2 {
		t.Errorf("%d bytes, and the bound is %d", used, defaultCacheBytes)
	}
	runtime.KeepAlive(v)
}

func noKey(string, time.Time) *PublicKey { return nil }
