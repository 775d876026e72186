package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/throttle"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// throttler charges attempts to counters. A nil one charges nothing, and its attempts are nil.
type throttler struct {
	counterStore
	limits    ThrottleLimits
	names     *token.KeyedHash
	devices   *token.DeviceTokens
	workStore *memoryStore // of refreshes and successes, which guess nothing: it bounds the work of one instance
	junkStore *memoryStore // of what anybody can send as often: forged refresh tokens, impossible passwords
}

func newThrottler(c Config, turns turns) (*throttler, error) {
	if c.Throttle == nil {
		return nil, nil
	}
	names, err := token.NewKeyedHash(c.Throttle.Key)
	if err != nil {
		return nil, err
	}
	devices, err := token.NewDeviceTokens(c.Throttle.Secrets)
	if err != nil {
		return nil, err
	}
	t := &throttler{
		limits: c.Throttle.Limits, names: names, devices: devices, workStore: newMemoryStore(maxWorkCounters),
		junkStore: newMemoryStore(maxJunkCounters),
	}
	if t.counterStore = newGuessStore(maxCounters); c.Throttle.Shared {
		t.counterStore = sqlStore{c.Client, turns, newOwedRefunds()}
	}
	return t, nil
}

// loginAttempt is an attempt to sign in to the account of an address, whether there is one or not.
func (s *Service) loginAttempt(ctx context.Context, address string, from viewer.Origin,
	now time.Time) (*attempt, error) {
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
	account := t.account(limit{limitAccount, t.limits.Account}, "account", address)
	return &attempt{now: now, successes: t.successes(address),
		counters: append([]counter{account}, t.networks(limit{limitNetwork, t.limits.Network}, "network", from)...)}, nil
}

// register is an attempt to create an account.
func (t *throttler) register(address string, from viewer.Origin, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	account := t.account(limit{limitAccount, t.limits.Account}, "register", address)
	networks := t.networks(limit{limitRegister, t.limits.Register}, "registers", from)
	return &attempt{now: now, counters: append([]counter{account}, networks...)}
}

// secondFactor is a try of a second factor for an account whose password was right. It has counters of its own: they are
// not refunded by right passwords.
func (t *throttler) secondFactor(row *ent.User, from viewer.Origin, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	account := t.account(limit{limitAccount, t.limits.Account}, "second factor", row.Email)
	networks := t.networks(limit{limitNetwork, t.limits.Network}, "second factors", from)
	if device := t.knownDevice(row, from.Device, now); device != uuid.Nil {
		return t.knownFactor(row.Email, device, now)
	}
	return &attempt{now: now, counters: append([]counter{account}, networks...)}
}

