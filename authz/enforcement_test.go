package authz_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

// summary is an operation's responses in one line each: the data, or "rejected", then each error's code, coordinate and
// path.
func (s *server) summary(t testing.TB, p *allfeatures.Viewer, o operation) string {
	t.Helper()
	responses, errs := s.raw(p, o)
	if errs != nil {
		t.Fatalf("%v\n%s", errs, o.text)
	}
	var lines []string
	for _, r := range responses {
		line := string(r.Data)
		if r.Data == nil {
			line = "rejected"
		}
		for _, e := range r.Errors {
			line += fmt.Sprintf(" | %s @%s", denialOf(e), e.Path)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// rows are the rows of the policy's table, each with what it opens and what it closes.
var rows = []struct{ row, who, text, want string }{
	{"a field needs its type's rule and its own", "alice, stale", `{ draft(id: "d1") { id body } }`,
		`{"draft":{"id":"d1","body":null}} | REAUTHENTICATION_REQUIRED Draft.body @draft.body`},
	{"a field needs its type's rule and its own", "stranger", `{ draft(id: "d1") { body } }`, `{"draft":null} | NOT_FOUND Query.draft @draft`},
	{"a field needs its type's rule and its own", "alice", `{ draft(id: "d1") { body } }`, `{"draft":{"body":"body"}}`},
	{"openness never widens what a type guards", "missing", `subscription { ticks }`, `rejected | UNAUTHENTICATED Subscription.ticks @ticks`},
	{"openness never widens what a type guards", "alice", `subscription { ticks }`, "{\"ticks\":1}\n{\"ticks\":2}"},
	{"through an interface each object's own rules decide", "alice", `{ documents { id ... on Draft { review } } }`,
		`{"documents":[{"id":"p2"},{"id":"d1","review":null},{"id":"d3","review":"review"}]} | NOT_FOUND Draft.review @documents[1].review`},
	{"through a union each object's own rules decide", "alice", `{ search { __typename ... on Post { secret } } }`,
		`{"search":null} | NOT_FOUND Query.search @search[2]`},
	{"through a union each object's own rules decide", "everything", `{ search { __typename ... on Post { secret } } }`,
		`{"search":[{"__typename":"Post","secret":"secret"},{"__typename":"Draft"},{"__typename":"Memo"}]}`},
	{"a field of the root that is not introspection", "missing", `{ __schema { queryType { name } } }`, `rejected | FORBIDDEN Query.__schema @__schema`},
	{"an alias changes nothing", "missing", `{ open: staff a: open }`, `{"open":null,"a":"open"} | UNAUTHENTICATED Query.staff @open`},
	{"only the operation that runs is decided", "missing", `mutation Op { greet } query Other { staff } mutation Third { erase(id: "p1") }`, `{"greet":"hello"}`},
	{"@skip and @include are honoured", "missing", `query Op($no: Boolean = false) { open staff @include(if: $no) fresh @skip(if: true) }`, `{"open":"open"}`},
	{"@skip and @include are honoured", "missing", `query Op($no: Boolean = false) { open staff @skip(if: $no) }`,
		`{"open":"open","staff":null} | UNAUTHENTICATED Query.staff @staff`},
	{"an argument counts when it is supplied", "stranger", `query Op($v: Boolean) { open search(text: "posts", deep: $v) { __typename } }`,
		`{"open":"open","search":[{"__typename":"Post"},{"__typename":"Tag"},{"__typename":"Post"}]}`},
	{"an argument counts when it is supplied, null too", "stranger", `{ open search(deep: null) { __typename } }`,
		`{"open":"open","search":null} | FORBIDDEN Query.search(deep:) @search`},
	{"an input field counts when it is supplied", "stranger", `{ open count(list: [{text: "x"}, {not: {internal: null}}]) }`,
		`{"open":"open","count":null} | INSUFFICIENT_SCOPE Filter.internal @count`},
	{"a query: null, and one error a coordinate, not one a row", "alice", `{ grid { id secret } }`,
		`{"grid":[[{"id":"p1","secret":"secret"},{"id":"p2","secret":null}],[],[],[{"id":"pe","secret":null}]]} | NOT_FOUND Post.secret @grid[0][1].secret`},
	{"a query: null bubbles to what may be null", "alice", `{ post(id: "p2") { strictSecret } open }`,
		`{"post":null,"open":"open"} | NOT_FOUND Post.strictSecret @post.strictSecret`},
	{"a query: null bubbles to the root", "alice, stale", `{ fresh open }`, `null | REAUTHENTICATION_REQUIRED Query.fresh @fresh`},
	{"a mutation: one forbidden part refuses the whole", "stranger", `mutation { greet write(input: {}) { title audit } }`,
		`rejected | FORBIDDEN Post.audit @write.audit`},
	{"a subscription: one forbidden part refuses the whole", "stranger", `subscription { posts { title audit } }`,
		`rejected | FORBIDDEN Post.audit @posts.audit`},
	{"nothing left to run is refused", "missing", `{ staff me { id } }`, `rejected | UNAUTHENTICATED Query.staff @staff | UNAUTHENTICATED Query.me @me`},
	{"an owner: another's object and none answer alike", "stranger", `{ draft(id: "d1") { id } }`, `{"draft":null} | NOT_FOUND Query.draft @draft`},
	{"an owner: another's object and none answer alike", "stranger", `{ draft(id: "no") { id } }`, `{"draft":null} | NOT_FOUND Query.draft @draft`},
	{"an owner: a hidden object of any type and none answer alike", "stranger", `{ node(id: "m1") { id } }`, `{"node":null} | NOT_FOUND Query.node @node`},
	{"an owner: a hidden object of any type and none answer alike", "stranger", `{ node(id: "no") { __typename } }`, `{"node":null} | NOT_FOUND Query.node @node`},
	{"an owner: a hidden object of any type and none answer alike", "missing", `{ node(id: "c1") { id } }`, `{"node":null} | UNAUTHENTICATED Query.node @node`},
	{"an owner: a hidden object of any type and none answer alike", "missing", `{ node(id: "no") { id } }`, `{"node":null} | UNAUTHENTICATED Query.node @node`},
	{"an owner: unset ids never match", "without id", `{ post(id: "pe") { secret } club(id: "c0") { id } }`,
		`{"post":{"secret":null},"club":null} | NOT_FOUND Query.club @club | NOT_FOUND Post.secret @post.secret`},
	{"an owner who lacks something else is told so", "alice, stale", `{ post(id: "p1") { recent } }`,
		`{"post":{"recent":null}} | REAUTHENTICATION_REQUIRED Post.recent @post.recent`},
	{"all violations, the most pressing first", "scope a, stale", `mutation { promote(id: "m1") { id } erase(id: "p1") write(input: {filter: {internal: "x"}, pinned: true}) { audit } }`,
		`rejected | REAUTHENTICATION_REQUIRED Mutation.erase @erase | INSUFFICIENT_SCOPE Filter.internal @write | FORBIDDEN Memo @promote | FORBIDDEN PostInput.pinned @write`},
	{"no viewer is nobody", "no viewer", `{ open me { id } }`, `{"open":"open","me":null} | UNAUTHENTICATED Query.me @me`},
	{"trouble denies, and is no denial's fault", "trouble", `{ open me { id } }`, `{"open":"open","me":null} | INTERNAL @me`},
	{"who signs in sees what is theirs", "missing", `mutation { signIn(id: "alice") { token member { name email } } }`,
		`{"signIn":{"token":"t-alice","member":{"name":"Alice","email":null}}} | INSUFFICIENT_SCOPE Member.email @signIn.member.email`},
	{"who fails to sign in sees nothing", "missing", `mutation { signIn(id: "no") { member { name } } }`, `{"signIn":null}`},
	{"two who sign in see each their own", "missing", `mutation { a: signIn(id: "alice") { member { clubs { id } } } b: signIn(id: "bob") { member { id } } }`,
		`{"a":{"member":{"clubs":[{"id":"c1"}]}},"b":{"member":{"id":"bob"}}}`},
	{"an event is looked at before it is sent", "alice", `subscription { drafts { id body } }`,
		"{\"drafts\":{\"id\":\"d1\",\"body\":\"body\"}}\n{\"drafts\":null} | NOT_FOUND Subscription.drafts @drafts\n" +
			"{\"drafts\":null} | NOT_FOUND Subscription.drafts @drafts\n{\"drafts\":{\"id\":\"d3\",\"body\":\"body\"}}"},
	{"a hidden event where null may not be", "stranger", `subscription { nodes { ... on Draft { id } ... on Post { id } } }`,
		"null | NOT_FOUND Subscription.nodes @nodes\n{\"nodes\":{\"id\":\"p1\"}}\nnull | NOT_FOUND Subscription.nodes @nodes\nnull | NOT_FOUND Subscription.nodes @nodes"},
	{"an owner of a field of an event", "alice", `subscription { posts { id secret } }`,
		"{\"posts\":{\"id\":\"p1\",\"secret\":\"secret\"}}\n{\"posts\":null}\n{\"posts\":{\"id\":\"p2\",\"secret\":null}} | NOT_FOUND Post.secret @posts.secret"},
}

func TestGuard_EnforcesEachRule(t *testing.T) {
	for _, verify := range []bool{false, true} {
		s := mustServe(t, verify)
		for _, r := range rows {
			o := operation{text: r.text}
			if strings.Contains(r.text, " Op") {
				o.name = "Op"
			}
			if got := s.summary(t, viewerNamed(t, r.who), o); got != r.want {
				t.Errorf("%s\n%s: %s\ngot  %s\nwant %s", r.row, r.who, r.text, got, r.want)
			}
		}
	}
}

// TestRejectedOperation_ResolvesNothing counts what ran: no resolver, and no read of a struct's field either.
func TestRejectedOperation_ResolvesNothing(t *testing.T) {
	for _, text := range []string{
		`{ staff me { id } fresh }`,
		`mutation First { greet } mutation Op { greet write(input: {}) { id } erase(id: "p1") }`,
		`mutation Op { signIn(id: "alice") { token } erase(id: "p1") }`,
		`mutation Op { greet write(input: {}) { id comments { ip } } }`,
		`mutation Op { write(input: {children: [{pinned: false}]}) { id } }`,
		`subscription { posts { id audit } }`,
	} {
		s := mustServe(t, false)
		o := operation{text: text}
		if strings.Contains(text, " Op") {
			o.name = "Op"
		}
		if got := s.summary(t, viewerNamed(t, "missing"), o); !strings.HasPrefix(got, "rejected") || s.resolver.Calls.Load() != 0 || s.fields.Load() != 0 {
			t.Errorf("%s\n%s; %d resolvers and %d fields ran", text, got, s.resolver.Calls.Load(), s.fields.Load())
		}
	}
	s := mustServe(t, false) // and what is granted counts
	if s.summary(t, viewerNamed(t, "everything"), operation{text: `mutation { greet write(input: {}) { id } erase(id: "p1") }`}); s.resolver.Calls.Load() != 3 || s.fields.Load() != 4 {
		t.Errorf("%d resolvers, %d fields", s.resolver.Calls.Load(), s.fields.Load())
	}
}

// TestForbiddenField_ResolvesNothingBelowIt counts the fields below a forbidden field and a hidden object.
func TestForbiddenField_ResolvesNothingBelowIt(t *testing.T) {
	for text, fields := range map[string]int64{
		`{ open staff }`:                                            1,
		`{ open memos { text next { text } } }`:                     1, // every object would be forbidden: not resolved
		`{ open draft(id: "d2") { id post { id } } }`:               2, // resolved, not the viewer's: none of its fields
		`{ open count(filter: {internal: "x"}) }`:                   1,
		`{ open post(id: "p2") { comments(hidden: true) { id } } }`: 2,
	} {
		s := mustServe(t, false)
		if got := s.summary(t, viewerNamed(t, "alice"), operation{text: text}); s.fields.Load() != fields {
			t.Errorf("%s: %d fields ran, want %d: %s", text, s.fields.Load(), fields, got)
		}
	}
}

// TestUndecidableRule_IsDenied: a predicate that fails, panics or runs out of time, and a viewer that panics.
func TestUndecidableRule_IsDenied(t *testing.T) {
	const text = `{ open draft(id: "d1") { id } }`
	denied := `{"open":"open","draft":null} | NOT_FOUND Query.draft @draft`
	predicates := map[string]authz.Owner{
		"error":    func(context.Context, authz.Viewer, any) (bool, error) { return true, errors.New("no database") },
		"panic":    func(context.Context, authz.Viewer, any) (bool, error) { panic("no database") },
		"time-out": func(context.Context, authz.Viewer, any) (bool, error) { return true, context.DeadlineExceeded },
	}
	for name, predicate := range predicates {
		config := testConfig(false)
		config.Owners["AUTHOR"] = predicate
		if got := must(serve(t, allfeatures.SDL, config)).summary(t, viewerNamed(t, "alice"), operation{text: text}); got != denied {
			t.Errorf("%s: %s", name, got)
		}
	}
	viewers := map[string]func(context.Context) authz.Viewer{
		"panic":          func(context.Context) authz.Viewer { panic("no header") },
		"nil":            func(context.Context) authz.Viewer { return nil },
		"pointer to nil": func(context.Context) authz.Viewer { return (*allfeatures.Viewer)(nil) },
	}
	for name, viewer := range viewers {
		config := testConfig(false)
		config.Viewer = viewer
		got := must(serve(t, allfeatures.SDL, config)).summary(t, viewerNamed(t, "alice"), operation{text: `{ open staff draft(id: "d1") { id } }`})
		if want := `{"open":"open","staff":null,"draft":null} | UNAUTHENTICATED Draft @draft | UNAUTHENTICATED Query.staff @staff`; got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	config := testConfig(false)
	config.SignedIn = func(context.Context, any) authz.Viewer { panic("no session") }
	got := must(serve(t, allfeatures.SDL, config)).summary(t, nil, operation{text: `mutation { signIn(id: "alice") { token member { id } } }`})
	if want := `{"signIn":{"token":"t-alice","member":null}} | UNAUTHENTICATED Member @signIn.member`; got != want {
		t.Errorf("SignedIn: %s", got)
	}
}

// TestOwnerPredicate_IsNotAskedWhenAnotherClauseHolds counts the predicate's calls.
func TestOwnerPredicate_IsNotAskedWhenAnotherClauseHolds(t *testing.T) {
	for name, want := range map[string]int{"administrator": 0, "alice": 3} {
		asked := 0
		config := testConfig(false)
		config.Owners["AUTHOR"] = func(_ context.Context, v authz.Viewer, object any) (bool, error) {
			asked++
			return allfeatures.IsAuthor(v.(*allfeatures.Viewer), object), nil
		}
		must(serve(t, allfeatures.SDL, config)).summary(t, viewerNamed(t, name), operation{text: `{ draftsOrNull { id title parent { id } } }`})
		if asked != want && !(name == "alice" && asked > 0) {
			t.Errorf("%s: asked %d times, want %d", name, asked, want)
		}
	}
}

func TestViolations_AreCappedAtFifty(t *testing.T) {
	var b strings.Builder
	b.WriteString(vocabulary + "type Query {")
	for i := range 60 {
		fmt.Fprintf(&b, " f%d: Int @auth", i)
	}
	for name, p := range map[string]*allfeatures.Viewer{"anonymous": nil, "unchecked": viewerNamed(t, "trouble")} {
		schema := load(t, b.String()+"}")
		config := testConfig(false)
		config.Owners = nil
		errs := rejectAll(t, schema, config, p)
		if len(errs) != 50 || errs[49].Extensions["truncated"] != 10 || errs[48].Extensions["truncated"] != nil {
			t.Errorf("%s: %d errors, the last %v", name, len(errs), errs[len(errs)-1].Extensions)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestTypeName_MismatchFailsTheOperation: an object is decided as one of another type than gqlgen's.
func TestTypeName_MismatchFailsTheOperation(t *testing.T) {
	config := testConfig(false)
	config.TypeName = func(any) string { return "Post" } // everything is open
	s := must(serve(t, allfeatures.SDL, config))
	if got := s.summary(t, viewerNamed(t, "stranger"), operation{text: `{ node(id: "d1") { id } }`}); got != "rejected | INTERNAL @" {
		t.Errorf("objects are decided as those of another type: %s", got)
	}
	config = testConfig(false)
	config.TypeName = func(any) string { return "Unknown" }
	s = must(serve(t, allfeatures.SDL, config))
	if got := s.summary(t, viewerNamed(t, "stranger"), operation{text: `{ node(id: "p1") { id } }`}); got != `{"node":null} | NOT_FOUND Query.node @node` {
		t.Errorf("an object of an unknown type: %s", got)
	}
}

func TestIntrospection_FollowsItsSwitch(t *testing.T) {
	const text = `{ post(id: "p1") { query { __type(name: "Row") { name } } } }`
	config := testConfig(false)
	config.Introspection = true
	open, closed := must(serve(t, allfeatures.SDL, config)), mustServe(t, false)
	if got := open.summary(t, nil, operation{text: text}); got != `{"post":{"query":{"__type":{"name":"Row"}}}}` {
		t.Error(got)
	}
	if got := closed.summary(t, nil, operation{text: text}); got != `{"post":{"query":{"__type":null}}} | FORBIDDEN Query.__type @post.query.__type` {
		t.Error(got)
	}
}
