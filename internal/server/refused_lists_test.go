package server_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// heldKey marks the context of a request whose statements wait.
type heldKey struct{}

// TestMutation_ThatWasDoneIsAnsweredWithWhatItDid asks for each mutation with a large answer while large answers are
// being made that do not end. Its lists get no slot in time; the client learns what was done.
func TestMutation_ThatWasDoneIsAnsweredWithWhatItDid(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		r := newRecorder(t, url, 1000)
		mutations := r.largeMutations()
		if len(mutations) < 5 {
			t.Errorf("only %d mutations have large answers", len(mutations))
		}
		release := r.holdSlots()
		defer release()
		for name, query := range mutations {
			a := r.askUntilAListIsRefused(query)
			if a.status != 200 || !strings.Contains(a.body, `"data":{"`+name+`":{`) {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
	})
}

// largeMutations returns for each mutation with a large answer a document that asks for it.
func (r *recorder) largeMutations() map[string]string {
	all, schema := map[string]string{}, graph.LoadSchema()
	for _, f := range schema.Mutation.Fields {
		query := "mutation{" + f.Name + r.variants(schema, f)[0] + servertest.Everything(schema, f.Type) + "}"
		if isLarge(r.t, schema, query) { // and of the caller's own account: others' lists are denied without a slot
			all[f.Name] = strings.ReplaceAll(query, "USERID", "CALLERID")
		}
	}
	return all
}

// askUntilAListIsRefused asks as a new administrator each time, with more time each time: on a slow machine a mutation
// may not come to its lists.
func (r *recorder) askUntilAListIsRefused(document string) (e ending) {
	for timeout := 100 * time.Millisecond; timeout < testenv.HangGuard; timeout *= 4 {
		token, asked := r.prepare(document)
		ctx, cancel := context.WithTimeout(r.t.Context(), timeout)
		answer := r.send(ctx, token, asked)
		cancel()
		e = ending{status: answer.Code, body: answer.Body.String()}
		if strings.Contains(e.body, "too many large answers") {
			return e
		}
	}
	r.t.Errorf("no list was refused: %d %s", e.status, e.body)
	return e
}

func isLarge(t *testing.T, schema *ast.Schema, query string) bool {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema, query, nil)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", query, errs)
	}
	return querylimit.AnswerFields(doc.Operations[0], querylimit.DefaultLimits().Page) >= querylimit.ExpensiveFields
}

// holdSlots has as many large answers under way as may be, none of which gets its page.
func (r *recorder) holdSlots() (release func()) {
	released, held := make(chan struct{}), atomic.Int64{}
	r.driver.step = func(ctx context.Context, text string) {
		if ctx.Value(heldKey{}) != nil && strings.Contains(text, "ORDER BY") { // not the one that finds the caller
			held.Add(1)
			<-released
		}
	}
	token, _ := r.signIn()
	slots := max(1, runtime.GOMAXPROCS(0)/2)
	var all sync.WaitGroup
	page := "{ users(first: 100) { edges { node { id email name roles status createdAt sessions { id } } } } }"
	if !isLarge(r.t, graph.LoadSchema(), page) {
		r.t.Fatal("the page needs no slot")
	}
	for range slots {
		all.Go(func() { r.send(context.WithValue(r.t.Context(), heldKey{}, true), token, page) })
	}
	testenv.Eventually(r.t, "all slots are held", testenv.HangGuard, func() bool { return held.Load() >= int64(slots) })
	return func() { close(released); all.Wait() }
}
