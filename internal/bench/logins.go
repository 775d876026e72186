package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/pgtemp"
)

// loginClients is how many clients log in simultaneously: enough to keep every processor busy.
const loginClients = 8

// logins is logins a second, divided by the hashes a second that a loop makes on the same processors.
func logins(ctx context.Context, b *bench) error {
	variants := b.variants()
	workloads := make([]workload, len(variants))
	for i, v := range variants {
		p, err := b.serve(ctx, v, small)
		if err != nil {
			return err
		}
		workloads[i] = loginWorkload(p, small.users, small.users)
	}
	var hashes []float64
	rates := make([][]float64, len(variants))
	for range b.size.speedRounds {
		hashRate(small.cost, b.size.speedRound/5) // warms up: a server has allocated its memory before
		hashes = append(hashes, hashRate(small.cost, 2*b.size.speedRound))
		for i, w := range workloads {
			rate, err := w.closedLoop(ctx, loginClients, 2*b.size.speedRound)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	b.table.note("argon2id (%s) alone: %.0f hashes/s", small.cost, median(hashes))
	for i, v := range variants {
		b.table.note("logins, %s: %.0f/s", v.label, median(rates[i]))
		b.table.add("logins, "+v.label+" ÷ argon2id alone", ratios(rates[i], hashes), v.targets(atLeast(0.90, 0.97)))
	}
	return nil
}

// networkClients is how many clients of one network sign in simultaneously: as many as share an office's address.
const networkClients = 64

// slowDisk has a commit take 3 ms, as a disk of a cloud does: it shows what waits for others' commits.
var slowDisk = []string{"fsync=on", "commit_delay=3000", "commit_siblings=0"}

// networks is logins a second when all come from one network, divided by the same from many: what they queue for.
// Hashing is cheap, so that the rest shows.
func networks(ctx context.Context, b *bench, v variant) error {
	if v.engine.name == "Postgres" {
		quick := b.postgres
		slow, err := pgtemp.New(os.TempDir(), slowDisk...)
		if err != nil {
			return err
		}
		defer func() { b.stopAll(); b.postgres = quick; slow.Close() }()
		b.postgres = slow
	}
	v.environment = append(slices.Clone(behindProxy), "GATEHOUSE_THROTTLE=account=1000000,network=1000000,signin=1000000")
	p, err := b.serve(ctx, v, dataset{users: small.users, cost: cheapCost})
	if err != nil {
		return err
	}
	one, many := loginWorkload(p, small.users, small.users), loginWorkload(p, small.users, small.users)
	for i := range small.users {
		one.requests[i] = from("203.0.113.9", one.requests[i])
		many.requests[i] = from(fmt.Sprintf("198.18.%d.%d", i/250, i%250), many.requests[i])
	}
	var rates [2][]float64
	for range b.size.rounds {
		for i, w := range []workload{one, many} {
			rate, err := w.closedLoop(ctx, networkClients, b.size.round)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	b.table.note("logins from one network, %s, with cheap hashes: %.0f/s", v.label, median(rates[0]))
	b.table.add("logins from one network, "+v.label+" ÷ from many", ratios(rates[0], rates[1]), v.targets(atLeast(0.80, 0.95)))
	return nil
}

// hashing is how many hashes a second a loop on each processor makes.
func hashRate(c password.Cost, d time.Duration) float64 {
	var done atomic.Int64
	var running sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			for time.Since(began) < d {
				argon2.IDKey([]byte(userPassword), make([]byte, 16), c.Time, c.Memory, c.Lanes, 32)
				done.Add(1)
			}
		})
	}
	running.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

// openLoopRate is how many requests for `me` a second are sent while latency is measured: enough for a 99th
// percentile, and too few to wait for each other.
const openLoopRate = 400

// tail is the 99th percentile of the time of `me` while others log in as fast as they can, divided by the same when
// they do not, and the same of the rate at which clients that do not wait are answered.
func tail(ctx context.Context, b *bench, v variant) error {
	p, err := b.serve(ctx, v, small)
	if err != nil {
		return err
	}
	me, err := meWorkload(ctx, p, b.size.callers, small.users)
	if err != nil {
		return err
	}
	flood := loginWorkload(p, small.users, small.users)
	p99, err := b.underLogins(ctx, flood, func() (float64, error) {
		times, err := me.openLoop(ctx, loginClients, openLoopRate, 3*b.size.speedRound)
		return quantile(times, 0.99), err
	})
	if err != nil {
		return err
	}
	rate, err := b.underLogins(ctx, flood, func() (float64, error) {
		return me.closedLoop(ctx, connections, b.size.speedRound)
	})
	if err != nil {
		return err
	}
	b.table.note("me, %s, 99th percentile at %d/s: %.2f ms quiet, %.2f ms under a login flood",
		v.label, openLoopRate, median(p99.quiet), median(p99.flooded))
	b.table.add("me, "+v.label+", p99 under a login flood ÷ quiet", ratios(p99.flooded, p99.quiet),
		v.targets(atMost(2, 1.5)))
	b.table.add("me, "+v.label+", rate under a login flood ÷ quiet", ratios(rate.flooded, rate.quiet),
		v.targets(atLeast(0.6, 0.8)))
	return nil
}

// pairs are rounds of one figure without and with a flood of logins.
type pairs struct{ quiet, flooded []float64 }

func (b *bench) underLogins(
	ctx context.Context, flood workload, measure func() (float64, error),
) (all pairs, err error) {
	for range b.size.speedRounds {
		quiet, err := measure()
		if err != nil {
			return all, err
		}
		flooded, err := duringLogins(ctx, flood, measure)
		if err != nil {
			return all, err
		}
		all.quiet, all.flooded = append(all.quiet, quiet), append(all.flooded, flooded)
	}
	return all, nil
}

// duringLogins measures while clients log in.
func duringLogins(ctx context.Context, logins workload, measure func() (float64, error)) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	flood := make(chan error, 1)
	go func() {
		_, err := logins.closedLoop(ctx, loginClients, time.Hour)
		flood <- err
	}()
	time.Sleep(200 * time.Millisecond)
	value, err := measure()
	select {
	case early := <-flood:
		cancel()
		return 0, errors.Join(err, early)
	default:
	}
	cancel()
	<-flood
	return value, err
}
