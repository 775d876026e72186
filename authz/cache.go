package authz

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// The cache is bounded in entries and, by these limits of one entry, in bytes too. Each operation of a query may have a
// plan of its own.
const (
	maxCachedQueryLen   = 8 << 10 // bytes
	maxCachedOperations = 8
)

// QueryCache holds parsed queries and, with each, the plans of its operations: one key, one eviction. NewQueryCache
// makes one.
type QueryCache struct {
	entries *lru.Cache[string, *cachedQuery]
	taken   atomic.Bool // by a guard: plans hold the rules of one schema
}

// PlanStats counts the operations whose plan was cached or not, since the start.
type PlanStats struct{ Hits, Misses uint64 }

// PlanStats returns the current counts.
func (g *Guard) PlanStats() PlanStats { return PlanStats{g.hits.Load(), g.misses.Load()} }

type cachedQuery struct {
	doc   *ast.QueryDocument
	plans sync.Map // operation → *plan
}

var _ graphql.Cache[*ast.QueryDocument] = (*QueryCache)(nil)

// NewQueryCache returns a cache of so many parsed queries, for Config.QueryCache and for SetQueryCache of the same
// server. It holds at least one query, and none of more than 8 KiB or 8 operations.
func NewQueryCache(size int) *QueryCache {
	entries, err := lru.New[string, *cachedQuery](max(size, 1))
	if err != nil {
		panic(err) // it rejects only sizes below one
	}
	return &QueryCache{entries: entries}
}

// Get returns the parsed query of a text.
func (c *QueryCache) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	if e, ok := c.entries.Get(text); ok {
		return e.doc, true
	}
	return nil, false
}

// Add stores the parsed query of a text.
func (c *QueryCache) Add(_ context.Context, text string, doc *ast.QueryDocument) {
	if len(text) <= maxCachedQueryLen && len(doc.Operations) <= maxCachedOperations {
		c.entries.Add(text, &cachedQuery{doc: doc})
	}
}

// planOf returns the plan of an operation, from the cache if it is there.
func (g *Guard) planOf(op *graphql.OperationContext) *plan {
	var e *cachedQuery
	if cache := g.config.QueryCache; cache != nil {
		e, _ = cache.entries.Peek(op.RawQuery)
	}
	if e != nil && e.doc == op.Doc {
		if p, ok := e.plans.Load(op.Operation); ok {
			g.hits.Add(1)
			return p.(*plan)
		}
	}
	g.misses.Add(1)
	if e == nil || e.doc != op.Doc {
		return newPlan(g.table, op.Doc, op.Operation)
	}
	p, _ := e.plans.LoadOrStore(op.Operation, newPlan(g.table, op.Doc, op.Operation))
	return p.(*plan)
}
