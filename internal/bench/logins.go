package main

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/gatehouse/gatehouse/internal/password"
)

// signingIn is how many clients sign in at once: enough that no processor waits for one.
const signingIn = 8

// logins is logins a second, divided by the hashes a second that a loop makes on the same processors.
func logins(ctx context.Context, s *stage) error {
	hashes := []float64{}
	rates := make([][]float64, len(s.engines))
	traffics := make([]traffic, len(s.engines))
	for i, e := range s.engines {
		c, err := s.serveSmall(ctx, e)
		if err != nil {
			return err
		}
		defer c.stop()
		traffics[i] = askLogins(c, callers, small)
	}
	for range s.size.rounds {
		hashing(password.DefaultCost, s.size.round/5) // their memory is asked for; the server has kept its own
		hashes = append(hashes, hashing(password.DefaultCost, 2*s.size.round))
		for i, t := range traffics {
			rate, err := t.flood(ctx, signingIn, 2*s.size.round)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	s.table.note("argon2id (%s) alone: %.0f hashes/s", password.DefaultCost, median(hashes))
	for i, e := range s.engines {
		s.table.note("logins, %s: %.0f/s", e.name, median(rates[i]))
		s.table.add("logins, "+e.name+" ÷ argon2id alone", divided(rates[i], hashes), atLeast(0.90, 0.97))
	}
	return nil
}

// serveSmall serves a database of a thousand users, at the cost of hashing that the program has by default.
func (s *stage) serveSmall(ctx context.Context, e engine) (*child, error) {
	url, err := s.makeDatabase(ctx, e, small, password.DefaultCost)
	if err != nil {
		return nil, err
	}
	return s.serve(ctx, s.binary, url, password.DefaultCost)
}

// hashing is how many hashes a second a loop on each processor makes.
func hashing(c password.Cost, d time.Duration) float64 {
	var done atomic.Int64
	var running sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			for time.Since(began) < d {
				argon2.IDKey([]byte(thePassword), make([]byte, 16), c.Time, c.Memory, c.Lanes, 32)
				done.Add(1)
			}
		})
	}
	running.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

// pacedRate is how many requests for `me` a second are sent while latency is measured: many enough to have a 99th
// percentile, and few enough that they do not wait for each other.
const pacedRate = 400

// tail is the 99th percentile of the time of `me` while others sign in as fast as they can, divided by the same when
// they do not.
func tail(ctx context.Context, s *stage) error {
	for _, e := range s.engines {
		c, err := s.serveSmall(ctx, e)
		if err != nil {
			return err
		}
		defer c.stop()
		me, err := askMe(ctx, c, callers, small)
		if err != nil {
			return err
		}
		var quiet, flooded []float64
		for range s.size.rounds {
			calm, err := me.pace(ctx, signingIn, pacedRate, 2*s.size.round)
			if err != nil {
				return err
			}
			busy, err := besideLogins(ctx, askLogins(c, callers, small), func() ([]float64, error) {
				return me.pace(ctx, signingIn, pacedRate, 2*s.size.round)
			})
			if err != nil {
				return err
			}
			quiet, flooded = append(quiet, quantile(calm, 0.99)), append(flooded, quantile(busy, 0.99))
		}
		s.table.note("me, %s, 99th percentile at %d/s: %.2f ms quiet, %.2f ms under a login flood", e.name, pacedRate, median(quiet), median(flooded))
		s.table.add("me, "+e.name+", p99 under a login flood ÷ quiet", divided(flooded, quiet), atMost(4, 2))
	}
	return nil
}

// besideLogins measures while others sign in.
func besideLogins(ctx context.Context, t traffic, f func() ([]float64, error)) ([]float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	flood := make(chan error, 1)
	go func() {
		_, err := t.flood(ctx, signingIn, time.Hour)
		flood <- err
	}()
	time.Sleep(200 * time.Millisecond)
	all, err := f()
	select {
	case early := <-flood:
		flood <- early
		if err == nil {
			err = early
		}
	default:
	}
	cancel()
	<-flood
	return all, err
}
