package authz

import (
	"context"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// events stands between a subscription's resolver and gqlgen. It takes one event for each answer, looks at it before
// gqlgen does, and remembers it while it is answered: gqlgen keeps no field context for it.
type events struct {
	decision *decision
	check    *fieldCheck // nil: the events need no look
	field    *graphql.FieldContext
	in, out  reflect.Value // channels
	current  any
	hidden   bool
	ended    bool
}

// listen puts events in the place of the channel that a subscription field returned.
func (r *run) listen(d *decision, check *fieldCheck, fc *graphql.FieldContext, result any) any {
	in := reflect.ValueOf(result)
	if in.Kind() != reflect.Chan || in.IsNil() {
		return result
	}
	both := reflect.ChanOf(reflect.BothDir, in.Type().Elem())
	out := reflect.MakeChan(both, 1)
	r.events = &events{decision: d, check: check, field: fc, in: in, out: out}
	return out.Convert(in.Type()).Interface()
}

// next waits for the next event and hands it on; without one the channel to gqlgen is closed.
func (r *run) next(ctx context.Context) {
	e := r.events
	done := reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())}
	which, event, ok := reflect.Select([]reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: e.in}, done})
	if which == 1 {
		return // gqlgen looks at the context too
	}
	if !ok && !e.ended {
		e.ended = true
		e.out.Close()
	}
	if !ok {
		return
	}
	e.hidden = false
	if e.check != nil && e.check.gate {
		g := &gatekeeper{run: r, ctx: ctx, decision: e.decision, field: e.check.rule}
		event, e.hidden = g.value(event, e.check.rule.definition.Type, r.path(e.field))
	}
	sent := reflect.Zero(e.in.Type().Elem())
	if !e.hidden && event.IsValid() {
		sent = event
	}
	e.current = sent.Interface()
	e.out.Send(sent)
}

// response is gqlgen's answer to an event; for a hidden one in a place that has no room for null, nothing but null.
func (e *events) response(answer *graphql.Response) *graphql.Response {
	if e.hidden && e.field.Field.Definition.Type.NonNull {
		return &graphql.Response{Data: []byte("null")}
	}
	return answer
}

// parentObject returns the object that a field belongs to.
func (r *run) parentObject(fc *graphql.FieldContext) any {
	var object any
	switch {
	case fc.Parent != nil:
		object = fc.Parent.Result
	case r.events != nil:
		object = r.events.current
	}
	if object == nil {
		return nil
	}
	return pointerTo(reflect.ValueOf(object))
}

// path returns the place of a field in the answer. Below an event gqlgen leaves the subscription's field out.
func (r *run) path(fc *graphql.FieldContext) ast.Path {
	path := fc.Path()
	if r.events != nil && fc != r.events.field {
		return append(ast.Path{ast.PathName(r.events.field.Field.Alias)}, path...)
	}
	return path
}
