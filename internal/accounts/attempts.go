package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// throttler charges attempts to counters. A nil one charges nothing, and its attempts are nil.
type throttler struct {
	counterStore
	limits       ThrottleLimits
	names        *token.KeyedHash
	networks     knownNetworks
	refreshStore *memoryStore // refresh tokens cannot be guessed: this bounds the work of one instance
}

func newThrottler(c Config) (*throttler, error) {
	if c.Throttle == nil {
		return nil, nil
	}
	names, err := token.NewKeyedHash(c.Throttle.Secret, "throttle")
	if err != nil {
		return nil, err
	}
	networks := knownNetworks{c.Client}
	t := &throttler{
		limits: c.Throttle.Limits, names: names, networks: networks,
		refreshStore: newMemoryStore(maxRefreshCounters, networks),
	}
	if t.counterStore = newMemoryStore(maxCounters, networks); c.Throttle.Shared {
		t.counterStore = sqlStore{c.Client}
	}
	return t, nil
}

// login is an attempt to sign in to the account of an address, whether there is one or not.
func (t *throttler) login(address string, from viewer.Origin, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	network := networkOf(from)
	return t.attachNetwork(address, network, &attempt{
		now: now,
		unknown: [2]counter{t.account(t.limits.Account, "account", address),
			t.network(t.limits.Network, "network", network)},
		known: [2]counter{t.account(t.limits.Pair, "pair", address, network),
			t.network(t.limits.Network, "familiar", network)},
	})
}

// register is an attempt to create an account.
func (t *throttler) register(address string, from viewer.Origin, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	network := networkOf(from)
	both := [2]counter{t.account(t.limits.Account, "register", address),
		t.network(t.limits.Register, "registers", network)}
	return t.attachNetwork(address, network, &attempt{now: now, unknown: both, known: both})
}

// proof is an attempt to prove a caller's password again. With a stolen access token one can slow down its session,
// and no other.
func (t *throttler) proof(v *viewer.Viewer, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	both := [2]counter{t.account(t.limits.Pair, "session", v.SessionID.String()),
		t.network(t.limits.Network, "familiar", networkOf(v.Origin))}
	return &attempt{now: now, unknown: both, known: both}
}

// refresh charges a use of a refresh token: to its session when this service issued it, so that it slows down no
// other, and otherwise to its network. Neither costs a statement. Problem: RATE_LIMITED.
func (t *throttler) refresh(r token.Refresh, forged error, from viewer.Origin, now time.Time) error {
	if t == nil {
		return nil
	}
	c := t.network(t.limits.Refresh, "refreshes of", r.Session.String())
	if forged != nil {
		c = t.network(t.limits.Refresh, "forgeries", networkOf(from))
	}
	return tooMany(t.refreshStore.count(now, c))
}

// attachNetwork adds the network that becomes known for the account when the attempt succeeds. An unknown address has
// none.
func (t *throttler) attachNetwork(address, network string, made *attempt) *attempt {
	if network != "" {
		made.account, made.network = t.networksOf(address), t.names.ID("known", address, network)
	}
	return made
}

// networksOf names the known networks of the account of an address.
func (t *throttler) networksOf(address string) uuid.UUID { return t.names.ID("known", address) }

func (t *throttler) account(free int, parts ...string) counter {
	return counter{t.names.ID(parts...), backoff{free, maxAccountDelay}}
}

func (t *throttler) network(free int, parts ...string) counter {
	return counter{t.names.ID(parts...), backoff{free, maxNetworkDelay}}
}

// networkOf names the network of an address: itself, or for IPv6 its /64, of which one customer has every address. It
// is "" when the address is unknown.
func networkOf(from viewer.Origin) string {
	ip := from.IP.Unmap().WithZone("")
	if !ip.IsValid() {
		return ""
	}
	return netip.PrefixFrom(ip, min(ip.BitLen(), 64)).Masked().String()
}

// charge charges an attempt before the password is checked. Problem: RATE_LIMITED, with the same answer for every
// account and password.
func (s *Service) charge(ctx context.Context, t *attempt) error {
	if t == nil {
		return nil
	}
	wait, err := s.throttle.charge(ctx, t)
	if err != nil {
		return fmt.Errorf("charging an attempt: %w", err)
	}
	return tooMany(wait)
}

func tooMany(wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	return problem.RetryAfter(problem.RateLimited, "Too many attempts; wait as long as retryAfter says.", wait)
}

// refundSucceeded refunds an attempt whose password was right, in the transaction of the sign-in. From a known network
// it also resets the account's failed attempts. Other counters stay as they are: an attacker's own account buys no
// attempts against others.
func (s *Service) refundSucceeded(ctx context.Context, tx *transaction, t *attempt) error {
	if t == nil {
		return nil
	}
	return s.throttle.refund(ctx, tx, t, t.charged == t.known)
}

// rememberNetwork makes the network of a sign-in known for its account.
func (s *Service) rememberNetwork(ctx context.Context, tx *transaction, t *attempt) error {
	if t == nil || !t.renewsNetwork() {
		return nil
	}
	return s.throttle.networks.remember(ctx, tx, t)
}

// refundUnverified refunds an attempt that got no slot to hash its password: a flood must not slow down an owner who
// tries again. It returns the error that it was given.
func (s *Service) refundUnverified(ctx context.Context, t *attempt, err error) error {
	if t == nil || !errors.Is(err, password.ErrBusy) {
		return err
	}
	failed := s.inTx(ctx, func(ctx context.Context, tx *transaction) error {
		return s.throttle.refund(ctx, tx, t, false)
	})
	if failed != nil {
		s.config.Log.WarnContext(ctx, "refunding an attempt that was not verified failed", "error", failed)
	}
	return err
}

// DeleteExpiredAttempts deletes expired counters. Call it periodically.
func (s *Service) DeleteExpiredAttempts(ctx context.Context) error {
	if s.throttle == nil {
		return nil
	}
	return s.throttle.deleteExpired(ctx, s.now())
}
