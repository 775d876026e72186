package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/gatehouse/gatehouse/internal/fairqueue"
)

// ErrBusy says that no slot became free within Config.QueueTimeout, or that the queue is full. Retry after a while.
var ErrBusy = errors.New("password: too many passwords are being hashed")

// ErrNotHashed says that the context ended before a slot became free: nothing was hashed or compared.
var ErrNotHashed = errors.New("password: not hashed")

// Config configures a Hasher. The zero Config is complete.
type Config struct {
	Cost Cost // default DefaultCost
	// MaxConcurrent is how many hashes run simultaneously; each takes Cost.Memory and Cost.Lanes processors. The
	// default is the number of processors: with more, each hash only takes longer, and more memory is in use.
	MaxConcurrent int
	// QueueTimeout is how long a caller waits for a slot. The default is 2 seconds: an ordinary burst drains in that
	// time (at 20 to 40 ms a hash, 50 callers a processor), and in a flood an honest client hears soon that it should
	// retry.
	QueueTimeout time.Duration
	Rand         io.Reader // default crypto/rand: draws salts
	// Derive computes a hash; the default is Argon2id.
	Derive func(pw, salt []byte, c Cost) ([]byte, error)
}

// maxQueue is how many hashes may wait for a slot: at 40 ms a hash, more than QueueTimeout lets wait on 20 processors.
const maxQueue = 1000

// Hasher hashes passwords. It may be used concurrently; all its methods share its slots.
type Hasher struct {
	config    Config
	limiter   *fairqueue.Limiter
	dummyHash string   // for VerifyDummy
	caller    []string // see As
	hashed    *atomic.Int64
}

// New checks the configuration.
func New(c Config) (*Hasher, error) {
	if c.Cost == (Cost{}) {
		c.Cost = DefaultCost
	}
	if c.MaxConcurrent == 0 {
		c.MaxConcurrent = runtime.GOMAXPROCS(0)
	}
	if c.QueueTimeout == 0 {
		c.QueueTimeout = 2 * time.Second
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Derive == nil {
		c.Derive = func(pw, salt []byte, c Cost) ([]byte, error) { return Argon2id(pw, salt, c), nil }
	}
	if err := c.Cost.check(); err != nil {
		return nil, err
	}
	if c.MaxConcurrent < 0 || c.QueueTimeout < 0 {
		return nil, errors.New("a password hasher cannot have negative bounds")
	}
	nobody := phcHash{cost: c.Cost, salt: make([]byte, saltLen), hash: make([]byte, hashLen)}
	limiter := fairqueue.New(fairqueue.Config{Slots: c.MaxConcurrent, Queue: maxQueue, Timeout: c.QueueTimeout})
	return &Hasher{config: c, limiter: limiter, dummyHash: nobody.String(), hashed: new(atomic.Int64)}, nil
}

// As returns the hasher as a caller uses it: those who wait for a slot take turns, as fairqueue.Limiter says. Slots and
// numbers stay shared.
func (h *Hasher) As(caller []string) *Hasher {
	as := *h
	as.caller = caller
	return &as
}

// Argon2id returns the hash, of 32 bytes (RFC 9106).
func Argon2id(pw, salt []byte, c Cost) []byte {
	return argon2.IDKey(pw, salt, c.Time, c.Memory, c.Lanes, hashLen)
}

// Hash returns a password's PHC string under a new salt. It returns ErrTooLong or ErrMalformed for a password that no
// account can have, and ErrBusy, or ErrNotHashed with the context's error, when no slot became free. Which passwords
// may be chosen is decided by Check.
func (h *Hasher) Hash(ctx context.Context, pw string) (string, error) {
	pw, err := prepare(pw)
	if err != nil {
		return "", err
	}
	r := phcHash{cost: h.config.Cost, salt: make([]byte, saltLen)}
	if _, err := io.ReadFull(h.config.Rand, r.salt); err != nil {
		return "", fmt.Errorf("drawing a salt: %w", err)
	}
	if r.hash, err = h.derive(ctx, pw, r.salt, r.cost); err != nil {
		return "", err
	}
	return r.String(), nil
}

// Verify reports whether the password is the one that was hashed, and then also whether it should be rehashed because
// the configured cost has changed. A wrong password is no error; errors are ErrInvalidHash,
// ErrBusy, and ErrNotHashed with the context's.
//
// A password that no account can have is wrong without a hash. That takes less time, for every account the same.
func (h *Hasher) Verify(ctx context.Context, pw, phc string) (ok, rehash bool, err error) {
	r, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	pw, unfit := prepare(pw)
	if unfit != nil {
		return false, false, nil
	}
	hash, err := h.derive(ctx, pw, r.salt, r.cost)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(hash, r.hash) == 1
	return ok, ok && r.cost != h.config.Cost, nil
}

// VerifyDummy does the work of Verify without an account, so that the time of an answer does not reveal which accounts
// exist. Accounts whose hash has an older cost answer in its time until their next sign-in.
func (h *Hasher) VerifyDummy(ctx context.Context, pw string) error {
	_, _, err := h.Verify(ctx, pw, h.dummyHash)
	return err
}

// derive waits for a slot and hashes. A hash that has begun is finished, also when the context ends.
func (h *Hasher) derive(ctx context.Context, pw string, salt []byte, c Cost) ([]byte, error) {
	release, err := h.limiter.Acquire(ctx, h.caller)
	if errors.Is(err, fairqueue.ErrBusy) {
		return nil, ErrBusy
	}
	if err != nil {
		return nil, fmt.Errorf("%w: waiting for a slot: %w", ErrNotHashed, err)
	}
	defer release()
	h.hashed.Add(1)
	return h.config.Derive([]byte(pw), salt, c)
}

// Hashed returns the number of hashes begun so far.
func (h *Hasher) Hashed() int64 { return h.hashed.Load() }

// Stats says how busy a Hasher is.
type Stats struct {
	Slots   int    // how many hashes may run simultaneously
	Running int    // how many do
	Waiting int    // callers without a slot
	Refused uint64 // callers that got ErrBusy since the start
}

// Stats returns the numbers of this moment.
func (h *Hasher) Stats() Stats { return Stats(h.limiter.Stats()) }

// WaitingIn returns how many callers wait for a slot of one of the widest groups that As names.
func (h *Hasher) WaitingIn(group string) int { return h.limiter.WaitingIn(group) }
