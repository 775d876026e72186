package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// subject is a workload on a server, measured in rounds that alternate with those of others.
type subject struct {
	name     string
	process  *process
	workload workload
	warmUp   int // requests before each round
	against  []comparison
	rival    *subject // the same of the build to compare with, or nil

	rates       []float64 // requests a second
	cpu         []float64 // processor time of the server, in µs a request
	generator   []float64 // the same of the load generator
	allocated   []float64 // by the server, in kB a request
	collections []float64 // garbage collections of the server, for collectionsPer requests
}

// comparison is a figure: the rate of a subject divided by that of another.
type comparison struct {
	with   *subject
	bounds bounds
}

// collectionsPer is the number of requests for which garbage collections are counted.
const collectionsPer = 9000

// speed is requests a second, divided by those of servers that do less.
func speed(ctx context.Context, b *bench) error {
	plain, err := b.plain(ctx, meQuery)
	if err != nil {
		return err
	}
	bare, err := b.bare(ctx)
	if err != nil {
		return err
	}
	start := func(v variant) ([]*subject, error) { return b.speedOf(ctx, v, plain, bare) }
	subjects, err := b.alternate(ctx, append(bare, plain), start)
	for i, s := range subjects {
		target := bounds{unit: "kB"}
		if i%3 == 0 {
			target = b.variants()[i/3].targets(atMost(9, 6).in("kB"))
		}
		b.table.add(s.name+", allocated for a request", s.allocated, target)
	}
	return err
}

// speedOf returns the subjects of a variant: me, denied me, and a page of users.
func (b *bench) speedOf(ctx context.Context, v variant, plain *subject, bare []*subject) ([]*subject, error) {
	p, err := b.serve(ctx, v, small)
	if err != nil {
		return nil, err
	}
	me, err := meWorkload(ctx, p, b.size.callers, small.users)
	if err != nil {
		return nil, err
	}
	users, err := usersWorkload(ctx, p, b.size.callers, small.users)
	return []*subject{
		{name: "me, " + v.label, process: p, workload: me, against: []comparison{
			{plain, v.targets(atLeast(0.30, 0.50))}, {bare[0], v.targets(atLeast(0.75, 0.90))}}},
		{name: "denied me, " + v.label, process: p, workload: deniedWorkload(p.address),
			against: []comparison{{plain, v.targets(atLeast(0.45, 0.60))}}},
		{name: "users page of 100, " + v.label, process: p, workload: users,
			against: []comparison{{plain, bounds{}}, {bare[1], v.targets(atLeast(1, 1.3))}}},
	}, err
}

// plain starts a net/http server that is sent the query and answers JSON.
func (b *bench) plain(ctx context.Context, query string) (*subject, error) {
	w := yardstickWorkload(query, nil, mePrefix)
	p, err := b.startYardstick(ctx, plainCommand, w)
	if err != nil {
		return nil, err
	}
	w.address = p.address
	return &subject{name: "plain", process: p, workload: w}, nil
}

// bare starts a gqlgen server that checks nothing, and returns its me and its page of users.
func (b *bench) bare(ctx context.Context) ([]*subject, error) {
	me := yardstickWorkload(meQuery, nil, mePrefix)
	page := yardstickWorkload(usersQuery, map[string]any{"after": userID(1)}, usersPrefix)
	p, err := b.startYardstick(ctx, bareCommand, me)
	if err != nil {
		return nil, err
	}
	me.address, page.address = p.address, p.address
	return []*subject{{name: "bare gqlgen", process: p, workload: me},
		{name: "bare gqlgen's", process: p, workload: page}}, nil
}

// yardstickWorkload is one request, as long as with a token.
func yardstickWorkload(query string, variables map[string]any, prefix []byte) workload {
	return workload{requests: [][]byte{graphqlRequest(query, variables, strings.Repeat("x", 400))}, prefix: prefix}
}

// alternate measures the yardsticks and the subjects of each variant in turn. It adds their rates to the table and
// returns the subjects.
func (b *bench) alternate(
	ctx context.Context, yardsticks []*subject, start func(variant) ([]*subject, error),
) ([]*subject, error) {
	var all, newest []*subject
	for _, v := range b.variants() {
		subjects, err := start(v)
		if err != nil {
			return nil, err
		}
		for i, s := range subjects {
			if v.other {
				newest[i].rival = s
			}
		}
		all, newest = append(all, subjects...), subjects
	}
	measured := append(yardsticks, all...)
	for range b.size.speedRounds {
		for _, s := range measured {
			if err := s.round(ctx, b.size.speedRound); err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	for _, s := range measured {
		s.report(b.table)
	}
	return all, nil
}

func (s *subject) round(ctx context.Context, took time.Duration) error {
	if err := s.workload.send(ctx, connections, s.warmUp); err != nil {
		return err
	}
	allocated, err := s.process.allocated()
	if err != nil {
		return err
	}
	cpu, generator, collections := s.process.cpu(), processorTime(os.Getpid()), s.process.collections()
	rate, err := s.workload.closedLoop(ctx, connections, took)
	if err != nil {
		return err
	}
	requests := rate * took.Seconds()
	s.rates = append(s.rates, rate)
	s.cpu = append(s.cpu, float64((s.process.cpu()-cpu).Microseconds())/requests)
	s.generator = append(s.generator, float64((processorTime(os.Getpid())-generator).Microseconds())/requests)
	s.collections = append(s.collections, float64(s.process.collections()-collections)*collectionsPer/requests)
	after, err := s.process.allocated()
	s.allocated = append(s.allocated, (after-allocated)/1000/requests)
	return err
}

func (s *subject) report(t *table) {
	t.note("%s: %.0f requests/s; each took %.0f µs of the server's processor time and %.0f of the load generator's, "+
		"and %.1f kB", s.name, median(s.rates), median(s.cpu), median(s.generator), median(s.allocated))
	for _, c := range s.against {
		t.add(s.name+" ÷ "+c.with.name, ratios(s.rates, c.with.rates), c.bounds)
		t.add("the same by the processor time of the two servers alone", ratios(c.with.cpu, s.cpu), bounds{})
	}
	if s.rival != nil {
		t.add(s.name+" ÷ that of the other build", ratios(s.rates, s.rival.rates), bounds{})
	}
}
