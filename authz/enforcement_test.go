package authz_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestGuard_EnforcesEachRule runs the cases of testdata/rules.txtar.
func TestGuard_EnforcesEachRule(t *testing.T) {
	for _, rule := range sections(t, "testdata/rules.txtar", 30) {
		t.Run(rule.Name, func(t *testing.T) {
			for _, verify := range []bool{false, true} {
				s := mustServe(t, verify)
				for _, c := range ruleCases(t, string(rule.Data)) {
					testenv.Equal(t, c.want, s.summary(t, c.persona, c.text), "%s: %s", c.persona, c.text)
				}
			}
		})
	}
}

type ruleCase struct{ persona, text, want string }

// ruleCases reads the lines "persona: operation", each with the indented lines of its responses.
func ruleCases(t *testing.T, text string) (all []ruleCase) {
	t.Helper()
	for line := range strings.Lines(text) {
		if want, ok := strings.CutPrefix(line, "  "); ok && len(all) > 0 {
			all[len(all)-1].want += want
			continue
		}
		persona, operation, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			t.Fatalf("not a case: %q", line)
		}
		all = append(all, ruleCase{persona: persona, text: operation})
	}
	for i := range all {
		all[i].want = strings.TrimSuffix(all[i].want, "\n")
	}
	return all
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
		got := s.summary(t, "missing", text)
		calls, fields := s.resolver.Calls.Load(), s.fields.Load()
		if !strings.HasPrefix(got, "rejected") || calls+fields != 0 {
			t.Errorf("%s\n%s; %d resolvers and %d fields ran", text, got, calls, fields)
		}
	}
	s := mustServe(t, false) // the control: a granted operation is counted
	s.summary(t, "everything", `mutation { greet write(input: {}) { id } erase(id: "p1") }`)
	if calls, fields := s.resolver.Calls.Load(), s.fields.Load(); calls != 3 || fields != 4 {
		t.Errorf("%d resolvers, %d fields", calls, fields)
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
		if got := s.summary(t, "alice", text); s.fields.Load() != fields {
			t.Errorf("%s: %d fields ran, want %d: %s", text, s.fields.Load(), fields, got)
		}
	}
}

func TestOwnerPredicate_FailureDenies(t *testing.T) {
	const denied = `{"open":"open","draft":null} | NOT_FOUND Query.draft @draft`
	for name, predicate := range map[string]relation{
		"error":    func(context.Context, *allfeatures.Viewer, any) (bool, error) { return true, errors.New("no database") },
		"panic":    func(context.Context, *allfeatures.Viewer, any) (bool, error) { panic("no database") },
		"time-out": func(context.Context, *allfeatures.Viewer, any) (bool, error) { return true, context.DeadlineExceeded },
	} {
		var log strings.Builder
		s := serveWith(t, func(c *authz.Config) {
			c.Owners["AUTHOR"] = ownersBy(predicate)
			c.Log = slog.New(slog.NewTextHandler(&log, nil))
		})
		got := s.summary(t, "alice", `{ open draft(id: "d1") { id } }`)
		testenv.Equal(t, denied, got, "%s", name)
		if !strings.Contains(log.String(), "owner=AUTHOR") {
			t.Errorf("%s: the log does not say why: %s", name, &log)
		}
	}
}

