package authz_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

// evaluator is a second implementation of the policy. It reads the SDL for each decision, walks the answer object by
// object, and shares no code with package authz. It is slow and simple on purpose.
type evaluator struct {
	schema    *ast.Schema
	resolver  *allfeatures.Resolver
	doc       *ast.QueryDocument
	op        *ast.OperationDefinition
	variables map[string]any
	denials   map[string]string // coordinate → code
	nulls     bool              // null where the schema allows none
}

// hidden takes the place of an object or list that is answered with null and no further error.
type hidden struct{}

func evaluate(schema *ast.Schema, resolver *allfeatures.Resolver, o operation) (*evaluator, error) {
	doc, errs := gqlparser.LoadQueryWithRules(schema, o.text, rules.NewDefaultRules())
	if errs != nil {
		return nil, errs
	}
	op := doc.Operations.ForName(o.name)
	if op == nil {
		return nil, fmt.Errorf("no operation %q", o.name)
	}
	variables, err := validator.VariableValues(schema, op, o.variables)
	return &evaluator{schema: schema, resolver: resolver, doc: doc, op: op, variables: variables}, err
}

// expect returns the answers that a viewer must get; none to a subscription that selects nothing.
func (e *evaluator) expect(p *allfeatures.Viewer) []answer {
	e.reset()
	switch set := e.op.SelectionSet; e.op.Operation {
	case ast.Mutation:
		if e.forbidsAnything(set, e.schema.Mutation, p) {
			e.forgetNamed()
			return []answer{e.rejected()}
		}
		return []answer{e.answer(e.object(set, e.schema.Mutation, nil, p))}
	case ast.Subscription:
		if e.forbidsAnything(set, e.schema.Subscription, p) {
			return []answer{e.rejected()}
		}
		return e.events(set, p)
	default:
		if e.forbidsEverything(set, p) {
			return []answer{e.rejected()}
		}
		e.reset()
		return []answer{e.answer(e.object(set, e.schema.Query, nil, p))}
	}
}

func (e *evaluator) reset() { e.denials, e.nulls = map[string]string{}, false }

// forgetNamed drops the objects that a mutation names, which are not looked at when something else forbids it.
func (e *evaluator) forgetNamed() {
	notFound := func(_, code string) bool { return code == "NOT_FOUND" }
	others := maps.Clone(e.denials)
	maps.DeleteFunc(others, notFound)
	if len(others) > 0 {
		e.denials = others
	}
}

func (e *evaluator) deny(code, coordinate string) {
	if e.denials[coordinate] == "" {
		e.denials[coordinate] = code
	}
}

func (e *evaluator) rejected() answer { a := e.answer(nil); a.Rejected = true; return a }

func (e *evaluator) answer(data any) answer {
	var a answer
	if err := json.Unmarshal(must(json.Marshal(data)), &a.Data); err != nil {
		panic(err)
	}
	for coordinate, code := range e.denials {
		if code == "INTERNAL" {
			coordinate = ""
		}
		a.Denials = append(a.Denials, strings.TrimSpace(code+" "+coordinate))
	}
	if e.nulls {
		a.Denials = append(a.Denials, "NULL")
	}
	return a.sorted()
}

// object answers a selection set on an object; nil when a non-null field is null.
func (e *evaluator) object(set ast.SelectionSet, typ *ast.Definition, object any, p *allfeatures.Viewer) any {
	groups := map[string][]*ast.Field{}
	for _, f := range e.selected(set, typ) {
		groups[f.Alias] = append(groups[f.Alias], f)
	}
	out, valid := map[string]any{}, true
	for key, fields := range groups {
		if fields[0].Name == "__typename" {
			out[key] = typ.Name
			continue
		}
		out[key] = e.field(fields, typ, object, p)
		if out[key] == nil && typ.Fields.ForName(fields[0].Name).Type.NonNull {
			valid = false
		}
	}
	if !valid {
		return nil
	}
	return out
}

// field answers all selections of one response key.
func (e *evaluator) field(fields []*ast.Field, typ *ast.Definition, object any, p *allfeatures.Viewer) any {
	f := fields[0]
	if e.forbids(f, typ, p) {
		return nil
	}
	def := typ.Fields.ForName(f.Name)
	coordinate := typ.Name + "." + f.Name
	if object != nil && !e.isRoot(typ) {
		foreign := ""
		if denied(def.Directives, p, object) != "" {
			foreign = coordinate
		}
		e.eachSupplied(f, typ, func(list ast.DirectiveList, at string, _ any) {
			if foreign == "" && strings.Contains(at, "(") && denied(list, p, object) != "" {
				foreign = at
			}
		})
		if foreign != "" {
			e.deny("NOT_FOUND", foreign)
			return nil
		}
	}
	value := e.resolve(f, typ, object)
	if def.Directives.ForName("signsIn") != nil && value.(*allfeatures.Session) != nil {
		p = signedIn(value.(*allfeatures.Session))
	}
	var under ast.SelectionSet
	for _, one := range fields {
		under = append(under, one.SelectionSet...)
	}
	return e.complete(e.show(value, def.Type, coordinate, p), def.Type, under, p)
}

