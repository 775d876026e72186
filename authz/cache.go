package authz

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// A cached query is bounded, so that the cache is bounded in bytes too: in its text and, because each operation may have
// a plan of its own beside it, in its operations.
const (
	maxCachedQuery      = 8 << 10 // bytes
	maxCachedOperations = 8
)

// queryCache keeps parsed queries and, beside each, the plans of its operations: one key, one eviction.
type queryCache struct {
	entries *lru.Cache[string, *cachedQuery]
}

// PlanStats says how often an operation's plan was there already, since the start.
type PlanStats struct{ Hits, Misses uint64 }

// PlanStats returns the numbers of this moment.
func (g *Guard) PlanStats() PlanStats { return PlanStats{g.hits.Load(), g.misses.Load()} }

type cachedQuery struct {
	doc   *ast.QueryDocument
	plans sync.Map // operation → *plan
}

var _ graphql.Cache[*ast.QueryDocument] = (*queryCache)(nil)

// QueryCache returns a cache of so many parsed queries for the server's SetQueryCache; the guard keeps its plans in it.
// It keeps at least one query, and none of more than 8 KiB or 8 operations. Without it every request is planned anew.
func (g *Guard) QueryCache(entries int) graphql.Cache[*ast.QueryDocument] {
	made, err := lru.New[string, *cachedQuery](max(entries, 1))
	if err != nil {
		panic(err) // it refuses sizes below one only
	}
	g.cache = &queryCache{entries: made}
	return g.cache
}

// Get returns the parsed query of a text.
func (c *queryCache) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	if e, ok := c.entries.Get(text); ok {
		return e.doc, true
	}
	return nil, false
}

// Add keeps the parsed query of a text.
func (c *queryCache) Add(_ context.Context, text string, doc *ast.QueryDocument) {
	if len(text) <= maxCachedQuery && len(doc.Operations) <= maxCachedOperations {
		c.entries.Add(text, &cachedQuery{doc: doc})
	}
}

// planOf returns the plan of an operation, made on first sight.
func (g *Guard) planOf(op *graphql.OperationContext) *plan {
	var e *cachedQuery
	if g.cache != nil {
		e, _ = g.cache.entries.Peek(op.RawQuery)
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
