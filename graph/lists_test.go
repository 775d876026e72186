package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// faulty resolves every field that has a resolver, and has some fields fail, panic or return null: always the same at
// the same path of a response.
type faulty struct {
	every uint32       // one in so many fields; 0: none
	wait  func() error // is called by User.sessions; nil: nothing is
}

// ExtensionName is for gqlgen.
func (faulty) ExtensionName() string { return "faults" }

// Validate is for gqlgen.
func (faulty) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptField stands for the resolver.
func (f faulty) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	fc := graphql.GetFieldContext(ctx)
	if path := fc.Path().String(); f.every > 0 && !strings.Contains(path, beside) {
		hash := fnv.New32a()
		fmt.Fprint(hash, path)
		switch hash.Sum32() % (3 * f.every) {
		case 0:
			return nil, errors.New("failed at " + path)
		case 1:
			panic("panicked at " + path)
		case 2:
			return nil, nil
		}
	}
	switch fc.Object + "." + fc.Field.Name {
	case "Query.users":
		page := &accounts.UserConnection{PageInfo: &accounts.PageInfo{}}
		for range pageUsers {
			page.Edges = append(page.Edges, &accounts.UserEdge{Node: &accounts.User{
				ID: uuid.Max, Status: accounts.StatusActive, CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(2, 0),
				Roles: []accounts.Role{accounts.RoleUser, accounts.RoleAdmin, accounts.RoleUser},
			}})
		}
		return page, nil
	case "User.sessions":
		if f.wait != nil {
			return nil, f.wait()
		}
		return []*accounts.Session{{}, {}, {}}, nil
	case "UserConnection.totalCount":
		return 3, nil
	case "UserConnection.totalCountIsExact":
		return true, nil
	}
	return next(ctx)
}

// pageUsers is how many users the page of a test has.
const pageUsers = 4

// beside is how a test selects a field that waits, so that gqlgen marshals the elements of the list concurrently.
const beside = "beside"

// TestLists_AnswerTheSameInLineAsConcurrently generates selections of a list, and asks each twice: as it is, and with a
// field beside it that waits.
func TestLists_AnswerTheSameInLineAsConcurrently(t *testing.T) {
	schema := LoadSchema()
	for _, every := range []uint32{0, 40, 8} {
		h := product(t, stub{}, func(c *HandlerConfig) { c.Extensions = []graphql.HandlerExtension{faulty{every: every}} })
		failed := 0
		for seed := range uint64(200) {
			random := rand.New(rand.NewPCG(seed, uint64(every)))
			edge := randomSelection(random, schema, schema.Types["UserEdge"])
			inLine := askPage(t, h, edge)
			concurrent := askPage(t, h, edge+" "+beside+": node { sessions { current } }")
			if testenv.Equal(t, concurrent, inLine, "%s, a fault in one of %d fields", edge, every); t.Failed() {
				return
			}
			failed += min(1, len(inLine.Errors))
		}
		if (failed > 0) != (every > 0) {
			t.Errorf("a fault in one of %d fields: %d answers have errors", every, failed)
		}
	}
}

// TestLists_ResolversThatWaitDoSoAtOnce has the resolver of each element wait for those of all others.
func TestLists_ResolversThatWaitDoSoAtOnce(t *testing.T) {
	var waiting atomic.Int32
	all := make(chan struct{})
	wait := func() error {
		if waiting.Add(1) == pageUsers {
			close(all)
		}
		select {
		case <-all:
			return nil
		case <-time.After(testenv.HangGuard):
			return errors.New("the others are not there")
		}
	}
	h := product(t, stub{}, func(c *HandlerConfig) {
		c.Extensions = []graphql.HandlerExtension{faulty{wait: wait}}
	})
	got := askPage(t, h, "node { ...Own } } } } fragment Own on User { ... { ... { sessions { id }")
	if len(got.Errors) > 0 || len(got.Edges) != pageUsers {
		t.Errorf("%v", got)
	}
}

// TestWaitingFields_EachResolverMayWait except those of mutations, which run one after the other.
func TestWaitingFields_EachResolverMayWait(t *testing.T) {
	found := 0
	for object := range reflect.TypeFor[ResolverRoot]().Methods() {
		for resolver := range object.Type.Out(0).Methods() {
			field := object.Name + "." + strings.ToLower(resolver.Name[:1]) + resolver.Name[1:]
			found++
			if !waitingFields[field] && object.Name != "Mutation" {
				t.Errorf("%s has a resolver, and is no waiting field", field)
			}
		}
	}
	if found < len(waitingFields) {
		t.Errorf("%d resolvers found", found)
	}
}