// read returns a value, and whether it is null.
func read(value any) (v reflect.Value, null bool) {
	v = reflect.ValueOf(value)
	return v, !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice) && v.IsNil()
}

// show replaces the objects that the viewer may not see by hidden.
func (e *evaluator) show(value any, t *ast.Type, coordinate string, p *allfeatures.Viewer) any {
	v, null := read(value)
	if t.Elem != nil {
		if null {
			return value
		}
		list := []any{}
		for i := range v.Len() {
			one := e.show(v.Index(i).Interface(), t.Elem, coordinate, p)
			if one == (hidden{}) && t.Elem.NonNull {
				return hidden{}
			}
			list = append(list, one)
		}
		return list
	}
	if len(e.possible(t)) == 0 {
		return value
	}
	if null {
		for _, one := range e.possible(t) {
			if e.typeDenied(one, p) != "" || dependsOnObject(one.Directives, p) {
				return e.withheld(coordinate, p)
			}
		}
		return nil
	}
	if concrete := e.concrete(value); !e.isRoot(concrete) && denied(concrete.Directives, p, value) != "" {
		return e.withheld(coordinate, p)
	}
	return value
}

// withheld is the same answer for another owner's object, for one of a forbidden type and for a missing one.
func (e *evaluator) withheld(coordinate string, p *allfeatures.Viewer) any {
	switch {
	case p != nil && p.CheckErr != nil:
		e.deny("INTERNAL", coordinate)
	case isAnonymous(p):
		e.deny("UNAUTHENTICATED", coordinate)
	default:
		e.deny("NOT_FOUND", coordinate)
	}
	return hidden{}
}

func (e *evaluator) concrete(object any) *ast.Definition {
	return e.schema.Types[reflect.TypeOf(object).Elem().Name()]
}

// complete answers a value that may be shown.
func (e *evaluator) complete(value any, t *ast.Type, under ast.SelectionSet, p *allfeatures.Viewer) any {
	if value == (any)(hidden{}) {
		return nil
	}
	v, null := read(value)
	if null && t.NonNull && t.Elem != nil {
		return []any{} // gqlgen's reading of a nil slice
	}
	if null {
		e.nulls = e.nulls || t.NonNull
		return nil
	}
	if t.Elem != nil {
		list, valid := []any{}, true
		for i := range v.Len() {
			one := e.complete(v.Index(i).Interface(), t.Elem, under, p)
			valid = valid && (one != nil || !t.Elem.NonNull)
			list = append(list, one)
		}
		if !valid {
			return nil
		}
		return list
	}
	if len(e.possible(t)) == 0 {
		return value
	}
	return e.object(under, e.concrete(value), value, p)
}

// events answers a subscription, event by event.
func (e *evaluator) events(set ast.SelectionSet, p *allfeatures.Viewer) (all []answer) {
	fields := e.selected(set, e.schema.Subscription)
	if len(fields) == 0 {
		return nil // gqlgen rejects it
	}
	f := fields[0]
	def := e.schema.Subscription.Fields.ForName(f.Name)
	stream := reflect.ValueOf(e.resolve(f, e.schema.Subscription, nil))
	for {
		event, ok := stream.Recv()
		if !ok {
			return all
		}
		e.reset()
		shown := e.show(event.Interface(), def.Type, "Subscription."+f.Name, p)
		data := e.complete(shown, def.Type, f.SelectionSet, p)
		all = append(all, e.answer(map[string]any{f.Alias: data}))
	}
}

// resolve reads a struct's field or calls the resolver of that name.
func (e *evaluator) resolve(f *ast.Field, typ *ast.Definition, object any) any {
	same := func(name string) bool { return strings.EqualFold(name, f.Name) }
	if v := reflect.ValueOf(object); v.IsValid() {
		if field := v.Elem().FieldByNameFunc(same); field.IsValid() && len(typ.Fields.ForName(f.Name).Arguments) == 0 {
			return field.Interface()
		}
	}
	resolver := reflect.ValueOf(e.resolver).MethodByName(typ.Name).Call(nil)[0].Elem()
	name := strings.ToUpper(f.Name[:1]) + f.Name[1:]
	method := resolver.MethodByName(name)
	in := []reflect.Value{reflect.ValueOf(context.Background())}
	batched := false
	if object != nil && !e.isRoot(typ) {
		of := reflect.ValueOf(object)
		if batched = method.Type().In(1).Kind() == reflect.Slice; batched {
			of = reflect.Append(reflect.Zero(method.Type().In(1)), of)
		}
		in = append(in, of)
	}
	for _, a := range typ.Fields.ForName(f.Name).Arguments {
		target := reflect.New(method.Type().In(len(in)))
		if arg := f.Arguments.ForName(a.Name); arg != nil {
			value, _ := e.supplied(arg.Value)
			text, _ := json.Marshal(value)
			_ = json.Unmarshal(text, target.Interface()) // one item for a list: no resolver reads lists
		}
		in = append(in, target.Elem())
	}
	out := method.Call(in)
	if batched {
		return out[0].Index(0).Interface()
	}
	return out[0].Interface()
}