// TestViewer_AnonymousHasItsReasonAndAnUnknownOneIsDenied: the viewer that comes with an error never counts.
func TestViewer_AnonymousHasItsReasonAndAnUnknownOneIsDenied(t *testing.T) {
	everything := viewerNamed(t, "everything")
	for name, c := range map[string]struct {
		viewer authz.Viewer
		err    error
		denial string // code and reason
	}{
		"nil":                    {nil, nil, "UNAUTHENTICATED missing"},
		"not signed in":          {viewerNamed(t, "expired"), nil, "UNAUTHENTICATED missing"},
		"a reason":               {everything, authz.ErrExpired, "UNAUTHENTICATED expired"},
		"a wrapped reason":       {nil, fmt.Errorf("checking: %w", authz.ErrRevoked), "UNAUTHENTICATED revoked"},
		"a reason of its own":    {nil, authz.AnonymousError("suspended"), "UNAUTHENTICATED suspended"},
		"no reason":              {everything, authz.AnonymousError(""), "UNAUTHENTICATED missing"},
		"another type's reason":  {nil, reason{"invalid"}, "UNAUTHENTICATED invalid"},
		"an error":               {everything, errors.New("no database"), "INTERNAL"},
		"a pointer that is nil":  {(*allfeatures.Viewer)(nil), nil, "INTERNAL"},
		"the control, signed in": {everything, nil, ""},
	} {
		s := serveWith(t, func(config *authz.Config) {
			config.Viewer = func(context.Context) (authz.Viewer, error) { return c.viewer, c.err }
		})
		wantDenials(t, name, s, `{ open staff draft(id: "d1") { id } }`, c.denial)
	}
}

// wantDenials runs a query of one public and two guarded fields; the denials of the two are as wanted.
func wantDenials(t *testing.T, name string, s *server, query, denial string) {
	t.Helper()
	responses, _ := s.raw(nil, operation{text: query})
	r := responses[0]
	if got := strings.Contains(string(r.Data), `"open":"open","staff":null,"draft":null`); got != (denial != "") {
		t.Errorf("%s: %s", name, r.Data)
	}
	for _, err := range r.Errors {
		got := fmt.Sprint(err.Extensions["code"])
		if reason, ok := err.Extensions["reason"]; ok {
			got += fmt.Sprint(" ", reason)
		}
		if got != denial {
			t.Errorf("%s: %v, want %s", name, err.Extensions, denial)
		}
	}
}

type reason struct{ text string }

func (r reason) Reason() string { return r.text }
func (r reason) Error() string  { return "an error of another package" }

// TestViewerHooks_PanicDenies: it is unknown who calls.
func TestViewerHooks_PanicDenies(t *testing.T) {
	var log strings.Builder
	s := serveWith(t, func(c *authz.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.Viewer = func(context.Context) (authz.Viewer, error) { panic("no header") }
		c.SignedIn = func(context.Context, any) (authz.Viewer, error) { panic("no session") }
	})
	got := s.summary(t, "alice", `{ open staff draft(id: "d1") { id } }`)
	if want := `{"open":"open","staff":null,"draft":null} | INTERNAL @draft | INTERNAL @staff`; got != want {
		t.Error(got)
	}
	if !strings.Contains(log.String(), "Config.Viewer panicked") || !strings.Contains(log.String(), "no header") {
		t.Errorf("the log does not say why: %s", &log)
	}
	got = s.summary(t, "no viewer", `mutation { signIn(id: "alice") { token member { id } } }`)
	if want := `{"signIn":{"token":"t-alice","member":null}} | INTERNAL @signIn.member`; got != want {
		t.Error(got)
	}
}

// TestOwnerPredicate_IsNotAskedWhenAnotherClauseHolds counts the predicate's calls.
func TestOwnerPredicate_IsNotAskedWhenAnotherClauseHolds(t *testing.T) {
	for name, want := range map[string]int{"administrator": 0, "alice": 3} {
		asked := 0
		config := testConfig(false)
		config.Owners["AUTHOR"] = ownersBy(func(ctx context.Context, v *allfeatures.Viewer, object any) (bool, error) {
			asked++
			return isAuthor(ctx, v, object)
		})
		must(serve(t, allfeatures.SDL, config)).summary(t, name, `{ draftsOrNull { id title parent { id } } }`)
		if asked != want && !(name == "alice" && asked > 0) {
			t.Errorf("%s: asked %d times, want %d", name, asked, want)
		}
	}
}

