package authz

import (
	"context"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// denyMissing gives a resolver's NOT_FOUND the words of the guard, where those could be about another's object. It
// reports whether they could.
func (e *execution) denyMissing(ctx context.Context, d *decision, fc *graphql.FieldContext, at ast.Path) bool {
	arguments, check := d.arguments[argumentKey{fc.Object, fc.Field.Field}], d.checks[fieldKey{fc.Object,
		fc.Field.Name}]
	switch {
	case arguments != nil && arguments.named != "":
		e.deny(fc, at, notFound(arguments.named))
	case check != nil && check.mayHide:
		(&objectFilter{execution: e, ctx: ctx, fc: fc, decision: d, field: check.rule}).deny(at)
	default:
		return false
	}
	return true
}

// replaceNotFound does the same for errors that a resolver added to the response, as federation's _entities does.
func (e *execution) replaceNotFound(ctx context.Context, response *graphql.Response) {
	isNotFound := func(err *gqlerror.Error) bool { return hasNotFoundCode(err) || e.guard.config.IsNotFound(err) }
	if !slices.ContainsFunc(response.Errors, isNotFound) {
		return
	}
	denied := map[string]bool{} // by path without indexes
	e.mu.Lock()
	for _, v := range e.denied {
		denied[strings.Join(names(v.path), ".")] = true
	}
	e.mu.Unlock()
	decisions := e.decisions()
	response.Errors = slices.DeleteFunc(response.Errors, func(err *gqlerror.Error) bool {
		if !isNotFound(err) {
			return false
		}
		path := e.belowEvent(err.Path)
		key := strings.Join(names(path), ".")
		denied[key] = denied[key] || e.denyMissingAt(ctx, path, decisions)
		return denied[key]
	})
}

// denyMissingAt is denyMissing for whatever fields the document has at a path.
func (e *execution) denyMissingAt(ctx context.Context, path ast.Path, below map[string][]*decision) bool {
	keys := names(path)
	for _, f := range fieldsAt(e.operation.SelectionSet, keys) {
		for _, d := range append([]*decision{e.decision}, below[keys[0]]...) {
			for _, object := range e.guard.objectTypes() {
				fc := &graphql.FieldContext{Object: object.name, Field: graphql.CollectedField{Field: f}}
				if e.denyMissing(ctx, d, fc, path) {
					return true
				}
			}
		}
	}
	return false
}

// decisions are those below @signsIn fields, by the root field that each stands at or below.
func (e *execution) decisions() map[string][]*decision {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := map[string][]*decision{}
	for fc, d := range e.afterSignIn {
		root := names(fc.Path())[0]
		all[root] = append(all[root], d)
	}
	return all
}

// names are the fields of a path.
func names(path ast.Path) (all []string) {
	for _, element := range path {
		if name, ok := element.(ast.PathName); ok {
			all = append(all, string(name))
		}
	}
	return all
}

// fieldsAt lists the fields that a selection set has at a path of response keys, in time linear in the document.
func fieldsAt(set ast.SelectionSet, keys []string) (found []*ast.Field) {
	sets := []ast.SelectionSet{set}
	for _, key := range keys {
		found = nil
		seen := map[*ast.FragmentDefinition]bool{}
		for i := 0; i < len(sets); i++ { // fragments add to it
			for _, s := range sets[i] {
				switch s := s.(type) {
				case *ast.Field:
					if s.Alias == key {
						found = append(found, s)
					}
				case *ast.InlineFragment:
					sets = append(sets, s.SelectionSet)
				case *ast.FragmentSpread:
					if !seen[s.Definition] {
						seen[s.Definition] = true
						sets = append(sets, s.Definition.SelectionSet)
					}
				}
			}
		}
		sets = nil
		for _, f := range found {
			sets = append(sets, f.SelectionSet)
		}
	}
	return found
}
