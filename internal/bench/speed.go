package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gatehouse/gatehouse/internal/password"
)

// contestant is one kind of traffic to one server, measured in turn with others.
type contestant struct {
	name    string
	child   *child
	traffic traffic
	want    bounds
	over    *contestant // what it is divided by; nil: not a figure

	rates []float64 // requests a second
	cpu   []float64 // of the server, in µs a request
}

// speed is requests a second, divided by the plain server's.
func speed(ctx context.Context, s *stage) error {
	server, err := s.servePlain(ctx)
	if err != nil {
		return err
	}
	defer server.stop()
	plain := &contestant{name: "plain net/http JSON", child: server, traffic: traffic{
		address: server.address, begins: []byte(`{"data":{"me":{"id":"`),
		requests: [][]byte{ask(meQuery, nil, strings.Repeat("x", 400))}, // as long as with a token
	}}
	all := []*contestant{plain}
	for _, e := range s.engines {
		url, err := s.makeDatabase(ctx, e, small, password.DefaultCost)
		if err != nil {
			return err
		}
		ours, stop, err := s.contestants(ctx, s.binary, url, e, plain)
		if err != nil {
			return err
		}
		defer stop()
		all = append(all, ours...)
		if s.against == "" {
			continue
		}
		others, stop, err := s.contestants(ctx, s.against, url, e, nil)
		if err != nil {
			return err
		}
		defer stop()
		for i, other := range others {
			other.name += ", other build"
			all = append(all, other, &contestant{name: ours[i].name + " ÷ that of the other build", over: other,
				child: ours[i].child, traffic: ours[i].traffic})
		}
	}
	for range s.size.rounds {
		for _, c := range all {
			if err := c.round(ctx, s.size); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	for _, c := range all {
		s.table.note("%s: %.0f requests/s, %.0f µs of the server's processor time each", c.name, median(c.rates), median(c.cpu))
		if c.over != nil {
			s.table.add(c.title(), divided(c.rates, c.over.rates), c.want)
		}
	}
	return nil
}

func (c *contestant) title() string {
	if strings.Contains(c.name, "÷") {
		return c.name
	}
	return c.name + " ÷ plain"
}

func (c *contestant) round(ctx context.Context, s size) error {
	before := c.child.cpu()
	rate, err := c.traffic.flood(ctx, connections, s.round)
	c.rates = append(c.rates, rate)
	c.cpu = append(c.cpu, float64((c.child.cpu()-before).Microseconds())/(rate*s.round.Seconds()))
	return err
}

// contestants starts a build on a database, and returns what is asked of it and the way to stop it.
func (s *stage) contestants(ctx context.Context, program, url string, e engine, over *contestant) ([]*contestant, func(), error) {
	c, err := s.serve(ctx, program, url, password.DefaultCost)
	if err != nil {
		return nil, nil, err
	}
	me, err := askMe(ctx, c, callers, small)
	if err != nil {
		return nil, nil, err
	}
	users, err := askUsers(ctx, c, callers, small)
	if err != nil {
		return nil, nil, err
	}
	all := []*contestant{
		{name: "me, " + e.name, traffic: me, want: atLeast(0.30, 0.50)},
		{name: "denied me, " + e.name, traffic: askNobody(c), want: atLeast(0.45, 0.60)},
		{name: "users page of 100, " + e.name, traffic: users},
	}
	for _, one := range all {
		one.child, one.over = c, over
	}
	return all, c.stop, nil
}
