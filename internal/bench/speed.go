package main

import (
	"context"
	"fmt"
	"strings"
)

// subject is a workload on a server, measured in rounds that alternate with those of others.
type subject struct {
	name     string
	process  *process
	workload workload
	bounds   bounds
	baseline *subject // its rate is divided by this one's; nil: not a figure
	rival    *subject // the same of the build to compare with, or nil

	rates       []float64 // requests a second
	cpu         []float64 // processor time of the server, in µs a request
	collections []float64 // garbage collections of the server, for collectionsPer requests
}

// collectionsPer is the number of requests for which garbage collections are counted.
const collectionsPer = 9000

// speed is requests a second, divided by the plain server's.
func speed(ctx context.Context, b *bench) error {
	_, err := b.againstPlain(ctx, meQuery, func(v variant) ([]*subject, error) {
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
			{name: "me, " + v.label, process: p, workload: me, bounds: v.targets(atLeast(0.30, 0.50))},
			{name: "denied me, " + v.label, process: p, workload: deniedWorkload(p.address), bounds: v.targets(atLeast(0.45, 0.60))},
			{name: "users page of 100, " + v.label, process: p, workload: users},
		}, err
	})
	return err
}

// againstPlain measures the subjects of each variant in turn with a plain server, which is sent the query. It adds
// their rates to the table and returns the subjects.
func (b *bench) againstPlain(ctx context.Context, query string, start func(variant) ([]*subject, error)) ([]*subject, error) {
	plain, err := b.plainSubject(ctx, query)
	if err != nil {
		return nil, err
	}
	var all, newest []*subject
	for _, v := range b.variants() {
		subjects, err := start(v)
		if err != nil {
			return nil, err
		}
		for i, s := range subjects {
			s.baseline = plain
			if v.other {
				newest[i].rival = s
			}
		}
		all, newest = append(all, subjects...), subjects
	}
	for range b.size.rounds {
		for _, s := range append([]*subject{plain}, all...) {
			if err := s.round(ctx, b.size); err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	plain.report(b.table)
	for _, s := range all {
		s.report(b.table)
	}
	return all, nil
}

func (b *bench) plainSubject(ctx context.Context, query string) (*subject, error) {
	p, err := b.servePlain(ctx)
	if err != nil {
		return nil, err
	}
	request := graphqlRequest(query, nil, strings.Repeat("x", 400)) // as long as with a token
	return &subject{name: "plain net/http JSON", process: p,
		workload: workload{address: p.address, requests: [][]byte{request}, prefix: mePrefix}}, nil
}

func (s *subject) round(ctx context.Context, size size) error {
	cpu, collections := s.process.cpu(), s.process.collections()
	rate, err := s.workload.closedLoop(ctx, connections, size.round)
	requests := rate * size.round.Seconds()
	s.rates = append(s.rates, rate)
	s.cpu = append(s.cpu, float64((s.process.cpu()-cpu).Microseconds())/requests)
	s.collections = append(s.collections, float64(s.process.collections()-collections)*collectionsPer/requests)
	return err
}

func (s *subject) report(t *table) {
	t.note("%s: %.0f requests/s, %.0f µs of the server's processor time each", s.name, median(s.rates), median(s.cpu))
	if s.baseline != nil {
		t.add(s.name+" ÷ plain", ratios(s.rates, s.baseline.rates), s.bounds)
	}
	if s.rival != nil {
		t.add(s.name+" ÷ that of the other build", ratios(s.rates, s.rival.rates), bounds{})
	}
}
