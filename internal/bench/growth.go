package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// inTurn is how many requests of one kind are sent to one server before the other has its turn.
const inTurn = 8

// growth is the time of a request with many users, divided by the time with a thousand. Requests go one by one, in
// turn to both.
func growth(ctx context.Context, s *stage) error {
	for _, e := range s.engines {
		began := time.Now()
		few, stop, err := s.operations(ctx, e, small)
		if err != nil {
			return err
		}
		defer stop()
		many, stop, err := s.operations(ctx, e, s.size.users)
		if err != nil {
			return err
		}
		defer stop()
		s.say("%d users in %s: %.0f s", s.size.users, e.name, time.Since(began).Seconds())
		for i, name := range []string{"login without its hashing", "me", "users page of 100 at depth"} {
			ratios, times, err := s.compare(ctx, few[i], many[i])
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			s.table.note("%s, %s: %.2f ms with %d users", name, e.name, median(times), s.size.users)
			s.table.add(fmt.Sprintf("%s, %s: %d users ÷ %d", name, e.name, s.size.users, small), ratios, atMost(1.3, 1.1))
		}
	}
	return nil
}

// operations serves a database of so many users.
func (s *stage) operations(ctx context.Context, e engine, users int) ([]traffic, func(), error) {
	url, err := s.makeDatabase(ctx, e, users, cheap)
	if err != nil {
		return nil, nil, err
	}
	c, err := s.serve(ctx, s.binary, url, cheap)
	if err != nil {
		return nil, nil, err
	}
	me, err := askMe(ctx, c, callers, users)
	if err != nil {
		return nil, nil, err
	}
	pages, err := askUsers(ctx, c, 5*callers, users)
	return []traffic{askLogins(c, 10*callers, users), me, pages}, c.stop, err
}

// compare returns the ratio of the median times of each round, and all times of the second.
func (s *stage) compare(ctx context.Context, few, many traffic) (ratios, times []float64, err error) {
	var pair [2]*client
	for i, t := range []traffic{few, many} {
		if pair[i], err = dial(t.address); err != nil {
			return nil, nil, err
		}
		defer pair[i].conn.Close()
		defer context.AfterFunc(ctx, func() { pair[i].conn.Close() })()
	}
	turn := 0
	for range s.size.rounds {
		var took [2][]float64
		for began := time.Now(); time.Since(began) < s.size.round; turn += inTurn {
			for i, t := range []traffic{few, many} {
				some, err := pair[i].once(t, turn, inTurn)
				if err != nil {
					return nil, nil, err
				}
				took[i] = append(took[i], some...)
			}
		}
		ratios = append(ratios, median(took[1])/median(took[0]))
		times = slices.Concat(times, took[1])
	}
	return ratios, times, nil
}
