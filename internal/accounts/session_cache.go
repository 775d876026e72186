package accounts

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/bytecache"
	"github.com/gatehouse/gatehouse/internal/token"
)

const (
	// lastUsedInterval limits how often a session's last_used_at is written: at most once a minute.
	lastUsedInterval = time.Minute
	// maxStaleness is how long the cache is trusted after the last synchronization. With answers that are under way, a
	// revoked session is accepted for a second at most, whatever happens to the connection to Postgres.
	maxStaleness = 800 * time.Millisecond
	// idleAfter is when the cache stops syncing after the last lookup.
	idleAfter = 10 * time.Second
)

// SessionCacheConfig configures the cache of sessions and their users.
type SessionCacheConfig struct {
	Bytes int // default 24 MiB: two thirds are for sessions, the rest for accounts
}

// sessionCache caches active sessions and their users, which saves most requests their reads. A user is invalidated
// when anything about them changes: immediately by this instance, and by the log of changes when another instance or
// another process did it. Writes never use it.
//
// It is valid as a whole, or not at all: one read of the log proves all entries fresh.
type sessionCache struct {
	mu           sync.Mutex
	sessions     *bytecache.Cache[uuid.UUID, *cachedSession]
	users        map[uuid.UUID]*cachedSession       // a cached session of each
	accounts     *bytecache.Cache[uuid.UUID, *User] // of users with cached sessions
	version      uint64                             // changes with each invalidation
	trustedUntil time.Time                          // wall and monotonic clock
	lastLookup   time.Time                          // the same
	syncedAt     time.Time                          // everything committed before is known
	stats        SessionCacheStats
}

// SessionCacheStats says how much the cache is used, and whether it can be.
type SessionCacheStats struct {
	Hits, Misses uint64        // since the start
	Sessions     int           // that are cached
	Synced       bool          // with the log of changes; true while idle
	Lag          time.Duration // since the last synchronization; 0 while idle
}

// cachedSession is one session, or one personal access token, as a request needs it.
type cachedSession struct {
	id, userID      uuid.UUID
	roles           []string
	authenticatedAt moment
	endsAt          moment // unless it is revoked before
	lastUsed        moment // as stored
	amr             token.AMR
	token           *cachedToken // of a personal access token, whose id is its CacheKey; nil: a session

	another *cachedSession // of the same user
}

// moment is a time in microseconds, as the databases have it: a third of a time.Time.
type moment int64

func momentOf(t time.Time) moment { return moment(t.UnixMicro()) }

func (m moment) time() time.Time { return time.UnixMicro(int64(m)).UTC() }

func newSessionCache(c SessionCacheConfig) *sessionCache {
	if c.Bytes == 0 {
		c.Bytes = defaultSessionCacheBytes
	}
	v := &sessionCache{users: map[uuid.UUID]*cachedSession{}}
	forSessions := c.Bytes / 3 * 2
	v.sessions = bytecache.New(bytecache.Config[uuid.UUID, *cachedSession]{
		Bytes: forSessions, Size: (*cachedSession).size, Removed: v.removed,
	})
	v.accounts = bytecache.New(bytecache.Config[uuid.UUID, *User]{Bytes: c.Bytes - forSessions, Size: accountSize})
	return v
}

// useIsDue reports whether the use of a session is worth a write.
func (s cachedSession) useIsDue(now time.Time) bool {
	return now.Sub(s.lastUsed.time()) >= lastUsedInterval
}

// session returns a cached session that may be used now. If its use is due, the caller notes it.
func (c *sessionCache) session(session, user uuid.UUID, now time.Time) (found cachedSession, ok bool) {
	return c.find(session, now, func(s *cachedSession) bool { return s.token == nil && s.userID == user })
}

// accessToken returns a cached personal access token that may be used now, by its CacheKey, as session does a session.
func (c *sessionCache) accessToken(key uuid.UUID, now time.Time) (found cachedSession, ok bool) {
	return c.find(key, now, func(s *cachedSession) bool { return s.token != nil })
}

