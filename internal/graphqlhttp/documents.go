package graphqlhttp

import (
	"context"
	"hash/maphash"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
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

// repeatedDocuments is a cache that stores short documents only, which bounds its memory and not just its entries. A
// document of an anonymous caller enters when it comes again, and when the cache is full, every document only in place of
// one that is used less (TinyLFU): documents that are sent a few times push nothing out.
type repeatedDocuments struct {
	graphql.Cache[*ast.QueryDocument]
	caller func(context.Context) Caller
	seed   maphash.Seed
	seen   [sightings]atomic.Uint64          // hashes of documents, with their counts as last byte
	uses   *lru.Cache[uint64, *atomic.Int32] // of the cached documents, by hash, in the order of the cache
}

const (
	// sightings is how many documents are remembered as seen: at 400 new ones a second, those of 40 seconds.
	sightings = 1 << 14
	// maxUses is where uses are no longer counted. A new document that was seen more often takes the place of any that is
	// not used now.
	maxUses = 64
)

func newRepeatedDocuments(c Config) *repeatedDocuments {
	uses, err := lru.New[uint64, *atomic.Int32](CachedDocuments)
	if err != nil {
		panic(err) // it rejects only sizes below one
	}
	return &repeatedDocuments{Cache: c.Documents, caller: c.Caller, seed: maphash.MakeSeed(), uses: uses}
}

// Get returns a document and counts its use, once for a request.
func (c *repeatedDocuments) Get(ctx context.Context, text string) (*ast.QueryDocument, bool) {
	info := requestInfoFrom(ctx)
	if info != nil && info.document != nil && info.text == text {
		return info.document, true
	}
	doc, ok := c.Cache.Get(ctx, text)
	if ok {
		if info != nil {
			info.text, info.document = text, doc
		}
		if uses, ok := c.uses.Get(maphash.String(c.seed, text)); ok && uses.Load() < maxUses {
			uses.Add(1)
		}
	}
	return doc, ok
}

// Add stores a document unless its text is long, seen for the first time, or seen less than what would have to go.
func (c *repeatedDocuments) Add(ctx context.Context, text string, doc *ast.QueryDocument) {
	if len(text) > maxCachedText {
		return
	}
	hash := maphash.String(c.seed, text)
	count := c.sight(hash)
	if c.caller(ctx).SignedIn {
		count++
	}
	if count > 1 && c.admit(hash, count) {
		c.Cache.Add(ctx, text, doc)
	}
}

// sight returns how often a document has been seen, as far as its places still tell. It has two, of which a new document
// takes the one that was seen less, so that two documents do not take turns in one.
func (c *repeatedDocuments) sight(hash uint64) int32 {
	i := hash % sightings
	place, other := &c.seen[i], &c.seen[i^1]
	before, beside := place.Load(), other.Load()
	if beside>>8 == hash>>8 || before>>8 != hash>>8 && beside&0xff < before&0xff {
		place, before = other, beside
	}
	count := uint64(1)
	if before>>8 == hash>>8 {
		count = min(before&0xff+1, maxUses+1)
	}
	place.Store(hash&^0xff | count)
	return int32(count)
}

// admit counts a document as cached if there is a place for it.
func (c *repeatedDocuments) admit(hash uint64, count int32) bool {
	if _, oldest, full := c.uses.GetOldest(); full && c.uses.Len() >= CachedDocuments && oldest.Load() >= count {
		return false
	}
	uses := &atomic.Int32{}
	uses.Store(min(count, maxUses))
	c.uses.Add(hash, uses)
	return true
}
