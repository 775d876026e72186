package querylimit

import (
	"context"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// VariableChecks is an extension that refuses variables which gqlparser accepts and gqlgen then misreads.
type VariableChecks struct{ Schema *ast.Schema }

var _ graphql.OperationContextMutator = VariableChecks{}

// ExtensionName is for gqlgen.
func (VariableChecks) ExtensionName() string { return "VariableChecks" }

// Validate is for gqlgen; every schema will do.
func (VariableChecks) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext checks the variables of a validated operation before it is authorized.
func (c VariableChecks) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if name := declaredDifferently(op.Doc); name != "" {
		return invalidVariable("the operations declare $%s differently, and share fragments; declare it alike", name)
	}
	for _, v := range op.Operation.VariableDefinitions {
		value, ok := op.Variables[v.Variable]
		if ok && value == nil && v.DefaultValue != nil && usedAsNonNull(op, v.Variable) {
			return invalidVariable("$%s is null, but is used where null may not be; leave it out to have its default",
				v.Variable)
		}
	}
	return c.checkStrings(op)
}

func invalidVariable(format, name string) *gqlerror.Error {
	return newError(problem.ValidationFailed, fmt.Sprintf(format, Truncate(name)))
}

// declaredDifferently returns a variable that two operations declare differently in a document with fragments.
// gqlparser binds a fragment's variable to the operation that it walked last, so gqlgen would use that one's default.
func declaredDifferently(doc *ast.QueryDocument) string {
	if len(doc.Operations) < 2 || len(doc.Fragments) == 0 {
		return ""
	}
	seen := map[string]*ast.VariableDefinition{}
	for _, op := range doc.Operations {
		for _, v := range op.VariableDefinitions {
			earlier := seen[v.Variable]
			if earlier != nil && declaration(earlier) != declaration(v) {
				return v.Variable
			}
			seen[v.Variable] = v
		}
	}
	return ""
}

func declaration(v *ast.VariableDefinition) string {
	return v.Type.String() + "=" + v.DefaultValue.String()
}

// usedAsNonNull reports whether an operation uses a variable where the type is non-null. A nullable variable is allowed
// there because it has a default (GraphQL, section 5.8.5), and the specification has such a field fail when it runs;
// here the operation is refused before anything of it runs.
func usedAsNonNull(op *graphql.OperationContext, name string) bool {
	u := &variableUse{fragments: op.Doc.Fragments, name: name, seen: map[string]bool{}}
	return u.inDirectives(op.Operation.Directives) || slices.ContainsFunc(op.Operation.SelectionSet, u.inSelection)
}

// variableUse searches for a variable where the type is non-null, in each fragment once.
type variableUse struct {
	fragments ast.FragmentDefinitionList
	name      string
	seen      map[string]bool
}

func (u *variableUse) inSelection(s ast.Selection) bool {
	switch s := s.(type) {
	case *ast.Field:
		return slices.ContainsFunc(s.Arguments, u.inArgument) || u.inDirectives(s.Directives) ||
			slices.ContainsFunc(s.SelectionSet, u.inSelection)
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

func (u *variableUse) inDirectives(all ast.DirectiveList) bool {
	return slices.ContainsFunc(all, func(d *ast.Directive) bool {
		return slices.ContainsFunc(d.Arguments, u.inArgument)
	})
}

func (u *variableUse) inArgument(a *ast.Argument) bool { return u.inValue(a.Value) }

func (u *variableUse) inValue(v *ast.Value) bool {
	if v.Kind == ast.Variable {
		return v.Raw == u.name && v.ExpectedType != nil && v.ExpectedType.NonNull
	}
	return slices.ContainsFunc(v.Children, func(child *ast.ChildValue) bool { return u.inValue(child.Value) })
}
