package graphqlhttp

import (
	"context"

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

// shortDocuments is a cache that stores short documents only, which bounds its memory and not just its entries.
type shortDocuments struct {
	graphql.Cache[*ast.QueryDocument]
}

// Add stores a document unless its text is long.
func (c shortDocuments) Add(ctx context.Context, text string, doc *ast.QueryDocument) {
	if len(text) <= maxCachedText {
		c.Cache.Add(ctx, text, doc)
	}
}
