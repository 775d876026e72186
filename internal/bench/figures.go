package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

const connections = 16

// groups are measured in this order, each with servers of its own, which are stopped after it.
var groups = []struct {
	name    string
	measure func(context.Context, *bench) error
}{
	{"speed", speed},
	{"crowd", crowd},
	{"programs", programs},
	{"logins", logins},
	{"networks", each(networks)},
	{"tail", each(tail)},
	{"fairness", each(fairness)},
	{"changes", changeLog},
	{"growth", each(growth)},
	{"start", each(starts)},
	{"memory", each(memory)},
}

// each measures one variant after the other.
func each(measure func(context.Context, *bench, variant) error) func(context.Context, *bench) error {
	return func(ctx context.Context, b *bench) error {
		for _, v := range b.variants() {
			if err := measure(ctx, b, v); err != nil {
				return err
			}
		}
		return nil
	}
}

func groupNames() string {
	var names []string
	for _, g := range groups {
		names = append(names, g.name)
	}
	return strings.Join(names, ", ")
}

func measure(ctx context.Context, o *options, t *table, progress io.Writer) (err error) {
	b, err := newBench(o, t, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	for _, g := range groups {
		if !o.only.MatchString(g.name) {
			continue
		}
		b.logf("measuring: %s", g.name)
		err := g.measure(ctx, b)
		b.stopAll()
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return nil
}
