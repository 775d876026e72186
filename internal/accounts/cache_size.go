package accounts

// How many entries the caches hold, and how many bytes one takes at most, with its share of maps and lists. The test of
// MaxCacheBytes fills each cache with the longest entries and holds these bounds.
const (
	maxCachedSessions  = 1 << 14
	maxCounters        = 1 << 16 // attempts, in memory only where the throttle is not shared
	maxWorkCounters    = 1 << 14 // refreshes and right passwords
	cachedSessionBytes = 1536
	counterBytes       = 200
	maxPendingUses     = 4 * usesBatch // of sessions
	pendingUseBytes    = 1536
)

// MaxCacheBytes returns how much memory the caches of a Service take when they are full of the longest entries. A
// throttle in the database takes less: only refreshes and right passwords are counted in memory then.
func MaxCacheBytes(sharedThrottle bool) int {
	bytes := maxCachedSessions*cachedSessionBytes + maxPendingUses*pendingUseBytes + maxWorkCounters*counterBytes
	if !sharedThrottle {
		bytes += maxCounters * counterBytes
	}
	return bytes
}
