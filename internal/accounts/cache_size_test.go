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
		{"sessions of short accounts", defaultSessionCacheBytes, func() any { return fullSessionCache(1, 1) }},
		{"sessions of long accounts", defaultSessionCacheBytes, func() any { return fullSessionCache(maxAddressLen, maxNameLen) }},
		{"uses", maxPendingUses * pendingUseBytes, fullUses},
		{"counters", maxCounters * counterBytes, func() any { return fullCounters(maxCounters) }},
		{"refreshes", maxWorkCounters * counterBytes, func() any { return fullCounters(maxWorkCounters) }},
	} {
		before := liveBytes()
		full := c.fill()
		used := liveBytes() - before
		t.Logf("%s: %d bytes of %d", c.name, used, c.bound)
		if used > c.bound*101/100 { // what else lives in the process comes and goes
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

// fullSessionCache has as many sessions as fit: of users with an address and a name of these lengths, in turn of two
// sessions and of one.
func fullSessionCache(address, name int) any {
	c := newSessionCache(SessionCacheConfig{})
	c.trustedUntil = time.Now().Add(time.Hour)
	for before := -1; c.sessions.Len() > before; {
		before = c.sessions.Len()
		for range 1000 {
			user, now := uuid.New(), momentOf(time.Now())
			for range 1 + before%2 {
				c.addSession(0, cachedSession{id: uuid.New(), userID: user, endsAt: now, lastUsed: now,
					roles: append([]string(nil), strings.Clone("ADMIN"), strings.Clone("USER"))})
			}
			text := strings.Repeat("🔑", name)
			c.addAccount(0, User{ID: user, Email: strings.Repeat("a", address), Name: &text, Status: UserStatus(strings.Clone("ACTIVE")),
				Roles: []Role{Role(strings.Clone("ADMIN")), Role(strings.Clone("USER"))}})
		}
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
	m := newGuessStore(n)
	for range n { // in each of its three queues
		m.count(time.Now(), counter{uuid.New(), limitNetwork, backoff{free: 5, maxDelay: maxNetworkDelay}},
			counter{uuid.New(), limitAccount, backoff{free: 5, maxDelay: maxAccountDelay}},
			counter{uuid.New(), limitMail, backoff{free: 5, maxDelay: maxMailDelay}})
	}
	return m
}
