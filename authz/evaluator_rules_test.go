package authz_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

func isAnonymous(p *allfeatures.Viewer) bool { return p == nil || p.CheckErr != nil || !p.SignedIn() }

// clauses returns the alternatives of a rule, each as its arguments by name.
func clauses(d *ast.Directive) []map[string]*ast.Value {
	flat := map[string]*ast.Value{}
	for _, a := range d.Arguments {
		if a.Name != "any" {
			flat[a.Name] = a.Value
			continue
		}
		var all []map[string]*ast.Value
		for _, item := range a.Value.Children {
			one := map[string]*ast.Value{}
			for _, f := range item.Value.Children {
				one[f.Name] = f.Value
			}
			all = append(all, one)
		}
		return all
	}
	return []map[string]*ast.Value{flat}
}

func words(v *ast.Value) (all []string) {
	if v != nil {
		for _, c := range v.Children {
			all = append(all, c.Value.Raw)
		}
	}
	return all
}

func owns(p *allfeatures.Viewer, relation string, object any) bool {
	if relation == "AUTHOR" {
		return allfeatures.IsAuthor(p, object)
	}
	return allfeatures.IsMember(p, object)
}

// lacks returns the code of what a viewer lacks for one clause, or "". A nil object is not known yet.
func lacks(clause map[string]*ast.Value, p *allfeatures.Viewer, object any) string {
	if roles := words(clause["roles"]); len(roles) > 0 && !slices.ContainsFunc(roles, p.HasRole) {
		return "FORBIDDEN"
	}
	scopes := words(clause["scopes"])
	if p.Restrict && len(scopes) == 0 {
		return "FORBIDDEN"
	}
	for _, s := range scopes {
		if !p.HasScope(s) {
			return "INSUFFICIENT_SCOPE"
		}
	}
	if age := clause["maxAge"]; age != nil {
		var seconds float64
		fmt.Sscan(age.Raw, &seconds)
		if p.AuthTime.IsZero() || now.Sub(p.AuthTime).Seconds() > seconds {
			return "REAUTHENTICATION_REQUIRED"
		}
	}
	if clause["mfa"] != nil && !p.TwoFactors {
		return "REAUTHENTICATION_REQUIRED"
	}
	if owner := clause["owner"]; owner != nil && object != nil && !owns(p, owner.Raw, object) {
		return "NOT_FOUND"
	}
	return ""
}

// codes are in the order in which they are reported.
var codes = []string{
	"", "INTERNAL", "UNAUTHENTICATED", "REAUTHENTICATION_REQUIRED", "INSUFFICIENT_SCOPE", "FORBIDDEN", "NOT_FOUND",
}

// worse returns the code for two rules that must both hold.
func worse(a, b string) string {
	return codes[max(slices.Index(codes, a), slices.Index(codes, b))]
}

// denied returns the code with which the rules among these directives deny, or "".
func denied(list ast.DirectiveList, p *allfeatures.Viewer, object any) string {
	d := list.ForName("auth")
	if d == nil {
		return ""
	}
	if p != nil && p.CheckErr != nil {
		return "INTERNAL"
	}
	if isAnonymous(p) {
		return "UNAUTHENTICATED"
	}
	best := len(codes)
	for _, c := range clauses(d) {
		best = min(best, slices.Index(codes, lacks(c, p, object)))
	}
	return codes[best]
}

// dependsOnObject reports whether a rule denies some objects to a viewer and grants others.
func dependsOnObject(list ast.DirectiveList, p *allfeatures.Viewer) bool {
	return denied(list, p, nil) == "" && denied(list, p, struct{}{}) != ""
}

func (e *evaluator) possible(t *ast.Type) []*ast.Definition {
	all := (&generator{schema: e.schema}).concrete(t)
	return slices.DeleteFunc(slices.Clone(all), func(one *ast.Definition) bool { return one.Kind != ast.Object })
}

func (e *evaluator) included(list ast.DirectiveList) bool {
	value := func(name string, otherwise bool) bool {
		d := list.ForName(name)
		if d == nil {
			return otherwise
		}
		v := d.Arguments.ForName("if").Value
		if v.Kind == ast.Variable {
			yes, _ := e.variables[v.Raw].(bool)
			return yes
		}
		return v.Raw == "true"
	}
	return value("include", true) && !value("skip", false)
}

// selected lists the fields that a set selects on a type, with fragments expanded, in their order.
func (e *evaluator) selected(set ast.SelectionSet, typ *ast.Definition) (all []*ast.Field) {
	applies := func(condition string) bool {
		return condition == "" || slices.Contains(e.possible(ast.NamedType(condition, nil)), typ)
	}
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if e.included(s.Directives) {
				all = append(all, s)
			}
		case *ast.InlineFragment:
			if e.included(s.Directives) && applies(s.TypeCondition) {
				all = append(all, e.selected(s.SelectionSet, typ)...)
			}
		case *ast.FragmentSpread:
			f := e.doc.Fragments.ForName(s.Name)
			if e.included(s.Directives) && applies(f.TypeCondition) {
				all = append(all, e.selected(f.SelectionSet, typ)...)
			}
		}
	}
	return all
}

// supplied returns the value that the client supplied, with variables replaced, and whether there is any.
func (e *evaluator) supplied(v *ast.Value) (any, bool) {
	switch v.Kind {
	case ast.Variable:
		value, ok := e.variables[v.Raw]
		return value, ok
	case ast.ObjectValue:
		object := map[string]any{}
		for _, c := range v.Children {
			if value, ok := e.supplied(c.Value); ok {
				object[c.Name] = value
			}
		}
		return object, true
	case ast.ListValue:
		list := []any{}
		for _, c := range v.Children {
			value, _ := e.supplied(c.Value)
			list = append(list, value)
		}
		return list, true
	default:
		value, err := v.Value(nil)
		if err != nil {
			panic(err)
		}
		return value, true
	}
}

