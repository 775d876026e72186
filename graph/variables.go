package graph

import (
	"context"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// variables refuses what gqlparser lets pass and gqlgen then misreads.
type variables struct{}

var _ graphql.OperationContextMutator = variables{}

func (variables) ExtensionName() string { return "Variables" }

func (variables) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext looks at the variables of an operation before it is decided.
func (variables) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if name := declaredTwice(op.Doc); name != "" {
		return refuse(problem.ValidationFailed, fmt.Sprintf("the operations declare $%s differently, and share fragments; declare it alike", shorten(name)))
	}
	for _, v := range op.Operation.VariableDefinitions {
		value, given := op.Variables[v.Variable]
		if given && value == nil && v.DefaultValue != nil && usedWhereNullMayNotBe(op, v.Variable) {
			return refuse(problem.ValidationFailed, fmt.Sprintf("$%s is null, but is used where null may not be; leave it out to have its default", shorten(v.Variable)))
		}
	}
	return nil
}

// declaredTwice returns a variable that two operations declare differently beside fragments. gqlparser binds a
// fragment's variable to the operation that it walked last, so the executor would take that one's default.
func declaredTwice(doc *ast.QueryDocument) string {
	if len(doc.Operations) < 2 || len(doc.Fragments) == 0 {
		return ""
	}
	seen := map[string]*ast.VariableDefinition{}
	for _, op := range doc.Operations {
		for _, v := range op.VariableDefinitions {
			former := seen[v.Variable]
			if former != nil && (former.Type.String() != v.Type.String() || former.DefaultValue.String() != v.DefaultValue.String()) {
				return v.Variable
			}
			seen[v.Variable] = v
		}
	}
	return ""
}

// usedWhereNullMayNotBe reports whether an operation uses a variable in a place of a non-null type. A variable that may
// be null is allowed there because it has a default (GraphQL, section 5.8.5), and the specification has such a field
// fail when it runs; here the operation is refused before any of it does.
func usedWhereNullMayNotBe(op *graphql.OperationContext, name string) bool {
	u := &uses{fragments: op.Doc.Fragments, name: name, seen: map[string]bool{}}
	return u.inDirectives(op.Operation.Directives) || slices.ContainsFunc(op.Operation.SelectionSet, u.inSelection)
}

// uses looks for a variable in places of non-null types, into each fragment once.
type uses struct {
	fragments ast.FragmentDefinitionList
	name      string
	seen      map[string]bool
}

func (u *uses) inSelection(s ast.Selection) bool {
	switch s := s.(type) {
	case *ast.Field:
		return slices.ContainsFunc(s.Arguments, u.inArgument) || u.inDirectives(s.Directives) || slices.ContainsFunc(s.SelectionSet, u.inSelection)
	case *ast.InlineFragment:
		return u.inDirectives(s.Directives) || slices.ContainsFunc(s.SelectionSet, u.inSelection)
	case *ast.FragmentSpread:
		if u.inDirectives(s.Directives) {
			return true
		}
		again := u.seen[s.Name]
		u.seen[s.Name] = true
		return !again && slices.ContainsFunc(u.fragments.ForName(s.Name).SelectionSet, u.inSelection)
	}
	return false
}

func (u *uses) inDirectives(all ast.DirectiveList) bool {
	return slices.ContainsFunc(all, func(d *ast.Directive) bool { return slices.ContainsFunc(d.Arguments, u.inArgument) })
}

func (u *uses) inArgument(a *ast.Argument) bool { return u.inValue(a.Value) }

func (u *uses) inValue(v *ast.Value) bool {
	if v.Kind == ast.Variable {
		return v.Raw == u.name && v.ExpectedType != nil && v.ExpectedType.NonNull
	}
	return slices.ContainsFunc(v.Children, func(child *ast.ChildValue) bool { return u.inValue(child.Value) })
}
