package accounts

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// lastUsedInterval is how old the last use that is kept of a session may become before a request writes it anew: a session
	// that is read from costs one read and one write a minute, whatever it asks.
	lastUsedInterval = time.Minute
	// maxStaleness is how long the view is trusted after it was last known to be complete. With answers that are under way, an
	// ended session is accepted for a second at most, whatever happens to the link between the instances.
	maxStaleness = 800 * time.Millisecond
	// idleAfter is how long the view is kept complete for nobody.
	idleAfter = 10 * time.Second
)

// SessionCacheConfig says how much a service remembers of who may act, and whether somebody else may change it.
type SessionCacheConfig struct {
	Sessions int  // default 16384: how many sessions are remembered; those asked longest ago go first
	Shared   bool // other instances use the database: trust the view only while SyncedUntil is called
}

// sessionCache is the bounded memory of live sessions and their users, which saves most requests their reads. It holds nothing
// that is not in the database, and forgets a user when anything about them changes: at once what this instance changes,
// and what others do when they tell. Nothing that writes may use it.
//
// A service whose database is a file has no other instances, but commands in other processes; so it trusts for a lease
// what it read.
type sessionCache struct {
	shared bool

	mu           sync.Mutex
	sessions     *simplelru.LRU[uuid.UUID, cachedSession]
	users        map[uuid.UUID]*cachedUser // whose sessions are remembered
	version      uint64                    // how often something was forgotten
	trustedUntil time.Time                 // until when the view is trusted, on both clocks
	lastLookup   time.Time                 // when it was last asked, on the same clock
	syncedAt     time.Time                 // since when everything has been heard that was committed before
	stats        SessionCacheStats
}

// SessionCacheStats says how much of the view is used, and whether it can be.
type SessionCacheStats struct {
	Hits, Misses uint64        // since the start
	Sessions     int           // that are remembered
	Synced       bool          // with the other instances; true while nobody asks, when no news is looked for
	Lag          time.Duration // how old the newest news is; 0 while nobody asks
}

// cachedSession is one session as a request needs it.
type cachedSession struct {
	userID   uuid.UUID
	roles    []string
	endsAt   time.Time // by itself, when nobody ends it before
	lastUsed time.Time // as the database has it
	readAt   time.Time // on both clocks
}

// cachedUser is a user whose sessions are remembered, and perhaps their account.
type cachedUser struct {
	sessions map[uuid.UUID]struct{}
	account  *User     // nil: not asked for yet
	readAt   time.Time // of the account, on both clocks
}

func newSessionCache(c SessionCacheConfig) (*sessionCache, error) {
	if c.Sessions == 0 {
		c.Sessions = maxCachedSessions
	}
	v := &sessionCache{shared: c.Shared, users: map[uuid.UUID]*cachedUser{}}
	var err error
	if v.sessions, err = simplelru.NewLRU(c.Sessions, v.evicted); err != nil {
		return nil, fmt.Errorf("accounts: the view of %d sessions: %w", c.Sessions, err)
	}
	return v, nil
}

// session returns a session that may act now, if the view knows one.
func (v *sessionCache) session(session, user uuid.UUID, now time.Time) (cachedSession, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lastLookup = time.Now()
	s, known := v.sessions.Get(session)
	if !known || !v.trusted(s.readAt) || s.userID != user || !now.Before(s.endsAt) || now.Sub(s.lastUsed) >= lastUsedInterval {
		v.stats.Misses++
		return cachedSession{}, false
	}
	v.stats.Hits++
	return s, true
}

// trusted reports whether what was read then is what would be read now, but for what was heard meanwhile.
func (v *sessionCache) trusted(readAt time.Time) bool {
	if v.shared {
		return age(v.trustedUntil) < 0
	}
	return age(readAt) < maxStaleness
}

// age returns how long ago a moment was, by the clock that says longer. The monotonic clock goes on while the process is
// stopped, but not while the machine is suspended: then the wall clock does, or is set right afterwards. A wall clock
// that is set back says less, and the monotonic one decides.
func age(moment time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(moment), now.Round(0).Sub(moment.Round(0)))
}

// versionNow is taken before a session is read, and given to keep.
func (v *sessionCache) versionNow() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.version
}

// addSession remembers what was read since the ticket was taken, unless something was forgotten meanwhile: what was read may
// be just that. While the view is not complete, what others revoke would not be heard, so nothing is kept.
func (v *sessionCache) addSession(ticket uint64, session uuid.UUID, s cachedSession) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if ticket != v.version || !v.trusted(s.readAt) {
		return
	}
	v.sessions.Add(session, s)
	if v.users[s.userID] == nil {
		v.users[s.userID] = &cachedUser{sessions: map[uuid.UUID]struct{}{}}
	}
	v.users[s.userID].sessions[session] = struct{}{}
}

// account returns a copy of a user's account, if the view knows it.
func (v *sessionCache) account(user uuid.UUID) (*User, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known := v.users[user]
	if known == nil || known.account == nil || !v.trusted(known.readAt) {
		return nil, false
	}
	account := *known.account
	return &account, true
}

// addAccount remembers an account as keep does a session, if a session of it is remembered.
func (v *sessionCache) addAccount(ticket uint64, account User, readAt time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known := v.users[account.ID]; known != nil && ticket == v.version && v.trusted(readAt) {
		known.account, known.readAt = &account, readAt
	}
}

// evicted is called under the lock for each session that leaves the memory.
func (v *sessionCache) evicted(session uuid.UUID, s cachedSession) {
	known := v.users[s.userID]
	delete(known.sessions, session)
	if len(known.sessions) == 0 {
		delete(v.users, s.userID)
	}
}

// invalidate forgets a user: all sessions, and the account.
func (v *sessionCache) invalidate(user uuid.UUID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.version++
	if known := v.users[user]; known != nil {
		for session := range known.sessions {
			v.sessions.Remove(session)
		}
	}
}

// invalidateAll forgets everything, and trusts nothing until the view is complete again.
func (v *sessionCache) invalidateAll() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.version++
	v.trustedUntil = time.Time{}
	v.sessions.Purge()
}

// SyncedUntil says that everything that any instance committed before a moment has been heard. From that moment on the view
// is trusted for a lease.
func (s *Service) SyncedUntil(since time.Time) {
	if !s.config.SessionCache.Shared {
		s.PublishPending(context.Background())
	}
	s.cache.syncedUntil(since)
	s.subscribers.send(Notice{Complete: since})
}

func (v *sessionCache) syncedUntil(since time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.trustedUntil.IsZero() {
		v.version++ // what is being read now may miss what nobody heard
	}
	v.trustedUntil, v.syncedAt = since.Add(maxStaleness), since
}

// SyncLost says that something may not have been heard: nothing that is remembered holds, and subscribers must begin
// anew.
func (s *Service) SyncLost() {
	s.cache.invalidateAll()
	s.subscribers.dropAll()
}

// SyncNeeded reports whether SyncedUntil is worth its cost: somebody asked the view a moment ago, or subscribes.
func (s *Service) SyncNeeded() bool {
	return s.subscribers.any() || s.cache.lookedUpSince(time.Now().Add(-idleAfter))
}

func (v *sessionCache) lookedUpSince(moment time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lastLookup.After(moment)
}

func (v *sessionCache) snapshot(wanted bool) SessionCacheStats {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.stats
	n.Sessions, n.Synced = v.sessions.Len(), !wanted || !v.trustedUntil.IsZero()
	if wanted && !v.syncedAt.IsZero() {
		n.Lag = time.Since(v.syncedAt)
	}
	return n
}
