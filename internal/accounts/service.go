package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/fairqueue"
	"github.com/gatehouse/gatehouse/internal/passkey"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Config configures a Service.
type Config struct {
	Client        *ent.Client               // required
	Passwords     *password.Hasher          // required
	Access        *token.Issuer             // required
	Refresh       *token.RefreshTokens      // required
	OneTime       *token.OneTimeTokens      // required
	FactorKey     []byte                    // required: what the function FactorKey returns
	AppName       string                    // default "Gatehouse": authenticator apps show it
	Personal      *token.PersonalTokens     // required
	Passkeys      *passkey.RelyingParty     // default nil: there are none
	Registration  RegistrationMode          // default open
	AdminMFA      bool                      // default false: ADMIN counts in each session, and not only with a second factor
	MailOff       bool                      // default false: the jobs of mails are worked
	RefreshTTL    time.Duration             // required: idle life of a session
	SessionTTL    time.Duration             // required: life of a session in all
	MaxTokenTTL   time.Duration             // default Access.TTL(): what the function MaxTokenTTL returned; it may have grown since
	Postgres      bool                      // default false: SQLite
	Transactions  int                       // required: how many may be open simultaneously; reads need connections too
	MaxPage       int                       // default 100: how many users a page may have
	MaxCount      int                       // default 10,000: how many users are counted
	Retention     time.Duration             // default a year: how long the audit log has an event
	DeletionGrace time.Duration             // default 0: deleted accounts are erased immediately
	SessionCache  SessionCacheConfig        // default: for a database that other processes may write to
	Throttle      *ThrottleConfig           // default nil: attempts are not limited
	Clock         func() time.Time          // default time.Now
	NewID         func() (uuid.UUID, error) // default uuid.NewV7
	IsRetryable   func(error) bool          // whether a rolled back transaction may run again; default: never
	Log           *slog.Logger              // default slog.Default()

	OnSwept    func(table string, rows int) // called when rows were deleted that had expired; default: nothing
	OnEvent    func(context.Context, Event) // called after each commit; must be quick; default: nothing
	OnEnqueued func()                       // called after a commit that adds a job; must be quick; default: nothing
}

// Service manages accounts and sessions. It may be used concurrently.
type Service struct {
	config      Config
	cache       *sessionCache
	subscribers *broadcaster
	throttle    *throttler
	turns       turns
	uses        *uses
	refusals    *refusals
	factorKeys  *token.FactorKeys

	sweptSession uuid.UUID // up to here DeleteOldSessions has looked
}

// New checks the configuration.
func New(c Config) (*Service, error) {
	if c.Client == nil || c.Passwords == nil || c.Access == nil || c.Refresh == nil || c.OneTime == nil ||
		c.Personal == nil {
		return nil, errors.New("accounts: Client, Passwords, Access, Refresh, OneTime and Personal are required")
	}
	if c.Transactions <= 0 {
		return nil, errors.New("accounts: Transactions must be positive")
	}
	if c.RefreshTTL <= 0 || c.SessionTTL < c.RefreshTTL {
		return nil, fmt.Errorf("accounts: SessionTTL (%v) must be at least RefreshTTL (%v), and both positive",
			c.SessionTTL, c.RefreshTTL)
	}
	if c.MaxTokenTTL == 0 {
		c.MaxTokenTTL = c.Access.TTL()
	}
	if c.MaxTokenTTL < c.Access.TTL() {
		return nil, fmt.Errorf("accounts: tokens live for %v, and MaxTokenTTL is %v", c.Access.TTL(), c.MaxTokenTTL)
	}
	if c.MaxPage <= 0 {
		c.MaxPage = 100
	}
	if c.MaxCount <= 0 {
		c.MaxCount = 10_000
	}
	if c.Retention <= 0 {
		c.Retention = 365 * 24 * time.Hour
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.NewID == nil {
		c.NewID = uuid.NewV7
	}
	if c.IsRetryable == nil {
		c.IsRetryable = func(error) bool { return false }
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.OnSwept == nil {
		c.OnSwept = func(string, int) {}
	}
	if c.OnEvent == nil {
		c.OnEvent = func(context.Context, Event) {}
	}
	if c.OnEnqueued == nil {
		c.OnEnqueued = func() {}
	}
	c.AppName = cmp.Or(c.AppName, "Gatehouse")
	factorKeys, err := token.NewFactorKeys(c.FactorKey)
	if err != nil {
		return nil, err
	}
	turns := newTurns(c.Transactions)
	t, err := newThrottler(c, turns)
	if err != nil {
		return nil, err
	}
	refusals, err := newRefusals()
	if err != nil {
		return nil, err
	}
	return &Service{config: c, cache: newSessionCache(c.SessionCache), subscribers: newBroadcaster(), throttle: t,
		turns: turns, uses: newUses(), refusals: refusals, factorKeys: factorKeys}, nil
}

// now reads the clock with the precision of the databases: UTC, microseconds.
func (s *Service) now() time.Time { return s.config.Clock().UTC().Truncate(time.Microsecond) }

// Stats says how busy a service is.
type Stats struct {
	Hashing      password.Stats
	HashingOf    map[string]int // waiting for it, by class: known devices and live sessions, and unknown ones
	Transactions fairqueue.Stats
	SessionCache SessionCacheStats
}

// Stats returns the numbers of this moment.
func (s *Service) Stats() Stats {
	waiting := map[string]int{}
	for _, class := range []string{knownClass, unknownClass} {
		waiting[class] = s.config.Passwords.WaitingIn(class)
	}
	return Stats{s.config.Passwords.Stats(), waiting, s.turns.Stats(), s.cache.snapshot(s.SyncNeeded())}
}
