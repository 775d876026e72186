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
)

// ErrBusy says that no turn came within Config.Wait. It passes by itself: ask again after a while.
var ErrBusy = errors.New("password: too many passwords are being hashed")

// Config is what a Hasher is made of. The zero Config is complete.
type Config struct {
	Cost Cost // default DefaultCost
	// MaxConcurrent is how many hashes run at once; each takes Cost.Memory and Cost.Lanes processors. The default is the
	// number of processors: with more, each hash only takes longer, and more memory is in use.
	MaxConcurrent int
	// QueueTimeout is how long a caller waits for a turn. The default is 2 seconds: an ordinary burst drains in that time (at
	// 20 to 40 ms a hash, 50 callers a processor), and in a flood an honest caller is told to try again before their
	// own patience ends.
	QueueTimeout time.Duration
	Rand         io.Reader // default crypto/rand: draws salts
	// Derive computes a hash; the default is Argon2id.
	Derive func(pw, salt []byte, c Cost) ([]byte, error)
}

// Hasher hashes passwords. It may be used concurrently; all its methods share its turns.
type Hasher struct {
	config    Config
	slots     chan struct{} // holds one value for each hash that runs
	waiting   atomic.Int64  // who waits for a turn
	rejected  atomic.Uint64 // who was told ErrBusy
	dummyHash string        // what VerifyDummy verifies against
	hashed    atomic.Int64
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
	return &Hasher{config: c, slots: make(chan struct{}, c.MaxConcurrent), dummyHash: nobody.String()}, nil
}

// Argon2id is the hash itself, of 32 bytes (RFC 9106).
func Argon2id(pw, salt []byte, c Cost) []byte {
	return argon2.IDKey(pw, salt, c.Time, c.Memory, c.Lanes, hashLen)
}

// Hash returns a password's PHC string under a new salt. It refuses what no account can have (ErrTooLong, ErrMalformed)
// and does not judge otherwise: that is Check. It returns ErrBusy, or the context's error, when no turn came.
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

// Verify reports whether the password is the one that was hashed, and then also whether it should be hashed again,
// because the configured cost has changed. A wrong password is no error; errors are ErrInvalidHash, ErrBusy and the
// context's.
//
// A password that no account can have is wrong without a hash: that takes less time, and the same whoever is asked for.
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

// VerifyDummy does for a stranger the work that Verify does for an account, so that the time of an answer does not
// tell who has an account. Accounts whose hash has an older cost answer in its time until they next sign in.
func (h *Hasher) VerifyDummy(ctx context.Context, pw string) error {
	_, _, err := h.Verify(ctx, pw, h.dummyHash)
	return err
}

// derive waits for a turn and hashes. A hash that has begun is finished, whatever becomes of the context.
func (h *Hasher) derive(ctx context.Context, pw string, salt []byte, c Cost) ([]byte, error) {
	if err := h.acquireSlot(ctx); err != nil {
		return nil, err
	}
	defer func() { <-h.slots }()
	h.hashed.Add(1)
	return h.config.Derive([]byte(pw), salt, c)
}

// Hashed returns how many hashes were begun so far.
func (h *Hasher) Hashed() int64 { return h.hashed.Load() }

func (h *Hasher) acquireSlot(ctx context.Context) error {
	// select takes any case that is ready: look at the context first, so that a caller who has left costs nothing.
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("waiting to hash a password: %w", err)
	}
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	h.waiting.Add(1)
	defer h.waiting.Add(-1)
	timer := time.NewTimer(h.config.QueueTimeout)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to hash a password: %w", ctx.Err())
	case <-timer.C:
		h.rejected.Add(1)
		return ErrBusy
	}
}

// Stats says how busy a Hasher is.
type Stats struct {
	Slots   int    // how many hashes may run at once
	Running int    // how many do
	Waiting int    // callers without a turn
	Refused uint64 // callers who were told ErrBusy since the start
}

// Stats returns the numbers of this moment.
func (h *Hasher) Stats() Stats {
	return Stats{Slots: cap(h.slots), Running: len(h.slots), Waiting: int(h.waiting.Load()), Refused: h.rejected.Load()}
}