// knownFactor is secondFactor on a known device, or in a live session, of the account of an address.
func (t *throttler) knownFactor(address string, id uuid.UUID, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	return &attempt{now: now, counters: []counter{
		t.account(limit{limitPair, t.limits.Pair}, "second factor on", id.String()),
		t.account(limit{limitPair, knownPairs * t.limits.Pair}, "second factor on known", address),
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
	return &attempt{now: now, known: true, successes: t.successes(address), counters: []counter{
		t.account(limit{limitPair, t.limits.Pair}, kind, id.String()),
		t.account(limit{limitPair, knownPairs * t.limits.Pair}, "known", address),
	}}
}

// refresh charges a use of a refresh token: to its session when this service issued it, so that it slows down no
// other, and otherwise to its network. Neither costs a statement.
func (t *throttler) refresh(r token.Refresh, forged error, from viewer.Origin, now time.Time) refusal {
	if t == nil {
		return refusal{}
	}
	return t.token("refreshes of", r.Session, forged, from, now)
}

// oneTime charges a use of a one-time token as refresh does one of a refresh token.
func (t *throttler) oneTime(o token.OneTime, forged error, from viewer.Origin, now time.Time) refusal {
	if t == nil {
		return refusal{}
	}
	return t.token("uses of", o.ID, forged, from, now)
}

// ceremony charges options to use a passkey, which are a row each: to the session that asks, or to its network.
func (t *throttler) ceremony(v *viewer.Viewer, now time.Time) refusal {
	if t == nil {
		return refusal{}
	}
	rule := limit{limitRefresh, t.limits.Refresh}
	if v.SignedIn() {
		return t.workStore.count(now, t.network(rule, "options of", v.SessionID.String()))
	}
	return t.workStore.count(now, t.networks(rule, "options", v.Origin)...)
}

// passkey charges a sign-in by a passkey, which costs a session and lines in the log.
func (t *throttler) passkey(id uuid.UUID, now time.Time) refusal {
	if t == nil {
		return refusal{}
	}
	return t.workStore.count(now, counter{t.names.ID("passkey", id.String()), limitSignIn, backoff{t.limits.SignIn, maxSignInDelay}})
}

func (t *throttler) token(use string, id uuid.UUID, forged error, from viewer.Origin, now time.Time) refusal {
	rule := limit{limitRefresh, t.limits.Refresh}
	if forged != nil {
		return t.junkStore.count(now, t.networks(rule, "forgeries", from)...)
	}
	return t.workStore.count(now, t.network(rule, use, id.String()))
}

// mail is a request for a mail of a kind to an address, whether an account has it or not.
func (t *throttler) mail(kind, address string, from viewer.Origin, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	networks := t.networks(limit{limitMail, t.limits.Mail}, "mails", from)
	return &attempt{now: now, counters: append([]counter{t.mailbox(kind, address)}, networks...)}
}

// registration is an attempt to have a mail sent that confirms the address of an account to be.
func (t *throttler) registration(address string, from viewer.Origin, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	try := t.mail(string(MailRegister), address, from, now)
	try.counters = append(try.counters, t.networks(limit{limitRegister, t.limits.Register}, "registers", from)...)
	return try
}

// invitation is a mail to an address that an administrator asks for.
func (t *throttler) invitation(address string, by uuid.UUID, now time.Time) *attempt {
	if t == nil {
		return nil
	}
	asked := t.network(limit{limitMail, t.limits.Mail}, "invitations of", by.String())
	return &attempt{now: now, counters: []counter{t.mailbox(string(MailInvitation), address), asked}}
}

// mailbox counts the mails of a kind to an address.
func (t *throttler) mailbox(kind, address string) counter {
	return counter{t.names.ID("mail", kind, address), limitMail, backoff{freeMails, maxMailDelay}}
}

// successes counts right passwords of one account: each costs a hash, a session and lines in the log, and is refunded
// by all other counters.
func (t *throttler) successes(address string) []counter {
	return []counter{{t.names.ID("successes", address), limitSignIn, backoff{t.limits.SignIn, maxSignInDelay}}}
}

// lateEvents is how many late refreshes of a session are told within a minute or so: a client can send its old token
// hundreds of times.
const lateEvents = 5

// tellsOfLate counts a late refresh of a session, and reports whether it is worth an event.
func (t *throttler) tellsOfLate(session uuid.UUID, now time.Time) bool {
	return t == nil || t.workStore.count(now, t.network(limit{free: lateEvents}, "late refreshes of", session.String())).wait <= 0
}

// caller returns who waits to have the password of an attempt hashed. Known devices and live sessions are one class, by
// network and then by account, and have half of all turns, however many others try to sign in.
func (t *attempt) caller(v *viewer.Viewer) []string {
	if t == nil || !t.known {
		return unknown(v.Caller())
	}
	names := append([]string{knownClass}, v.Caller()...)
	names[len(names)-1] = t.counters[len(t.counters)-1].name.String()
	return names
}

func (t *throttler) account(l limit, parts ...string) counter {
	return counter{t.names.ID(parts...), l.name, backoff{l.free, maxAccountDelay}}
}

func (t *throttler) network(l limit, parts ...string) counter {
	return counter{t.names.ID(parts...), l.name, backoff{l.free, maxNetworkDelay}}
}

// networks counts in each network that a client may have all of, the widest first. The narrowest has the limit, an IPv6
// /56 four times as much, and a /48 sixteen times. Clients of unknown address are one network.
func (t *throttler) networks(l limit, use string, from viewer.Origin) []counter {
	all := from.Networks()
	if len(all) == 0 {
		return []counter{t.network(l, use, "")}
	}
	narrowest := all[len(all)-1].Bits()
	counters := make([]counter, len(all))
	for i, network := range all {
		counters[i] = t.network(limit{l.name, l.free << ((narrowest - network.Bits()) / 4)}, use, network.String())
	}
	return counters
}

// charge charges an attempt before the password is checked. Problem: RATE_LIMITED, with the same answer for every
// account and password.
func (s *Service) charge(ctx context.Context, v *viewer.Viewer, t *attempt) error {
	if t == nil {
		return nil
	}
	t.by = v.Caller()
	refused := s.throttle.workStore.delay(t.now, t.successes...)
	if refused.wait <= 0 {
		var err error
		if refused, err = s.throttle.charge(ctx, t); err != nil {
			return fmt.Errorf("charging an attempt: %w", err)
		}
	}
	return s.throttled(ctx, refused)
}

// throttled publishes that an attempt was refused, if it was. Problem: RATE_LIMITED.
func (s *Service) throttled(ctx context.Context, refused refusal) error {
	if refused.wait <= 0 {
		return nil
	}
	s.refuse(ctx, Event{Kind: AttemptThrottled, Limit: refused.limit})
	return problem.RetryAfter(problem.RateLimited, "Too many attempts; wait as long as retryAfter says.", refused.wait)
}

// refundSucceeded refunds an attempt whose password was right, in the transaction of the sign-in, and counts the
// success. It also resets the failed attempts of a known device or session. Other counters stay as they are: an
// attacker's own account buys no attempts against others.
func (s *Service) refundSucceeded(ctx context.Context, tx *transaction, t *attempt) error {
	if t == nil {
		return nil
	}
	s.throttle.workStore.count(t.now, t.successes...)
	return s.throttle.refund(ctx, tx, t, t.known)
}

// refundTimeout bounds a refund for a client that has gone.
const refundTimeout = 5 * time.Second

// refundUnverified refunds an attempt whose password was not hashed: it got no slot, or its client went away before,
// as a page does that is loaded again. Neither a flood nor their own impatience must slow down owners, and who cancels
// so early learns nothing. It returns the error that it was given.
func (s *Service) refundUnverified(ctx context.Context, t *attempt, err error) error {
	gone := ctx.Err() == context.Canceled && errors.Is(err, password.ErrNotHashed)
	if t == nil || !gone && !errors.Is(err, password.ErrBusy) {
		return err
	}
	if gone {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), refundTimeout)
		defer cancel()
	}
	failed := s.inTx(ctx, t.by, func(ctx context.Context, tx *transaction) error {
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
	return s.untilNone(ctx, throttle.Table, func() (int, error) { return s.throttle.deleteExpired(ctx, s.now()) })
}
