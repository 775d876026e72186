package main

import (
	"context"
	"fmt"
	"strings"
)

// caches is `me` with full caches: more sessions and documents in turn than any cache of a processor holds, so that
// garbage collection has to walk over all that the server remembers.
func caches(ctx context.Context, b *bench) error {
	sessions := b.size.sessions
	subjects, err := b.againstPlain(ctx, cachedDocument(0), func(v variant) ([]*subject, error) {
		p, err := b.serve(ctx, v, dataset{users: sessions, cost: cheapCost})
		if err != nil {
			return nil, err
		}
		w, err := cachedWorkload(ctx, p, sessions)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("me, %d users in turn, %s", sessions, v.label)
		err = w.send(ctx, connections, sessions) // fills the caches
		return []*subject{{name: name, process: p, workload: w}}, err
	})
	if err != nil {
		return err
	}
	for i, v := range b.variants() {
		s := subjects[i]
		resident, err := s.process.resident()
		if err != nil {
			return err
		}
		b.table.add(s.name+", processor time a request", s.cpu, bounds{unit: "µs"})
		b.table.add(fmt.Sprintf("%s, garbage collections in %d requests", s.name, collectionsPer), s.collections,
			v.targets(atMost(40, 20)))
		b.table.add(s.name+", resident memory", []float64{resident}, bounds{unit: "MiB"})
	}
	return nil
}

// cachedDocuments is the number of documents that the callers of cachedWorkload send.
const cachedDocuments = 160

// cachedWorkload is `me` of so many users, by documents of a front end's size that take turns.
func cachedWorkload(ctx context.Context, p *process, sessions int) (workload, error) {
	w := workload{address: p.address, prefix: mePrefix}
	tokens, err := signIn(ctx, p, sessions, sessions)
	for i, token := range tokens {
		w.requests = append(w.requests, graphqlRequest(cachedDocument(i%cachedDocuments), nil, token))
	}
	return w, err
}

// cachedDocument asks for `me`, and has 180 fields that are skipped: they fill the cache, and cost no answer.
func cachedDocument(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "query Me%d{me{id email", n)
	for i := range 30 {
		fmt.Fprintf(&b, " ...F%d@include(if:false)", i)
	}
	b.WriteString("}}")
	for i := range 30 {
		fmt.Fprintf(&b, " fragment F%d on User{emailVerified name roles status createdAt updatedAt}", i)
	}
	return b.String()
}
