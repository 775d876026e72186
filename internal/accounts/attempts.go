package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// throttler makes throttler and has them counted. A nil one counts nothing, and its throttler are nil.
type throttler struct {
	counterStore
	limits       ThrottleLimits
	names        *token.KeyedHash
	refreshStore *memoryStore // a refresh token cannot be guessed: what is bounded is work, and that of this instance
}

func newThrottler(c Config) (*throttler, error) {
	if c.Throttle == nil {
		return nil, nil
	}
	names, err := token.NewKeyedHash(c.Throttle.Secret, "throttle")
	if err != nil {
		return nil, err
	}
	t := &throttler{limits: c.Throttle.Limits, names: names, refreshStore: newMemoryStore(maxRefreshCounters)}
	if t.counterStore = newMemoryStore(maxCounters); c.Throttle.Shared {
		t.counterStore = sqlStore{c.Client}
	}
	return t, nil
}

// login is a try to sign in to the account of an address, whether there is one or not.
func (t *throttler) login(address string, from viewer.Origin, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	network := networkOf(from)
	return t.attachNetwork(address, network, &attempt{
		now:     now,
		unknown: [2]counter{t.account(t.limits.Account, "account", address), t.network(t.limits.Network, "network", network)},
		known:   [2]counter{t.account(t.limits.Pair, "pair", address, network), t.network(t.limits.Network, "familiar", network)},
	})
}

// register is a try to make an account.
func (t *throttler) register(address string, from viewer.Origin, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	network := networkOf(from)
	both := [2]counter{t.account(t.limits.Account, "register", address), t.network(t.limits.Register, "registers", network)}
	return t.attachNetwork(address, network, &attempt{now: now, unknown: both, known: both})
}

// proof is a try to prove a caller's password again. Who stole a token can hold up its session, and no other.
func (t *throttler) proof(v *viewer.Viewer, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	both := [2]counter{t.account(t.limits.Pair, "session", v.SessionID.String()), t.network(t.limits.Network, "familiar", networkOf(v.Origin))}
	return &attempt{now: now, unknown: both, known: both}
}

// refresh counts a use of a refresh token: one that was made here by its session, where it holds nobody else up, and
// any other by its network. Neither costs a statement. Problem: RATE_LIMITED.
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

// attachNetwork says which network a success makes known for which account. One that has no name is known for none.
func (t *throttler) attachNetwork(address, network string, made *attempt) *attempt {
	if network != "" {
		made.account, made.network = t.names.ID("known", address), t.names.ID("known", address, network)
	}
	return made
}

func (t *throttler) account(free int, parts ...string) counter {
	return counter{t.names.ID(parts...), backoff{free, maxAccountDelay}}
}

func (t *throttler) network(free int, parts ...string) counter {
	return counter{t.names.ID(parts...), backoff{free, maxNetworkDelay}}
}

// networkOf names the network that an address is in: itself, or for IPv6 the /64 of which its owner has every address.
// It is "" for one that is not known.
func networkOf(from viewer.Origin) string {
	ip := from.IP.Unmap().WithZone("")
	if !ip.IsValid() {
		return ""
	}
	return netip.PrefixFrom(ip, min(ip.BitLen(), 64)).Masked().String()
}

// charge counts a try. Problem: RATE_LIMITED, which says the same whoever is asked for and whatever the password is.
func (s *Service) charge(ctx context.Context, t *attempt) error {
	if t == nil {
		return nil
	}
	wait, err := s.throttle.charge(ctx, t)
	if err != nil {
		return fmt.Errorf("count a try: %w", err)
	}
	return tooMany(wait)
}

func tooMany(wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	return problem.RetryAfter(problem.RateLimited, "Too many tries; wait as long as retryAfter says.", wait)
}

// refundSucceeded ends a try whose password was right, in the transaction that says so: it counts no more, nor do the failed
// ones from a network that is known. The counts of others stay as they are, so that an attacker's own account buys no
// fresh tries against theirs.
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
	return s.throttle.rememberNetwork(ctx, tx, t)
}

// refundUnverified takes a try back when there was no turn to hash its password: a flood of others must not hold up an owner
// who tries again. It returns the error that it was given.
func (s *Service) refundUnverified(ctx context.Context, t *attempt, err error) error {
	if t == nil || !errors.Is(err, password.ErrBusy) {
		return err
	}
	failed := s.inTx(ctx, func(ctx context.Context, tx *transaction) error { return s.throttle.refund(ctx, tx, t, false) })
	if failed != nil {
		s.config.Log.WarnContext(ctx, "a try that was not verified stays counted", "error", failed)
	}
	return err
}

// DeleteExpiredAttempts deletes counts of tries that no longer matter. Call it now and then.
func (s *Service) DeleteExpiredAttempts(ctx context.Context) error {
	if s.throttle == nil {
		return nil
	}
	return s.throttle.deleteExpired(ctx, s.now())
}
