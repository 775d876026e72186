package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// batch is how many requests of one kind are sent to one server before the other has its turn.
const batch = 8

// growth is the time of a request with many users, divided by the time with few. Requests go one by one, in turn to
// both.
func growth(ctx context.Context, b *bench, v variant) error {
	began := time.Now()
	few, err := b.growthWorkloads(ctx, v, small.users)
	if err != nil {
		return err
	}
	many, err := b.growthWorkloads(ctx, v, b.size.users)
	if err != nil {
		return err
	}
	b.logf("%d users in %s: %.0f s", b.size.users, v.label, time.Since(began).Seconds())
	for i, name := range []string{"login without its hashing", "me", "users page of 100 at depth", "search for an address",
		"search for many addresses", "administrators", "suspendUser and reinstateUser"} {
		ratios, times, err := b.compare(ctx, few[i], many[i])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		b.table.note("%s, %s: %.2f ms with %d users", name, v.label, median(times), b.size.users)
		b.table.add(fmt.Sprintf("%s, %s: %d users ÷ %d", name, v.label, b.size.users, small.users), ratios,
			v.targets(atMost(1.3, 1.1)))
	}
	return nil
}

// growthWorkloads serves a database of so many users, and returns what is measured on it.
func (b *bench) growthWorkloads(ctx context.Context, v variant, users int) ([]workload, error) {
	p, err := b.serve(ctx, v, dataset{users: users, cost: cheapCost})
	if err != nil {
		return nil, err
	}
	callers := b.size.callers
	me, err := meWorkload(ctx, p, callers, users)
	if err != nil {
		return nil, err
	}
	pages, err := usersWorkload(ctx, p, 5*callers, users)
	if err != nil {
		return nil, err
	}
	administration, err := administrationWorkloads(ctx, p, 5*callers, users)
	return append([]workload{loginWorkload(p, 10*callers, users), me, pages}, administration...), err
}

// compare returns the ratio of the median times of each round, and all times of the second.
func (b *bench) compare(ctx context.Context, few, many workload) (ratios, times []float64, err error) {
	var pair [2]*client
	for i, w := range []workload{few, many} {
		if pair[i], err = dial(w.address); err != nil {
			return nil, nil, err
		}
		defer pair[i].conn.Close()
		defer context.AfterFunc(ctx, func() { pair[i].conn.Close() })()
		if w.before != nil {
			if _, err := pair[i].do(w.before); err != nil {
				return nil, nil, err
			}
		}
	}
	turn := 0
	for range b.size.rounds {
		var took [2][]float64
		for began := time.Now(); time.Since(began) < b.size.round; turn += batch {
			for i, w := range []workload{few, many} {
				some, err := pair[i].serial(w, turn, batch)
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
