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

// ThrottleLimits says how many attempts are free before the next one has to wait.
type ThrottleLimits struct {
	Account  int // sign-ins to one account from unknown devices; registrations of one address
	Pair     int // sign-ins to one account from one known device; reauthentications in one session
	Network  int // failed or running sign-ins from the unknown devices of one IPv4 address or IPv6 /64
	Register int // registrations from one network
	Refresh  int // forged refresh and one-time tokens from one network; refreshes of one session, uses of one link
	Mail     int // mails that one network asks for, and invitations of one administrator
	SignIn   int // right passwords of one account, on one instance
}

// DefaultThrottle returns the limits that hold when nothing is configured.
func DefaultThrottle() ThrottleLimits {
	return ThrottleLimits{Account: 5, Pair: 5, Network: 100, Register: 30, Refresh: 300, Mail: 30, SignIn: 300}
}

// The limits as GATEHOUSE_THROTTLE names them.
const (
	limitAccount  = "account"
	limitPair     = "pair"
	limitNetwork  = "network"
	limitRegister = "register"
	limitRefresh  = "refresh"
	limitMail     = "mail"
	limitSignIn   = "signin"
)

// ThrottleLimitNames returns the name of each limit.
func ThrottleLimitNames() []string {
	return []string{limitAccount, limitPair, limitNetwork, limitRegister, limitRefresh, limitMail, limitSignIn}
}

const (
	// The longest delay between two attempts, which is also how long one attempt counts. The first delay is a 32nd of
	// it: 30 s, 2 s and 62 ms.
	maxAccountDelay = 960 * time.Second
	maxNetworkDelay = 64 * time.Second
	maxSignInDelay  = 2 * time.Second
	doublings       = 5

	// One mailbox gets two mails of a kind, and more after 4, 9 and 17 minutes: five in any hour at most, from all
	// networks together.
	freeMails    = 2
	maxMailDelay = 136 * time.Minute

	// All known devices and sessions of an account together have as many free attempts as this many of them.
	knownPairs = 4
)

// ParseThrottle reads limits like "account=5,network=100": any subset, each a whole number from 1. The other limits
// have their defaults. "on" is all defaults; "off" returns nil.
func ParseThrottle(text string) (*ThrottleLimits, error) {
	limits := DefaultThrottle()
	named := map[string]*int{
		limitAccount: &limits.Account, limitPair: &limits.Pair, limitNetwork: &limits.Network,
		limitRegister: &limits.Register, limitRefresh: &limits.Refresh, limitMail: &limits.Mail,
		limitSignIn: &limits.SignIn,
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
			return nil, fmt.Errorf("%q is neither on, off nor a limit given once, name=number; "+
				"there are %s", part, strings.Join(ThrottleLimitNames(), ", "))
		}
		if n, _ = strconv.Atoi(value); n < 1 || n > 1e6 {
			return nil, fmt.Errorf("%s=%s: it must be a whole number from 1 to 1000000", name, value)
		}
		*field = n
		delete(named, name)
	}
	return &limits, nil
}

// ThrottleConfig configures the throttle.
type ThrottleConfig struct {
	Limits  ThrottleLimits // required
	Secrets *token.Secrets // required: make device tokens
	Key     []byte         // required: what the function CounterKey returns
	Shared  bool           // default false: counters in memory; true: in the database, for all instances
}

// count is the value of a counter: each attempt expires one maxDelay after the one before it.
type count struct{ at, until time.Time } // the newest attempt, and when all have expired

// next adds an attempt. Instances' clocks differ, so the newest attempt may have begun before.
func (c count) next(r backoff, now time.Time) count {
	return count{at: later(c.at, now), until: later(c.until, now).Add(r.maxDelay)}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// backoff is the delay after a number of attempts: none while they are free, then doubled up to maxDelay.
type backoff struct {
	free     int
	maxDelay time.Duration
}

// retryAt returns when the next attempt is allowed. chargeSQL has the same rule.
func (r backoff) retryAt(c count) time.Time {
	attempts := int((c.until.Sub(c.at) + r.maxDelay - 1) / r.maxDelay)
	if attempts < r.free {
		return time.Time{}
	}
	return c.at.Add(r.maxDelay >> max(0, doublings+r.free-attempts))
}

// limit is how many attempts of a kind are free.
type limit struct {
	name string // of ThrottleLimitNames; "" for what is not configured
	free int
}

// counter names a count and has its rule.
type counter struct {
	name  uuid.UUID
	limit string // whose rule it is
	backoff
}

// refusal says how long an attempt has to wait, and by which limit; the zero value lets it pass.
type refusal struct {
	wait  time.Duration
	limit string
}

// attempt is one attempt to prove a password, or to create an account. It is charged to its counters before the
// password is checked, so that parallel attempts cannot share one slot; a success is refunded.
type attempt struct {
	now       time.Time
	counters  []counter // rows are locked in this order
	successes []counter // what a right password is counted by
	known     bool      // by a known device or a live session
	by        []string  // who waits for a turn to write it
}

// counterStore stores counters.
type counterStore interface {
	// charge charges an attempt to all counters, or to none and returns the longest delay.
	charge(ctx context.Context, t *attempt) (refusal, error)
	// refund undoes charge; with reset it also clears the first counter's other attempts.
	refund(ctx context.Context, tx *transaction, t *attempt, reset bool) error
	// deleteExpired deletes some of the counters that have expired, and returns how many.
	deleteExpired(ctx context.Context, now time.Time) (int, error)
}

// longestDelay returns how long an attempt has to wait.
func longestDelay(counters []counter, now time.Time, counts func(uuid.UUID) count) (longest refusal) {
	for _, c := range counters {
		if wait := c.retryAt(counts(c.name)).Sub(now); wait > longest.wait {
			longest = refusal{wait, c.limit}
		}
	}
	return longest
}
