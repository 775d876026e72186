package outbox

import (
	"context"
	"time"
)

// MaxClockSkew, WakeDelay, MaxAttempts and MeanDelay are what the tests of the package measure against.
const (
	MaxClockSkew = maxClockSkew
	WakeDelay    = wakeDelay
)

var (
	MaxAttempts = maxAttempts
	MeanDelay   = meanDelay
)

// Leased is a job of one instance.
type Leased = leased

// Until is when others may take it.
func (l leased) Until() time.Time { return l.until }

// Claim, End and Attempt are the steps of Run.
func (o *Outbox) Claim(ctx context.Context, n int) ([]Leased, error) {
	again, err := o.claim(ctx, share{n: n, again: true})
	if err != nil {
		return again, err
	}
	fresh, err := o.claim(ctx, share{n: n - len(again)})
	return append(again, fresh...), err
}

// End ends an attempt.
func (o *Outbox) End(ctx context.Context, j Leased, err error, stopped bool) error {
	return o.end(ctx, result{leased: j, err: err, stopped: stopped})
}

// Attempt works a job and returns how that ended.
func (o *Outbox) Attempt(ctx context.Context, j Leased) error { return o.attempt(ctx, j).err }
