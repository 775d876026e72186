package accounts

import "unsafe"

// How many entries the caches hold, and how many bytes one takes at most, with its share of maps and lists. The test of
// MaxCacheBytes fills each cache with the longest entries and holds these bounds.
const (
	defaultSessionCacheBytes = 24 << 20

	maxCounters     = 1 << 16 // attempts, in memory only where the throttle is not shared
	maxWorkCounters = 1 << 14 // refreshes and right passwords
	maxJunkCounters = 1 << 13 // forged refresh tokens and impossible passwords
	counterBytes    = 200
	maxPendingUses  = 4 * usesBatch // of sessions
	pendingUseBytes = 1536

	maxRefusalCounters  = 1 << 12 // networks whose refused attempts are recorded
	maxPendingRefusals  = 500
	pendingRefusalBytes = 2048

	// mapEntryBytes is a uuid and a pointer in a map that has just grown: it is half empty.
	mapEntryBytes = 56
	// sliceBytes bounds what a short text or list takes beyond its bytes.
	sliceBytes = 16
)

// size is how much a session holds, with its place in the map of users.
func (s *cachedSession) size() int {
	bytes := int(unsafe.Sizeof(*s)) + 2*mapEntryBytes
	if s.token != nil {
		bytes += s.token.size()
	}
	if len(s.roles) == 1 && &s.roles[0] == &justUser[0] {
		return bytes
	}
	for _, role := range s.roles {
		bytes += sliceBytes + sliceBytes + len(role)
	}
	return bytes
}

// accountSize is how much a cached account holds.
func accountSize(u *User) int {
	bytes := int(unsafe.Sizeof(*u)) + mapEntryBytes + sliceBytes + len(u.Email) + sliceBytes + len(u.Status)
	for _, role := range u.Roles {
		bytes += sliceBytes + sliceBytes + len(role)
	}
	for _, text := range []*string{u.PendingEmail, u.Name, u.Locale} {
		if text != nil {
			bytes += 2*sliceBytes + len(*text)
		}
	}
	return bytes
}

// MaxCacheBytes returns how much memory the caches of a Service take when they are full of the longest entries, without
// those of SessionCacheConfig. A throttle in the database takes less: what guesses nothing is counted in memory even
// then.
func MaxCacheBytes(sharedThrottle bool) int {
	bytes := maxPendingUses*pendingUseBytes + (maxWorkCounters+maxJunkCounters+maxRefusalCounters)*counterBytes +
		maxPendingRefusals*pendingRefusalBytes
	if !sharedThrottle {
		bytes += maxCounters * counterBytes
	}
	return bytes
}
