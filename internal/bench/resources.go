package main

import (
	"context"
	"time"
)

// starts is the time from starting the program on a migrated database to its first response, which reads the database.
func starts(ctx context.Context, b *bench, v variant) error {
	url, me, err := b.usedDatabase(ctx, v)
	if err != nil {
		return err
	}
	var all []float64
	for range b.size.starts {
		began := time.Now()
		p, err := b.launch(ctx, v, url, small.cost, me)
		if err != nil {
			return err
		}
		all = append(all, milliseconds(time.Since(began)))
		p.stop()
	}
	b.table.add("start to first answer, "+v.label, all, v.targets(atMost(300, 100).in("ms")))
	return nil
}

// memory is the memory of a server that has answered one request, and then many, with logins among them.
func memory(ctx context.Context, b *bench, v variant) error {
	url, me, err := b.usedDatabase(ctx, v)
	if err != nil {
		return err
	}
	p, err := b.launch(ctx, v, url, small.cost, me)
	if err != nil {
		return err
	}
	defer p.stop() // before the next is measured, which would share the program with it
	time.Sleep(time.Second)
	idle, err := p.resident()
	if err != nil {
		return err
	}
	me.address = p.address
	for range 10 {
		if err := me.send(ctx, connections, b.size.requests/10); err != nil {
			return err
		}
		if err := loginWorkload(p, small.users, small.users).send(ctx, loginClients, loginClients); err != nil {
			return err
		}
	}
	after, err := p.resident()
	b.table.add("resident memory idle, "+v.label, []float64{idle}, v.targets(atMost(64, 40).in("MiB")))
	b.table.add("the same after many requests, "+v.label, []float64{after}, v.targets(atMost(128, 64).in("MiB")))
	b.table.note("memory, %s: after %d of me and %d logins", v.label, b.size.requests, 10*loginClients)
	return err
}

// usedDatabase returns a database, and requests of callers who logged in at a server that has stopped since.
func (b *bench) usedDatabase(ctx context.Context, v variant) (string, workload, error) {
	url, err := b.makeDatabase(ctx, v, small)
	if err != nil {
		return "", workload{}, err
	}
	p, err := b.launch(ctx, v, url, small.cost, deniedWorkload(""))
	if err != nil {
		return "", workload{}, err
	}
	defer p.stop()
	me, err := meWorkload(ctx, p, b.size.callers, small.users)
	return url, me, err
}
