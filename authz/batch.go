package authz

import (
	"context"
	"reflect"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// batchKey names one call of a batch resolver: gqlgen resolves a field once for all objects of a list.
type batchKey struct {
	parents *graphql.BatchParentGroup
	alias   string
}

// visibleBatch is the context of such a call without the objects whose field the viewer may not see.
type visibleBatch struct {
	once sync.Once
	ctx  context.Context // nil: all may be seen
}

// withVisibleParents keeps from a batch resolver the hidden objects of its list, which are nil, and those of which this
// field is denied.
func (e *execution) withVisibleParents(
	ctx context.Context, d *decision, check *fieldCheck, fc *graphql.FieldContext,
) context.Context {
	group := graphql.GetBatchParentGroup(ctx, fc.Object)
	if group == nil {
		return ctx
	}
	entry, _ := e.batches.LoadOrStore(batchKey{group, fc.Field.Alias}, &visibleBatch{})
	b := entry.(*visibleBatch)
	b.once.Do(func() {
		parents := reflect.ValueOf(group.Parents)
		kept, indexes := reflect.MakeSlice(parents.Type(), 0, parents.Len()), map[int]int{}
		for i := range parents.Len() {
			parent := parents.Index(i)
			if isNil(parent) || len(e.forbidden(ctx, d, check, fc, pointerTo(parent))) > 0 {
				continue
			}
			indexes[i] = kept.Len()
			kept = reflect.Append(kept, parent)
		}
		if kept.Len() < parents.Len() {
			b.ctx = graphql.WithBatchParents(ctx, fc.Object, kept.Interface(), inList(group.IndexMap, indexes))
		}
	})
	if b.ctx == nil {
		return ctx
	}
	return batchContext{ctx, b.ctx}
}

// inList returns the index of each kept object by its index in the list. The indexes are those in the group, which may
// be the objects of one type among several.
func inList(group, indexes map[int]int) map[int]int {
	if group == nil {
		return indexes
	}
	all := map[int]int{}
	for list, i := range group {
		if kept, ok := indexes[i]; ok {
			all[list] = kept
		}
	}
	return all
}

// batchContext is the context of one object's field with the group of objects that all share.
type batchContext struct {
	context.Context
	shared context.Context
}

// Value returns the shared group where gqlgen asks for its group, whose key only gqlgen knows.
func (c batchContext) Value(key any) any {
	value := c.Context.Value(key)
	if _, ok := value.(*graphql.BatchParentState); ok {
		return c.shared.Value(key)
	}
	return value
}
