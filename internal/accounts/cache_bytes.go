package accounts

// Bytes of memory that one entry holds at worst, measured on 64 bits.
const (
	bytesPerSession = 1300 // with a user of the longest address and name
	bytesPerCount   = 176
	bytesPerAccount = 1600 // with 20 known networks
)

// MaxCacheBytes returns how many bytes of memory the caches of a Service hold at worst. When the database is not shared,
// the throttle counts in memory too.
func MaxCacheBytes(shared bool) int {
	bytes := defaultCachedSessions * bytesPerSession
	if !shared {
		bytes += (maxCounts+maxRefreshes)*bytesPerCount + maxAccounts*bytesPerAccount
	}
	return bytes
}
