package authz

import (
	"context"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// eventStream stands between a subscription's resolver and gqlgen. For each response it receives one event, decides it,
// and forwards it to gqlgen.
type eventStream struct {
	decision *decision
	check    *fieldCheck // nil: every event is granted
	field    *graphql.FieldContext
	in, out  reflect.Value // channels
	current  any           // the event that is answered: gqlgen has no field context for it
	hidden   bool
	ended    bool
}

// listen puts an eventStream in the place of the channel that a subscription field returned.
func (e *execution) listen(d *decision, check *fieldCheck, fc *graphql.FieldContext, result any) any {
	in := reflect.ValueOf(result)
	if in.Kind() != reflect.Chan || in.IsNil() {
		return result
	}
	both := reflect.ChanOf(reflect.BothDir, in.Type().Elem())
	out := reflect.MakeChan(both, 1)
	e.events = &eventStream{decision: d, check: check, field: fc, in: in, out: out}
	return out.Convert(in.Type()).Interface()
}

// forwardEvent waits for the next event and forwards it; after the last one it closes the channel to gqlgen.
func (e *execution) forwardEvent(ctx context.Context) {
	s := e.events
	done := reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())}
	which, event, ok := reflect.Select([]reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: s.in}, done})
	if which == 1 {
		return // gqlgen watches the context too
	}
	if !ok && !s.ended {
		s.ended = true
		s.out.Close()
	}
	if !ok {
		return
	}
	s.hidden = false
	if s.check != nil && s.check.mayHide {
		f := &objectFilter{execution: e, ctx: ctx, decision: s.decision, field: s.check.rule}
		event, s.hidden = f.value(event, s.check.rule.definition.Type, e.path(s.field))
	}
	sent := reflect.Zero(s.in.Type().Elem())
	if !s.hidden && event.IsValid() {
		sent = event
	}
	s.current = sent.Interface()
	s.out.Send(sent)
}

// response returns gqlgen's response to an event. For a hidden event of a non-null field it is null as a whole.
func (s *eventStream) response(ofGqlgen *graphql.Response) *graphql.Response {
	if s.hidden && s.field.Field.Definition.Type.NonNull {
		return &graphql.Response{Data: []byte("null")}
	}
	return ofGqlgen
}

// parentObject returns the object that a field belongs to.
func (e *execution) parentObject(fc *graphql.FieldContext) any {
	var object any
	switch {
	case fc.Parent != nil:
		object = fc.Parent.Result
	case e.events != nil:
		object = e.events.current
	}
	if object == nil {
		return nil
	}
	return pointerTo(reflect.ValueOf(object))
}

// path returns the path of a field in the response. Below an event gqlgen leaves the subscription's field out.
func (e *execution) path(fc *graphql.FieldContext) ast.Path {
	path := fc.Path()
	if e.events != nil && fc != e.events.field {
		return append(ast.Path{ast.PathName(e.events.field.Field.Alias)}, path...)
	}
	return path
}
