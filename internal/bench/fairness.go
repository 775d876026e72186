package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// floodClients is how many connections flood: more than the queues for hashes and for new documents serve in time.
const floodClients = 200

// honestEvery is the time between two honest requests.
const honestEvery = 100 * time.Millisecond

// behindProxy lets the load generator say where a request comes from. Its sign-ins are not limited, but by the queue.
var behindProxy = []string{
	"GATEHOUSE_TRUSTED_PROXIES=127.0.0.1", "GATEHOUSE_THROTTLE=account=1000000,network=1000000",
}

// contest is a flood of requests, and others that share a queue with it. Both make the nth request.
type contest struct {
	name          string
	flood, honest func(n int) []byte
	prefix        []byte // of an honest answer
}

var contests = []contest{
	{
		name: "owners' sign-ins answered under a flood of wrong ones from an IPv6 /48",
		flood: func(n int) []byte {
			input := map[string]any{"email": userEmail(n % small.users), "password": "not " + userPassword}
			return from(fmt.Sprintf("2001:db8:1:%x::1", n%(1<<16)), graphqlRequest(loginQuery,
				map[string]any{"in": input}, ""))
		},
		honest: func(n int) []byte { return from(honestAddress(n), loginRequest(n%small.users)) },
		prefix: loginPrefix,
	},
	{
		name:   "new documents answered under a flood of others from one address",
		flood:  func(n int) []byte { return from("203.0.113.9", newDocument("flood", n)) },
		honest: func(n int) []byte { return from(honestAddress(n), newDocument("honest", n)) },
		prefix: []byte(`{"data":`),
	},
}

func honestAddress(n int) string { return fmt.Sprintf("198.51.100.%d", n%250+1) }

// newDocument has not been sent before.
func newDocument(name string, n int) []byte {
	return graphqlRequest(fmt.Sprintf("query %s%d{__typename}", name, n), nil, "")
}

// fairness is the part of honest requests that are answered with success while others flood.
func fairness(ctx context.Context, b *bench, v variant) error {
	v.environment = behindProxy
	p, err := b.serve(ctx, v, small)
	if err != nil {
		return err
	}
	for _, c := range contests {
		m, parts := match{contest: c, address: p.address}, []float64(nil)
		for range b.size.rounds {
			part, err := m.round(ctx, 2*b.size.round)
			if err != nil {
				return err
			}
			parts = append(parts, part)
		}
		b.table.add(c.name+", "+v.label, parts, v.targets(atLeast(0.95, 1)))
	}
	return nil
}

// match is a contest on one server. It counts its requests, so that none is sent twice.
type match struct {
	contest
	address       string
	sent, honestN atomic.Int64
}

// round returns the part of honest requests that succeeded.
func (m *match) round(ctx context.Context, d time.Duration) (part float64, err error) {
	flooding, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- workload{address: m.address}.onEach(flooding, floodClients, m.keepFlooding) }()
	time.Sleep(d / 2) // until the queue is full
	part = m.answered(d)
	select {
	case early := <-ended:
		stop()
		return 0, early
	default:
		stop()
		<-ended
		return part, nil
	}
}

func (m *match) keepFlooding(_ int, c *client) error {
	for {
		if _, err := c.do(m.flood(int(m.sent.Add(1)))); err != nil && !isResponse(err) {
			return err
		}
	}
}

// answered sends honest requests, each at its time and on a connection of its own.
func (m *match) answered(d time.Duration) float64 {
	var running sync.WaitGroup
	var all, good atomic.Int64
	for began := time.Now(); all.Load() == 0 || time.Since(began) < d; time.Sleep(honestEvery) {
		request := m.honest(int(m.honestN.Add(1)))
		all.Add(1)
		running.Go(func() {
			c, err := dial(m.address)
			if err != nil {
				return
			}
			defer c.conn.Close()
			if c.ask(workload{requests: [][]byte{request}, prefix: m.prefix}, 0) == nil {
				good.Add(1)
			}
		})
	}
	running.Wait()
	return float64(good.Load()) / float64(all.Load())
}
