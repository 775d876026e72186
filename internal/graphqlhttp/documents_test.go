package graphqlhttp

import (
	"context"
	"fmt"
	"testing"

	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
)

// documentsOf returns a cache, and how requests ask it: as a caller who is signed in or not.
func documentsOf() (ask func(text string, signedIn bool) (hit bool)) {
	signedIn := false
	c := newRepeatedDocuments(Config{Documents: lru.New[*ast.QueryDocument](CachedDocuments),
		Caller: func(context.Context) Caller { return Caller{SignedIn: signedIn} }})
	return func(text string, as bool) bool {
		signedIn = as
		_, hit := c.Get(context.Background(), text)
		if !hit {
			c.Add(context.Background(), text, nil)
		}
		return hit
	}
}

// TestDocumentCache_FloodLeavesDocumentsThatAreUsed: somebody sends four hundred requests a second for five minutes, each
// text some times. The documents of others, each used once a second, stay, but for one of three whose sightings share two
// places.
func TestDocumentCache_FloodLeavesDocumentsThatAreUsed(t *testing.T) {
	for _, documents := range []int{1, 10, 40, 100} {
		for _, times := range []int{0, 1, 2, 3, 4, 6, 10, 20, 50} {
			for _, signedIn := range []bool{false, true} {
				hits := hitsInFlood(documents, times, signedIn)
				if hits < 0.95 {
					t.Errorf("%d documents, each text %d times, signed in %v: %.2f found", documents, times, signedIn, hits)
				}
			}
		}
	}
}

// hitsInFlood returns the share of documents that are found while others send each text some times.
func hitsInFlood(documents, times int, signedIn bool) float64 {
	const seconds, requests, before = 300, 400, 30
	ask, hits := documentsOf(), 0
	for second := range seconds + before {
		for n := range requests {
			if times > 0 && second >= before {
				ask(fmt.Sprint("flood", (second*requests+n)/times), signedIn)
			}
			document := n * documents / requests
			due := document != (n+1)*documents/requests
			if due && ask(fmt.Sprint("document", document), false) && second >= before {
				hits++
			}
		}
	}
	return float64(hits) / float64(documents*seconds)
}

// TestDocumentCache_NewDocumentsTakeThePlacesOfUnused: clients that are replaced send other documents. Of three whose
// sightings share two places, one may stay out.
func TestDocumentCache_NewDocumentsTakeThePlacesOfUnused(t *testing.T) {
	ask := documentsOf()
	for range 10 * maxUses {
		for n := range CachedDocuments {
			ask(fmt.Sprint("old", n), false)
		}
	}
	for range maxUses + 2 {
		for n := range CachedDocuments {
			ask(fmt.Sprint("new", n), false)
		}
	}
	missing := 0
	for n := range CachedDocuments {
		if !ask(fmt.Sprint("new", n), false) {
			missing++
		}
	}
	if missing > CachedDocuments/20 {
		t.Errorf("%d of %d documents are not cached", missing, CachedDocuments)
	}
}