func TestViolations_AreCappedAtFifty(t *testing.T) {
	var b strings.Builder
	b.WriteString(directives + "type Query {")
	for i := range 60 {
		fmt.Fprintf(&b, " f%d: Int @auth", i)
	}
	for name, p := range map[string]*allfeatures.Viewer{"anonymous": nil, "unchecked": viewerNamed(t, "unchecked")} {
		schema := load(t, b.String()+"}")
		config := testConfig(false)
		config.Owners, config.Objects = nil, nil
		errs := rejectAll(t, schema, config, p)
		if len(errs) != 50 || errs[49].Extensions["truncated"] != 10 || errs[48].Extensions["truncated"] != nil {
			t.Errorf("%s: %d errors, the last %v", name, len(errs), errs[len(errs)-1].Extensions)
		}
	}
}

// TestTypeName_MismatchFailsTheOperation: an object is decided as one of another type than gqlgen's.
func TestTypeName_MismatchFailsTheOperation(t *testing.T) {
	var log strings.Builder
	s := serveWith(t, func(c *authz.Config) { // everything is open
		c.TypeName = func(any) string { return "Post" }
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	if got := s.summary(t, "other user", `{ node(id: "d1") { id } }`); got != "rejected | INTERNAL @" {
		t.Errorf("objects are decided as those of another type: %s", got)
	}
	if !strings.Contains(log.String(), "fields=[Draft.id]") {
		t.Errorf("the log does not say what ran: %s", &log)
	}
	s = serveWith(t, func(c *authz.Config) {
		c.TypeName = func(any) string { return "PostRow" }
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	got := s.summary(t, "other user", `{ node(id: "p1") { id } }`)
	if got != `{"node":null} | NOT_FOUND Query.node @node` {
		t.Errorf("an object of an unknown type: %s", got)
	}
	if want := "coordinate=Query.node goType=*allfeatures.Post typeName=PostRow"; !strings.Contains(log.String(), want) {
		t.Errorf("the log does not say why: %s", &log)
	}
}

func TestIntrospection_FollowsItsSwitch(t *testing.T) {
	const text = `{ post(id: "p1") { query { __type(name: "Row") { name } } } }`
	open, closed := serveWith(t, func(c *authz.Config) { c.Introspection = true }), mustServe(t, false)
	testenv.Equal(t, `{"post":{"query":{"__type":{"name":"Row"}}}}`, open.summary(t, "no viewer", text), "%s", text)
	const denied = `{"post":{"query":{"__type":null}}} | FORBIDDEN Query.__type @post.query.__type`
	testenv.Equal(t, denied, closed.summary(t, "no viewer", text), "%s", text)
}

// TestSignIn_ToATypeThatIsGuardedIsDecidedForWhomItSignsIn: a caller who is not signed in would be denied it.
func TestSignIn_ToATypeThatIsGuardedIsDecidedForWhomItSignsIn(t *testing.T) {
	guarded := strings.Replace(allfeatures.SDL, "type Session @public", "type Session @auth", 1)
	s := must(serve(t, guarded, testConfig(false)))
	for id, want := range map[string]string{"bob": `{"signIn":{"token":"t-bob"}}`, "nobody": `{"signIn":null}`} {
		testenv.Equal(t, want, s.summary(t, "missing", `mutation { signIn(id: "`+id+`") { token } }`), "%s", id)
	}
	s = must(serve(t, strings.Replace(guarded, "type Session @auth", "type Session @auth(roles: [ADMIN])", 1), testConfig(false)))
	testenv.Equal(t, `{"signIn":null} | FORBIDDEN Session @signIn`,
		s.summary(t, "missing", `mutation { signIn(id: "bob") { token } }`), "who may not see what signed them in")
}

// TestGuard_OfAnotherSchemaIsRejected: a server with it would decide by rules of fields that it does not have.
func TestGuard_OfAnotherSchemaIsRejected(t *testing.T) {
	s, other := mustServe(t, false), must(allfeatures.Load(allfeatures.SDL))
	err := s.guard.Validate(s.resolver.Executable(other))
	if err == nil || !strings.Contains(err.Error(), "another schema") {
		t.Errorf("of another: %v", err)
	}
	config := testConfig(false)
	testenv.Check(t, must(authz.New(other, config)).Validate(s.resolver.Executable(other))) // the control
}