// page is an answer without what was asked beside.
type page struct {
	Edges  []map[string]any
	Errors []string // their paths and codes, in order
}

func askPage(t *testing.T, h http.Handler, edge string) page {
	t.Helper()
	reply := graphqltest.Query(t, h, "{ users { edges { "+edge+" } } }")
	var data struct{ Users page }
	testenv.Check(t, json.Unmarshal(reply.Data, &data))
	for _, e := range data.Users.Edges {
		delete(e, beside)
	}
	for _, e := range reply.Errors {
		data.Users.Errors = append(data.Users.Errors, fmt.Sprint(e.Path, e.Extensions["code"]))
	}
	slices.Sort(data.Users.Errors)
	return data.Users
}

// randomSelection selects one to four fields of a type that do not wait, some by another name or in a fragment.
func randomSelection(random *rand.Rand, schema *ast.Schema, typ *ast.Definition) string {
	var all strings.Builder
	for n := 1 + random.IntN(4); n > 0; {
		f := typ.Fields[random.IntN(len(typ.Fields))]
		if strings.HasPrefix(f.Name, "__") || waitingFields[typ.Name+"."+f.Name] {
			continue
		}
		n--
		text := f.Name
		if of := schema.Types[f.Type.Name()]; of.IsCompositeType() {
			text += " { " + randomSelection(random, schema, of) + " }"
		}
		forms := []string{"%s ", f.Name + "2: %s ", "... on " + typ.Name + " { %s } ", "... @include(if: false) { %s } "}
		fmt.Fprintf(&all, forms[random.IntN(len(forms))], text)
	}
	return all.String()
}

// marshalFunc marshals a list of so many elements.
type marshalFunc func(ctx context.Context, n int, element func(context.Context, int) graphql.Marshaler) graphql.Array

// TestMarshalList_MakesOfElementsThatFailWhatGqlgenMakes compares lists whose elements are text, null or lists, or
// panic.
func TestMarshalList_MakesOfElementsThatFailWhatGqlgenMakes(t *testing.T) {
	for seed := range uint64(300) {
		inLine, errs := marshalRandom(t, seed, func(
			ctx context.Context, n int, element func(context.Context, int) graphql.Marshaler,
		) graphql.Array {
			return marshalList(ctx, nil, n, element)
		})
		concurrent, gqlgens := marshalRandom(t, seed, func(
			ctx context.Context, n int, element func(context.Context, int) graphql.Marshaler,
		) graphql.Array {
			return graphql.MarshalSliceConcurrently(ctx, n, 0, false, element)
		})
		testenv.Equal(t, concurrent, inLine, "list %d", seed)
		testenv.Equal(t, gqlgens, errs, "the errors of list %d", seed)
	}
}

func marshalRandom(t *testing.T, seed uint64, marshal marshalFunc) (string, []string) {
	ctx := graphql.WithResponseContext(t.Context(), graphql.DefaultErrorPresenter,
		func(_ context.Context, cause any) error { return fmt.Errorf("panic: %v", cause) })
	random := rand.New(rand.NewPCG(seed, 0))
	outcomes := random.Perm(40)
	var element func(context.Context, int) graphql.Marshaler
	element = func(ctx context.Context, i int) graphql.Marshaler {
		path := graphql.GetPath(ctx)
		switch outcome := outcomes[(7*len(path)+i)%len(outcomes)]; {
		case outcome < 5:
			panic(i)
		case outcome < 10:
			graphql.AddErrorf(ctx, "failed: %d", i)
			return graphql.Null
		case outcome < 25 && len(path) < 4:
			return marshal(ctx, i%5, element)
		}
		return graphql.MarshalString(path.String())
	}
	var text bytes.Buffer
	marshal(ctx, random.IntN(8), element).MarshalGQL(&text)
	var errs []string
	for _, e := range graphql.GetErrors(ctx) {
		errs = append(errs, e.Error())
	}
	slices.Sort(errs) // concurrent elements fail in any order
	return text.String(), errs
}
