package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/gatehouse/gatehouse/internal/password"
)

const (
	connections = 16
	callers     = 64   // signed-in users, in turn
	small       = 1000 // users of the databases that do not grow
)

// cheap is the cost of hashing where something else is measured: at the default cost the rest of a login would not show.
var cheap = password.Cost{Memory: 64, Time: 1, Lanes: 1}

// groups are measured in this order, each with servers of its own.
var groups = []struct {
	name    string
	measure func(context.Context, *stage) error
}{
	{"speed", speed},
	{"logins", logins},
	{"tail", tail},
	{"growth", growth},
	{"start", starts},
	{"memory", memory},
}

func groupNames() string {
	var names []string
	for _, g := range groups {
		names = append(names, g.name)
	}
	return strings.Join(names, ", ")
}

func measure(ctx context.Context, o *options, t *table, progress io.Writer) (err error) {
	s, err := newStage(ctx, o, t, progress)
	if err != nil {
		return err
	}
	defer func() {
		if failed := s.close(); err == nil {
			err = failed
		}
	}()
	for _, g := range groups {
		if !o.only.MatchString(g.name) {
			continue
		}
		s.say("measuring: %s", g.name)
		if err := g.measure(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return nil
}
