package requestid

import (
	"context"
	"testing"
)

func TestEnsure_GivesEachContextOneIDOfItsOwn(t *testing.T) {
	first, second := Ensure(context.Background()), Ensure(context.Background())
	if id := From(first); len(id) != 36 || id != From(Ensure(first)) || id == From(second) {
		t.Errorf("ids %q, again %q, of another context %q", id, From(Ensure(first)), From(second))
	}
	if id := From(context.Background()); id != "" {
		t.Errorf("a context without a request has the id %q", id)
	}
}
