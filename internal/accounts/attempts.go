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
	devices      *token.DeviceTokens
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
	devices, err := token.NewDeviceTokens(c.Throttle.Secret)
	if err != nil {
		return nil, err
	}
	t := &throttler{
		limits: c.Throttle.Limits, names: names, devices: devices, refreshStore: newMemoryStore(maxRefreshCounters),
	}
	if t.counterStore = newMemoryStore(maxCounters); c.Throttle.Shared {
		t.counterStore = sqlStore{c.Client}
	}
	return t, nil
}

// loginAttempt is an attempt to sign in to the account of an address, whether there is one or not.
func (s *Service) loginAttempt(ctx context.Context, address string, from viewer.Origin, now time.Time) (*attempt, error) {
	t := s.throttle
	if t == nil {
		return nil, nil
	}
	device, err := s.knownDevice(ctx, address, from.Device, now)
	if err != nil {
		return nil, err
	}
	if device != uuid.Nil {
		return t.known(address, "device", device, now), nil
	}
	return &attempt{now: now, counters: [2]counter{
		t.account(t.limits.Account, "account", address), t.network(t.limits.Network, "network", networkOf(from)),
	}}, nil
}

// register is an attempt to create an account.
func (t *throttler) register(address string, from viewer.Origin, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	return &attempt{now: now, counters: [2]counter{
		t.account(t.limits.Account, "register", address), t.network(t.limits.Register, "registers", networkOf(from)),
	}}
}

// proof is an attempt to prove a caller's password again. With a stolen access token one can slow down its session,
// and no other.
func (t *throttler) proof(address string, session uuid.UUID, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	return t.known(address, "session", session, now)
}

// known is an attempt by a known device or a live session of the account of an address. Its network does not count,
// so that no neighbour holds it up.
func (t *throttler) known(address, kind string, id uuid.UUID, now time.Time) *attempt {
	return &attempt{now: now, known: true, counters: [2]counter{
		t.account(t.limits.Pair, kind, id.String()), t.account(knownPairs*t.limits.Pair, "known", address),
	}}
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

// refundSucceeded refunds an attempt whose password was right, in the transaction of the sign-in. It also resets the
// failed attempts of a known device or session. Other counters stay as they are: an attacker's own account buys no
// attempts against others.
func (s *Service) refundSucceeded(ctx context.Context, tx *transaction, t *attempt) error {
	if t == nil {
		return nil
	}
	return s.throttle.refund(ctx, tx, t, t.known)
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