func (c *sessionCache) find(
	id uuid.UUID, now time.Time, wanted func(*cachedSession) bool,
) (found cachedSession, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastLookup = time.Now()
	s, ok := c.sessions.Get(id)
	if !ok || !c.trusted() || !wanted(s) || momentOf(now) >= s.endsAt {
		c.stats.Misses++
		return cachedSession{}, false
	}
	c.stats.Hits++
	found = *s
	if found.useIsDue(now) {
		s.lastUsed = momentOf(now)
	}
	return found, true
}

// trusted reports whether entries that were not invalidated are valid.
func (c *sessionCache) trusted() bool { return age(c.trustedUntil) < 0 }

// age returns how long ago a moment was, by the clock that says longer. The monotonic clock goes on while the process
// is stopped, but not while the machine is suspended: then the wall clock does, or is set right afterwards. A wall
// clock that is set back says less, and the monotonic one decides.
func age(moment time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(moment), now.Round(0).Sub(moment.Round(0)))
}

// versionNow is called before a database read, whose result addSession and addAccount take with that version.
func (c *sessionCache) versionNow() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// addSession caches a session that was read at a version, unless something was invalidated meanwhile: that may be this
// session. While the cache is out of sync nothing is added: a revocation may have been missed.
func (c *sessionCache) addSession(version uint64, s cachedSession) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if version == c.version && c.trusted() && c.sessions.Add(s.id, &s) {
		s.another = c.users[s.userID]
		c.users[s.userID] = &s
	}
}

// account returns a copy of a cached account.
func (c *sessionCache) account(user uuid.UUID) (*User, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.accounts.Get(user)
	if !ok || !c.trusted() {
		return nil, false
	}
	account := *known
	return &account, true
}

// addAccount caches an account as addSession does a session, if one of its sessions is cached.
func (c *sessionCache) addAccount(version uint64, account User) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users[account.ID] != nil && version == c.version && c.trusted() {
		c.accounts.Add(account.ID, &account)
	}
}

// removed is called under the lock for each session that leaves the cache.
func (c *sessionCache) removed(s *cachedSession) {
	first := c.users[s.userID]
	switch {
	case first != s:
		for first.another != s {
			first = first.another
		}
		first.another = s.another
	case s.another != nil:
		c.users[s.userID] = s.another
	default:
		delete(c.users, s.userID)
		c.accounts.Remove(s.userID)
	}
}

// invalidate removes a user: all sessions, and the account.
func (c *sessionCache) invalidate(user uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	for s := c.users[user]; s != nil; s = s.another {
		c.sessions.Remove(s.id)
	}
}

// clear is called under the lock.
func (c *sessionCache) clear() {
	c.version++
	c.sessions.Clear()
	c.accounts.Clear()
	c.users = map[uuid.UUID]*cachedSession{}
}

// removeAll removes every user.
func (c *sessionCache) removeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
}

// distrust empties the cache, which is not trusted until it is in sync again.
func (c *sessionCache) distrust() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	c.trustedUntil = time.Time{}
}

// SyncedUntil reports that this instance knows everything that was committed before a moment. The session cache is
// trusted for maxStaleness from then on.
func (s *Service) SyncedUntil(since time.Time) {
	s.cache.syncedUntil(since)
	s.subscribers.complete(since)
}

func (c *sessionCache) syncedUntil(since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trustedUntil.IsZero() {
		c.version++ // a read under way may miss what was committed while out of sync
	}
	c.trustedUntil, c.syncedAt = since.Add(maxStaleness), since
}

// SyncLost reports that changes may have been missed: it empties the session cache, and subscribers must start
// again.
func (s *Service) SyncLost() {
	s.cache.distrust()
	s.subscribers.dropAll()
}

// SyncNeeded reports whether SyncedUntil is worth its cost: the cache was used in the last seconds, or there is a
// subscriber.
func (s *Service) SyncNeeded() bool {
	return s.subscribers.any() || s.cache.lookedUpSince(time.Now().Add(-idleAfter))
}

func (c *sessionCache) lookedUpSince(moment time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastLookup.After(moment)
}

func (c *sessionCache) snapshot(wanted bool) SessionCacheStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.stats
	n.Sessions, n.Synced = c.sessions.Len(), !wanted || !c.trustedUntil.IsZero()
	if wanted && !c.syncedAt.IsZero() {
		n.Lag = time.Since(c.syncedAt)
	}
	return n
}
