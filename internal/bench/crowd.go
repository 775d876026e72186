package main

import (
	"context"
	"fmt"
	"strings"
)

// crowd is `me` of few and of many users in turn: one, fewer than a cache holds, about as many, and more. All are on
// one server, whose caches are full.
func crowd(ctx context.Context, b *bench) error {
	plain, err := b.plain(ctx, cachedDocument(0))
	if err != nil {
		return err
	}
	start := func(v variant) ([]*subject, error) { return b.crowdOf(ctx, v, plain) }
	subjects, err := b.alternate(ctx, []*subject{plain}, start)
	if err != nil {
		return err
	}
	variants := b.variants()
	for i, v := range variants {
		s := subjects[(i+1)*len(subjects)/len(variants)-1]
		resident, err := s.process.resident()
		if err != nil {
			return err
		}
		b.table.add(s.name+", processor time a request", s.cpu, bounds{unit: "µs"})
		b.table.add(fmt.Sprintf("%s, garbage collections in %d requests", s.name, collectionsPer), s.collections,
			v.targets(atMost(40, 20)))
		b.table.add(s.name+", resident memory", []float64{resident}, v.targets(atMost(160, 128).in("MiB")))
	}
	return nil
}

// crowdOf returns the subjects of a variant. Those of many users send each request once before a round: the round of
// another may have pushed their sessions out of the caches.
func (b *bench) crowdOf(ctx context.Context, v variant, plain *subject) ([]*subject, error) {
	sessions := b.size.sessions
	p, err := b.serve(ctx, v, dataset{users: sessions, cost: cheapCost})
	if err != nil {
		return nil, err
	}
	tokens, err := signIn(ctx, p, sessions, sessions)
	if err != nil {
		return nil, err
	}
	every, documents := workload{address: p.address, prefix: mePrefix}, workload{address: p.address, prefix: mePrefix}
	for i, token := range tokens {
		every.requests = append(every.requests, graphqlRequest(meQuery, nil, token))
		documents.requests = append(documents.requests, graphqlRequest(cachedDocument(i%cachedDocuments), nil, token))
	}
	subjectOf := func(users int, against ...comparison) *subject {
		w := every
		w.requests = w.requests[:users]
		return &subject{name: fmt.Sprintf("me, %d users in turn, %s", users, v.label), process: p, workload: w,
			warmUp: users, against: against}
	}
	bar := v.targets(atLeast(0.85, 0.95))
	one := subjectOf(1)
	one.name = "me, one user, " + v.label
	few := subjectOf(sessions/4, comparison{one, bar})
	all := []*subject{one, few, subjectOf(sessions*9/20, comparison{few, bar}), subjectOf(sessions, comparison{few, bar}),
		{name: fmt.Sprintf("me, %d users in turn, by %d documents, %s", sessions, cachedDocuments, v.label), process: p,
			workload: documents, warmUp: sessions, against: []comparison{{plain, bounds{}}}}}
	return all, nil
}

// cachedDocuments is the number of documents that the callers of crowdOf send.
const cachedDocuments = 160

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
