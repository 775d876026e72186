package outbox

import (
	"errors"
	"math/rand/v2"
	"strings"
	"time"
	"unicode"
)

const (
	firstDelay = 15 * time.Second
	maxDelay   = 3 * time.Hour
	// retryFor is for how long a job is tried, at least.
	retryFor = 24 * time.Hour
	// jitter is by which part a delay is shorter or longer, so that what failed together is not tried together.
	jitter = 0.2
	// maxErrorLen is how many bytes of an error are stored.
	maxErrorLen = 500
)

// maxAttempts is how often a job is tried. Attempts are counted, and not hours, so that an operator's retry and a stop
// begin again with the first.
var maxAttempts = attemptsWithin(retryFor)

func attemptsWithin(total time.Duration) int {
	attempts, waited := 1, time.Duration(0)
	for ; waited < total; attempts++ {
		waited += meanDelay(attempts)
	}
	return attempts
}

// meanDelay doubles with each attempt.
func meanDelay(attempt int) time.Duration {
	return min(firstDelay<<min(attempt-1, 20), maxDelay)
}

// delay is how long after a failed attempt the next one comes.
func delay(attempt int) time.Duration {
	d := time.Duration(float64(meanDelay(attempt)) * (1 - jitter + 2*jitter*rand.Float64()))
	return d.Truncate(time.Microsecond) // as the databases do
}

// permanentError is one that no further attempt mends.
type permanentError struct{ error }

func (p permanentError) Unwrap() error { return p.error }

// Permanent marks an error of a handler that no further attempt can mend: the job is given up.
func Permanent(err error) error { return permanentError{err} }

func isPermanent(err error) bool {
	_, ok := errors.AsType[permanentError](err)
	return ok
}

// errorText is an error as both databases store it and a terminal shows it: a bounded line. A foreign server may have
// written it.
func errorText(err error) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(err.Error(), "\uFFFD"))
	if len(text) > maxErrorLen {
		text = strings.ToValidUTF8(text[:maxErrorLen], "") + "…"
	}
	return text
}
