package accounts

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/viewer"
)

func TestMaxCacheBytes_HoldsForFullCaches(t *testing.T) {
	for _, c := range []struct {
		name  string
		bound int
		fill  func() any
	}{
		{"sessions", maxCachedSessions * cachedSessionBytes, fullSessionCache},
		{"uses", maxPendingUses * pendingUseBytes, fullUses},
		{"counters", maxCounters * counterBytes, func() any { return fullCounters(maxCounters) }},
		{"refreshes", maxWorkCounters * counterBytes, func() any { return fullCounters(maxWorkCounters) }},
	} {
		before := liveBytes()
		full := c.fill()
		used := liveBytes() - before
		t.Logf("%s: %d bytes of %d", c.name, used, c.bound)
		if used > c.bound {
			t.Errorf("%s: %d bytes, and the bound is %d", c.name, used, c.bound)
		}
		if used < c.bound/2 {
			t.Errorf("%s: %d bytes, less than half of the bound %d: is the cache full?", c.name, used, c.bound)
		}
		runtime.KeepAlive(full)
	}
}

func liveBytes() int {
	runtime.GC()
	runtime.GC() // finishes what the first one left to sweep
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// fullSessionCache has a session of each of as many users, whose address and name are as long as they may be.
func fullSessionCache() any {
	c, _ := newSessionCache(SessionCacheConfig{})
	c.trustedUntil = time.Now().Add(time.Hour)
	for range maxCachedSessions {
		user, session, now := uuid.New(), uuid.New(), time.Now()
		name := strings.Repeat("🔑", maxNameLen)
		c.addSession(0, session, cachedSession{userID: user, roles: []string{string(RoleAdmin), string(RoleUser)},
			endsAt: now, lastUsed: now})
		c.addAccount(0, User{ID: user, Email: strings.Repeat("a", maxAddressLen), Name: &name,
			Roles: []Role{RoleAdmin, RoleUser}})
	}
	return c
}

func fullUses() any {
	u := newUses()
	for i := range 2 * maxPendingUses {
		agent := strings.Repeat("\U0001F600", 255) + fmt.Sprint(i%10)
		u.add(uuid.New(), viewer.Origin{Agent: agent, IP: netip.MustParseAddr("2001:db8:1111:2222:3333:4444:5555:6666")},
			time.Now())
	}
	return u
}

func fullCounters(n int) any {
	m := newMemoryStore(n)
	for range n {
		m.count(time.Now(), counter{uuid.New(), backoff{free: 1, maxDelay: time.Minute}})
	}
	return m
}
