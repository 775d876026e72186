package authz

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// eventStream stands between a subscription's resolver and gqlgen. For each response it receives one event, decides it
// for the viewer of that moment, and forwards it to gqlgen.
type eventStream struct {
	field    *graphql.FieldContext
	in, out  reflect.Value // channels
	contexts bool          // their elements are of type graphql.Event (@subscriptionContext)
	current  any           // the event that is answered: gqlgen has no field context for it
	hidden   bool
	ended    bool
}

// listen puts an eventStream in the place of the channel that a subscription field returned.
func (e *execution) listen(fc *graphql.FieldContext, result any) any {
	in := reflect.ValueOf(result)
	if in.Kind() != reflect.Chan || in.IsNil() {
		return result
	}
	element := in.Type().Elem()
	out := reflect.MakeChan(reflect.ChanOf(reflect.BothDir, element), 1)
	e.events = &eventStream{field: fc, in: in, out: out, contexts: isEventWithContext(element)}
	return out.Convert(in.Type()).Interface()
}

// isEventWithContext reports whether a type is graphql.Event of some value.
func isEventWithContext(t reflect.Type) bool {
	return t.PkgPath() == reflect.TypeFor[graphql.Event[int]]().PkgPath() && strings.HasPrefix(t.Name(), "Event[")
}

// forwardEvent waits for the next event and forwards it; after the last one it closes the channel to gqlgen. When the
// viewer may not have it any more, it returns why, and ends the stream.
func (e *execution) forwardEvent(ctx context.Context) gqlerror.List {
	s := e.events
	if s.ended {
		return nil
	}
	done := reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())}
	which, event, ok := reflect.Select([]reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: s.in}, done})
	if which == 1 {
		return nil // gqlgen watches the context too
	}
	if !ok {
		s.end()
		return nil
	}
	value := event
	if s.contexts {
		value = event.FieldByName("Value")
		own, _ := event.FieldByName("Context").Interface().(context.Context)
		switch {
		case own == nil:
		case !e.isOfRequest(own):
			s.end()
			return e.refuseForeign(ctx)
		default:
			ctx = own
		}
	}
	if denials := e.decideAgain(ctx); denials != nil {
		s.end()
		return denials
	}
	s.forward(event, e.shown(ctx, value))
	return nil
}

// isOfRequest reports whether a context derives from the subscription's. That of who published an event names somebody
// else, for whom the guard and all resolvers below would decide.
func (e *execution) isOfRequest(ctx context.Context) bool {
	return graphql.HasOperationContext(ctx) && graphql.GetOperationContext(ctx) == e.request
}

func (e *execution) refuseForeign(ctx context.Context) gqlerror.List {
	err := fmt.Errorf("an event of %s.%s has a context of another request: derive it from the one that the resolver got",
		e.events.field.Object, e.events.field.Field.Name)
	e.guard.failures.error(ctx, "subscription ended", "error", err)
	return gqlerror.List{e.guard.config.ErrorPresenter(ctx, err)}
}

// decideAgain decides the subscription for its viewer of now.
func (e *execution) decideAgain(ctx context.Context) gqlerror.List {
	c, have := e.guard.identify(ctx, "Config.Viewer", func() (Viewer, error) { return e.guard.config.Viewer(ctx) })
	d := e.guard.decide(ctx, []*node{e.plan.root}, true, c, have, e.variables)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.decision = d
	if len(d.violations) > 0 {
		return e.guard.present(ctx, d.violations)
	}
	return nil
}

// shown returns the event, filtered; the zero Value when it is hidden.
func (e *execution) shown(ctx context.Context, value reflect.Value) reflect.Value {
	s := e.events
	s.hidden = false
	check := e.decision.checks[fieldKey{s.field.Object, s.field.Field.Name}]
	if check == nil || !check.mayHide {
		return value
	}
	f := &objectFilter{execution: e, ctx: ctx, fc: s.field, decision: e.decision, field: check.rule}
	value, s.hidden = f.value(value, check.rule.definition.Type, e.path(s.field))
	if s.hidden {
		return reflect.Value{}
	}
	return value
}

// forward sends an event with what is shown of it.
func (s *eventStream) forward(event, shown reflect.Value) {
	sent := reflect.New(s.in.Type().Elem()).Elem()
	sent.Set(event)
	value := sent
	if s.contexts {
		value = sent.FieldByName("Value")
	}
	value.SetZero()
	if shown.IsValid() {
		value.Set(shown)
	}
	s.current = value.Interface()
	s.out.Send(sent)
}

func (s *eventStream) end() {
	s.ended = true
	s.out.Close()
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

// path returns the path of a field in the response.
func (e *execution) path(fc *graphql.FieldContext) ast.Path {
	if e.events != nil && fc == e.events.field {
		return fc.Path()
	}
	return e.belowEvent(fc.Path())
}

// belowEvent completes a path of gqlgen's, which leaves the subscription's field out below an event.
func (e *execution) belowEvent(path ast.Path) ast.Path {
	if e.events == nil {
		return path
	}
	return append(ast.Path{ast.PathName(e.events.field.Field.Alias)}, path...)
}
