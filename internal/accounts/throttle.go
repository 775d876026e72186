package accounts

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/token"
)

// ThrottleLimits says how many tries are free before the next has to wait.
type ThrottleLimits struct {
	Account  int // sign-ins to one account from networks that are not known for it; registrations of one address
	Pair     int // sign-ins to one account from one network that is known for it; proofs of the password in one session
	Network  int // sign-ins from one network that failed or are under way; those of known networks are counted apart
	Register int // registrations from one network
	Refresh  int // forged refresh tokens from one network; refreshes of one session
}

// DefaultThrottle returns the limits that hold when nothing is configured.
func DefaultThrottle() ThrottleLimits {
	return ThrottleLimits{Account: 5, Pair: 5, Network: 100, Register: 30, Refresh: 300}
}

const (
	// The longest wait between two tries, and how long one try counts. The first wait is a 32nd of it: 30 s, 2 s.
	maxAccountDelay = 960 * time.Second
	maxNetworkDelay = 64 * time.Second
	doublings       = 5

	// A network stays known for an account for so long after a sign-in, and of one account so many do.
	networkTTL        = 90 * 24 * time.Hour
	maxNetworks       = 20
	networkRenewAfter = 24 * time.Hour // how old the record may get before a sign-in renews it
)

// ParseThrottle reads limits like "account=5,network=100": any subset, each a whole number above zero. "on" stands for
// the defaults, which also fill in what is not given; "off" for no throttle, which is nil.
func ParseThrottle(text string) (*ThrottleLimits, error) {
	limits := DefaultThrottle()
	named := map[string]*int{
		"account": &limits.Account, "pair": &limits.Pair, "network": &limits.Network, "register": &limits.Register, "refresh": &limits.Refresh,
	}
	switch text {
	case "on":
		return &limits, nil
	case "off":
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		field, n := named[name], 0
		if field == nil {
			return nil, fmt.Errorf("%q is neither on, off nor a limit given once, name=number; there are account, pair, network, register, refresh", part)
		}
		if n, _ = strconv.Atoi(value); n < 1 || n > 1e6 {
			return nil, fmt.Errorf("%s=%s: it must be a whole number from 1 to 1000000", name, value)
		}
		*field = n
		delete(named, name)
	}
	return &limits, nil
}

// ThrottleConfig is what the throttle is made of.
type ThrottleConfig struct {
	Limits ThrottleLimits // required
	Secret *token.Secret  // required: keys the names under which is counted
	Shared bool           // default false, in memory; true counts in the database, for all instances on it together
}

// count is what is kept of the tries under one name: each is forgotten one longest wait after the one before it.
type count struct{ at, until time.Time } // the newest try, and when all are forgotten

// next is the count with one try more. Instances' clocks differ, so the newest try may be one that began before.
func (c count) next(r backoff, now time.Time) count {
	return count{at: later(c.at, now), until: later(c.until, now).Add(r.maxDelay)}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// backoff turns a count into a wait.
type backoff struct {
	free     int
	maxDelay time.Duration
}

// retryAt returns from when the next try is let through. databaseLedger says the same in SQL.
func (r backoff) retryAt(c count) time.Time {
	tries := int((c.until.Sub(c.at) + r.maxDelay - 1) / r.maxDelay)
	if tries < r.free {
		return time.Time{}
	}
	return c.at.Add(r.maxDelay >> max(0, doublings+r.free-tries))
}

// counter is a name and its rule.
type counter struct {
	name uuid.UUID
	backoff
}

// attempt is one attempt to sign in, or to make an account. It is counted before anything is compared, by who is meant and by
// where it comes from, so that tries at the same moment cannot pass together; what did succeed is taken back.
type attempt struct {
	now     time.Time
	unknown [2]counter // who and where, in this order: locks are taken in it
	known   [2]counter // the same, when the network is known for the account
	account uuid.UUID  // whose known networks count
	network uuid.UUID  // this network as one of them; uuid.Nil when none is meant

	charged    [2]counter // those of the two that count
	knownUntil time.Time  // how long the network stays known; zero when it is not
}

// counterStore keeps counts, and which networks are known for which account.
type counterStore interface {
	// charge counts a try under both names, or under none: then it returns how long both say to wait.
	charge(ctx context.Context, t *attempt) (time.Duration, error)
	// refund makes a try not have been; with reset, neither have been those before it for whom it was.
	refund(ctx context.Context, tx *transaction, t *attempt, reset bool) error
	// rememberNetwork makes the network known for the account.
	rememberNetwork(ctx context.Context, tx *transaction, t *attempt) error
	// deleteExpired forgets what no longer matters.
	deleteExpired(ctx context.Context, now time.Time) error
}

// delay decides by which names a try is counted, and how long it has to wait.
func (t *attempt) delay(known time.Time, counts func(uuid.UUID) count) (wait time.Duration) {
	t.charged, t.knownUntil = t.unknown, time.Time{}
	if known.After(t.now) {
		t.charged, t.knownUntil = t.known, known
	}
	for _, c := range t.charged {
		wait = max(wait, c.retryAt(counts(c.name)).Sub(t.now))
	}
	return wait
}

// renewsNetwork reports whether the success of a try is to be remembered.
func (t *attempt) renewsNetwork() bool {
	return t.network != uuid.Nil && t.knownUntil.Sub(t.now) < networkTTL-networkRenewAfter
}
