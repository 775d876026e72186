package graphqlhttp

import (
	"context"
	"hash/maphash"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/querylimit"
)

const (
	// CachedDocuments is how many validated documents are cached.
	CachedDocuments = 160
	// maxCachedText bounds the text of a cached document in bytes.
	maxCachedText = 4 << 10
	// bytesPerToken bounds what one token of a cached document holds in memory, including the plan that package authz
	// caches with the document.
	bytesPerToken = 230
)

// MaxCacheBytes returns how many bytes of memory the cached documents and their plans hold at worst. Documents that
// clients really send hold about 3 KiB each.
func MaxCacheBytes(l querylimit.Limits) int {
	tokens := min(l.WithDefaults().Tokens, maxCachedText)
	return CachedDocuments * (tokens*bytesPerToken + maxCachedText)
}

// repeatedDocuments is a cache that stores short documents only, which bounds its memory and not just its entries, and
// those of anonymous callers only when they come again, so that documents that are sent once push nothing out.
type repeatedDocuments struct {
	graphql.Cache[*ast.QueryDocument]
	caller func(context.Context) Caller
	seed   maphash.Seed
	seen   [sightings]atomic.Uint64 // hashes of documents, each at its place
}

// sightings is how many documents are remembered as seen: at 400 new ones a second, those of 40 seconds.
const sightings = 1 << 14

func newRepeatedDocuments(c Config) *repeatedDocuments {
	return &repeatedDocuments{Cache: c.Documents, caller: c.Caller, seed: maphash.MakeSeed()}
}

// Add stores a document unless its text is long or seen for the first time.
func (c *repeatedDocuments) Add(ctx context.Context, text string, doc *ast.QueryDocument) {
	if len(text) <= maxCachedText && (c.caller(ctx).SignedIn || c.seenBefore(text)) {
		c.Cache.Add(ctx, text, doc)
	}
}

func (c *repeatedDocuments) seenBefore(text string) bool {
	hash := maphash.String(c.seed, text)
	return c.seen[hash%sightings].Swap(hash) == hash
}