// inside visits the guarded input fields of a supplied value.
func (e *evaluator) inside(t *ast.Type, value any, visit func(*ast.FieldDefinition, string, any)) {
	def := e.schema.Types[t.Name()]
	v := reflect.ValueOf(value)
	if def.Kind != ast.InputObject || !v.IsValid() {
		return
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			e.inside(t, v.Index(i).Interface(), visit)
		}
		return
	}
	object := value.(map[string]any)
	for _, f := range def.Fields {
		if inner, ok := object[f.Name]; ok {
			visit(f, def.Name+"."+f.Name, inner)
			e.inside(f.Type, inner, visit)
		}
	}
}

// forbidden lists, as code and coordinate, what forbids a field before any object is known.
func (e *evaluator) forbidden(f *ast.Field, typ *ast.Definition, p *allfeatures.Viewer) (all [][2]string) {
	if f.Name == "__schema" || f.Name == "__type" {
		return [][2]string{{"FORBIDDEN", typ.Name + "." + f.Name}}
	}
	if f.Name == "__typename" {
		return nil
	}
	def := typ.Fields.ForName(f.Name)
	coordinate := typ.Name + "." + f.Name
	code := denied(def.Directives, p, nil)
	if e.isRoot(typ) {
		code = worse(code, denied(typ.Directives, p, nil))
	}
	if code != "" {
		return [][2]string{{code, coordinate}}
	}
	e.eachSupplied(f, typ, func(list ast.DirectiveList, at string, value any) {
		code := denied(list, p, nil)
		if code == "" && (e.isRoot(typ) || !strings.Contains(at, "(")) && dependsOnObject(list, p) {
			code = e.foreign(list, p, value)
		}
		if code != "" {
			all = append(all, [2]string{code, at})
		}
	})
	if len(all) > 0 || def.Directives.ForName("signsIn") != nil {
		return all
	}
	possible := e.possible(def.Type)
	for _, t := range possible {
		if e.typeDenied(t, p) == "" {
			return nil
		}
	}
	if len(possible) > 0 {
		return [][2]string{{e.typeDenied(possible[0], p), possible[0].Name}}
	}
	return nil
}

// foreign returns NOT_FOUND when one of the ids in a value is of no object, or of one that the rule denies.
func (e *evaluator) foreign(list ast.DirectiveList, p *allfeatures.Viewer, value any) string {
	if ids := reflect.ValueOf(value); ids.IsValid() && ids.Kind() == reflect.Slice {
		for i := range ids.Len() {
			if code := e.foreign(list, p, ids.Index(i).Interface()); code != "" {
				return code
			}
		}
		return ""
	}
	if value == nil {
		return ""
	}
	object := e.resolver.Object(fmt.Sprint(value))
	if object == (allfeatures.Node)(nil) || denied(list, p, object) != "" {
		return "NOT_FOUND"
	}
	return ""
}

func (e *evaluator) eachSupplied(f *ast.Field, typ *ast.Definition, visit func(ast.DirectiveList, string, any)) {
	def := typ.Fields.ForName(f.Name)
	for _, a := range f.Arguments {
		value, ok := e.supplied(a.Value)
		if !ok {
			continue
		}
		arg := def.Arguments.ForName(a.Name)
		visit(arg.Directives, typ.Name+"."+f.Name+"("+a.Name+":)", value)
		e.inside(arg.Type, value, func(in *ast.FieldDefinition, at string, inner any) { visit(in.Directives, at, inner) })
	}
}

func (e *evaluator) isRoot(t *ast.Definition) bool {
	return t == e.schema.Query || t == e.schema.Mutation || t == e.schema.Subscription
}

// typeDenied returns the code with which a type's rule denies all its objects. The rule of a root type is its fields'.
func (e *evaluator) typeDenied(t *ast.Definition, p *allfeatures.Viewer) string {
	if e.isRoot(t) {
		return ""
	}
	return denied(t.Directives, p, nil)
}

// forbids denies a field that is forbidden before any object is known, and reports whether it is.
func (e *evaluator) forbids(f *ast.Field, typ *ast.Definition, p *allfeatures.Viewer) bool {
	list := e.forbidden(f, typ, p)
	for _, one := range list {
		e.deny(one[0], one[1])
	}
	return len(list) > 0
}

// forbidsAnything denies the outermost forbidden parts of a mutation or subscription, and reports whether there are
// any.
func (e *evaluator) forbidsAnything(set ast.SelectionSet, typ *ast.Definition, p *allfeatures.Viewer) bool {
	for _, f := range e.selected(set, typ) {
		def := typ.Fields.ForName(f.Name)
		if e.forbids(f, typ, p) || def == nil || def.Directives.ForName("signsIn") != nil {
			continue
		}
		for _, t := range e.possible(def.Type) {
			if code := e.typeDenied(t, p); code == "" {
				e.forbidsAnything(f.SelectionSet, t, p)
			} else if len(e.selected(f.SelectionSet, t)) > 0 {
				e.deny(code, t.Name)
			}
		}
	}
	return len(e.denials) > 0
}

// forbidsEverything denies the forbidden root fields of a query, and reports whether all of them are forbidden.
func (e *evaluator) forbidsEverything(set ast.SelectionSet, p *allfeatures.Viewer) bool {
	all := e.selected(set, e.schema.Query)
	for _, f := range all {
		if !e.forbids(f, e.schema.Query, p) {
			return false
		}
	}
	return len(all) > 0
}
