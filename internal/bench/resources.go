package main

import (
	"context"
	"time"

	"github.com/gatehouse/gatehouse/internal/password"
)

// starts is the time from starting the program on a migrated database to its first answer, which reads the database.
func starts(ctx context.Context, s *stage) error {
	for _, e := range s.engines {
		url, me, err := s.issued(ctx, e)
		if err != nil {
			return err
		}
		var all []float64
		for range s.size.starts {
			took, c, err := s.first(ctx, url, me)
			if err != nil {
				return err
			}
			c.stop()
			all = append(all, milliseconds(took))
		}
		s.table.add("start to first answer, "+e.name, all, atMost(300, 100).in("ms"))
	}
	return nil
}

// memory is what a server holds that has answered one request, and then many, with sign-ins among them.
func memory(ctx context.Context, s *stage) error {
	for _, e := range s.engines {
		if err := memoryOn(ctx, s, e); err != nil {
			return err
		}
	}
	return nil
}

func memoryOn(ctx context.Context, s *stage, e engine) error {
	url, me, err := s.issued(ctx, e)
	if err != nil {
		return err
	}
	_, c, err := s.first(ctx, url, me)
	if err != nil {
		return err
	}
	defer c.stop() // before the next is measured, which would share the program with it
	time.Sleep(time.Second)
	idle, err := c.resident()
	if err != nil {
		return err
	}
	me.address = c.address
	for range 10 {
		if err := me.send(ctx, connections, s.size.requests/10); err != nil {
			return err
		}
		if err := askLogins(c, callers, small).send(ctx, signingIn, signingIn); err != nil {
			return err
		}
	}
	after, err := c.resident()
	if err != nil {
		return err
	}
	s.table.add("resident memory idle, "+e.name, []float64{idle}, atMost(64, 40).in("MiB"))
	s.table.add("the same after many requests, "+e.name, []float64{after}, atMost(128, 64).in("MiB"))
	s.table.note("memory, %s: after %d of me and %d logins", e.name, s.size.requests, 10*signingIn)
	return nil
}

// issued returns a database, and requests of callers who signed in at a server that has stopped since.
func (s *stage) issued(ctx context.Context, e engine) (string, traffic, error) {
	url, err := s.makeDatabase(ctx, e, small, password.DefaultCost)
	if err != nil {
		return "", traffic{}, err
	}
	c, err := s.serve(ctx, s.binary, url, password.DefaultCost)
	if err != nil {
		return "", traffic{}, err
	}
	defer c.stop()
	me, err := askMe(ctx, c, callers, small)
	return url, me, err
}

// first starts the program and returns how long its first answer took.
func (s *stage) first(ctx context.Context, url string, t traffic) (time.Duration, *child, error) {
	began := time.Now()
	c, err := s.launch(ctx, s.binary, url, password.DefaultCost)
	if err != nil {
		return 0, nil, err
	}
	err = c.answer(ctx, t)
	return time.Since(began), c, err
}
