package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// failing returns the handler of the product whose `me` fails, with its log.
func failing(t *testing.T, err error, change ...func(*HandlerConfig)) (h func() *graphqltest.Reply, log *bytes.Buffer) {
	log = &bytes.Buffer{}
	s := stub{me: func(context.Context) (*accounts.User, error) { return nil, err }}
	door := product(t, s, append(change, logInto(log))...)
	return func() *graphqltest.Reply { return graphqltest.Query(t, door, "{me{id}}") }, log
}

func TestErrorPresenter_ProblemsBecomeErrors(t *testing.T) {
	for _, c := range []struct {
		problem *problem.Problem
		want    string
	}{
		{problem.New(problem.EmailTaken, "There is an account with this address."), "map[code:EMAIL_TAKEN]"},
		{
			problem.BadInput("email", problem.Malformed, "This is not an e-mail address."),
			"map[code:BAD_USER_INPUT field:email reason:MALFORMED]",
		},
		{
			problem.New(problem.Unauthenticated, "The session has ended.").WithReason("revoked"),
			"map[code:UNAUTHENTICATED reason:revoked]",
		},
		{problem.RetryAfter(problem.RateLimited, "Too many tries.", 90*time.Second), "map[code:RATE_LIMITED retryAfter:90]"},
		{
			problem.RetryAfter(problem.RateLimited, "Too many tries.", 1500*time.Millisecond),
			"map[code:RATE_LIMITED retryAfter:2]",
		},
		{problem.RetryAfter(problem.Unavailable, "Not now.", 0), "map[code:UNAVAILABLE retryAfter:1]"},
		{
			problem.New(problem.SecondFactorRequired, "A code is wanted.").With("challenge", "x").With("factors", []string{"TOTP"}),
			"map[challenge:x code:SECOND_FACTOR_REQUIRED factors:[TOTP]]",
		},
	} {
		for name, err := range map[string]error{"bare": c.problem, "wrapped": fmt.Errorf("login: %w", c.problem)} {
			h, _ := failing(t, err)
			got := h()
			e := got.Errors[0]
			if fmt.Sprint(e.Extensions) != c.want || e.Message != c.problem.Message || fmt.Sprint(e.Path) != "[me]" ||
				len(e.Locations) != 1 {
				t.Errorf("%s: %s, want %s", name, got.Text, c.want)
			}
		}
	}
}

func TestErrorPresenter_UnknownErrorsAreMasked(t *testing.T) {
	const secret = "dial tcp postgres://gatehouse:hunter2@db:5432"
	for name, err := range map[string]error{
		"an error":           errors.New(secret),
		"a wrapped one":      fmt.Errorf("read the user: %w", errors.New(secret)),
		"gqlgen's":           gqlerror.Errorf("%s", secret),
		"an internal one":    problem.New(problem.Internal, "broken").WithCause(errors.New(secret)),
		"an unknown timeout": &timeout{secret},
	} {
		t.Run(name, func(t *testing.T) {
			h, log := failing(t, err)
			got := h()
			e := got.Errors[0]
			if strings.Contains(got.Text, "hunter2") || e.Message != "internal error" || e.Extensions["code"] != "INTERNAL" {
				t.Errorf("%s", got.Text)
			}
			id := got.Header.Get("X-Request-Id")
			if e.Extensions["requestId"] != id || strings.Count(log.String(), id) != 1 ||
				strings.Count(log.String(), "hunter2") != 1 {
				t.Errorf("request %s, %s\n%s", id, got.Text, log)
			}
		})
	}
}

type timeout struct{ text string }

func (t *timeout) Error() string { return t.text }
func (t *timeout) Timeout() bool { return true }

func TestErrorPresenter_CauseIsOnlyInTheLog(t *testing.T) {
	h, log := failing(t, problem.New(problem.EmailTaken, "Taken.").WithCause(errors.New("unique index users_email")))
	got := h()
	if strings.Contains(got.Text, "unique") || !strings.Contains(log.String(), "unique index users_email") ||
		!strings.Contains(log.String(), got.Header.Get("X-Request-Id")) {
		t.Errorf("%s\n%s", got.Text, log)
	}
}

func TestErrorPresenter_DatabaseFailureIsUnavailable(t *testing.T) {
	away := errors.New("connection refused")
	knows := func(c *HandlerConfig) { c.Unavailable = func(err error) bool { return errors.Is(err, away) } }
	for err, code := range map[error]string{
		fmt.Errorf("read: %w", away): "UNAVAILABLE",
		errors.New("other"):          "INTERNAL",
		context.DeadlineExceeded:     "UNAVAILABLE",
		context.Canceled:             "UNAVAILABLE",
	} {
		h, _ := failing(t, err, knows)
		if got := h(); got.Code() != code || (code == "UNAVAILABLE") != (got.Errors[0].Extensions["retryAfter"] == 1.0) {
			t.Errorf("%v: %s, want %s", err, got.Text, code)
		}
	}
}

func TestErrorPresenter_ErrorsOfTheGuardPassUnchanged(t *testing.T) {
	extensions := map[string]any{"code": "FORBIDDEN", "coordinate": "User.email"}
	h, log := failing(t, &gqlerror.Error{Message: "User.email is not open to you.", Extensions: extensions})
	got := h()
	e := got.Errors[0]
	if e.Message != "User.email is not open to you." ||
		fmt.Sprint(e.Extensions) != "map[code:FORBIDDEN coordinate:User.email]" || log.Len() > 0 {
		t.Errorf("%s\n%s", got.Text, log)
	}
}

func TestPanic_InAResolverIsInternalAndItsStackOnlyInTheLog(t *testing.T) {
	log := &bytes.Buffer{}
	s := stub{
		me:    func(context.Context) (*accounts.User, error) { panic("at the disco") },
		login: func(context.Context, accounts.LoginInput) (*accounts.AuthPayload, error) { return nil, nil },
	}
	h := product(t, s, logInto(log))
	got := graphqltest.Query(t, h, "{me{id}}")
	if got.Code() != "INTERNAL" || got.StatusCode != 200 || strings.Contains(got.Text, "disco") {
		t.Errorf("%d %s", got.StatusCode, got.Text)
	}
	if text := log.String(); strings.Count(text, "at the disco") != 1 || !strings.Contains(text, "errors_test.go") ||
		!strings.Contains(text, got.Header.Get("X-Request-Id")) || strings.Count(text, "level=ERROR") != 1 {
		t.Errorf("%s", text)
	}
	if got := graphqltest.Query(t, h, "{__typename}"); got.StatusCode != 200 || len(got.Errors) > 0 { // the next one
		t.Errorf("%s", got.Text)
	}
}

// A resolver that returns nil for a non-null field is our fault, not the client's. The status is not 500, since the
// mutation may be done.
func TestErrorPresenter_NullForNonNullIsInternal(t *testing.T) {
	log := &bytes.Buffer{}
	s := stub{login: func(context.Context, accounts.LoginInput) (*accounts.AuthPayload, error) { return nil, nil }}
	got := graphqltest.Query(t, product(t, s, logInto(log)), `mutation{login(input:{email:"a",password:"b"}){tokenType}}`)
	if got.StatusCode != 200 || got.Code() != "INTERNAL" || string(got.Data) != "null" ||
		!strings.Contains(log.String(), "Mutation.login") {
		t.Errorf("%d %s\n%s", got.StatusCode, got.Text, log)
	}
}

// A value that gqlparser lets pass and gqlgen cannot turn into its Go type is the caller's mistake too.
func TestErrorPresenter_WrongArgumentIsBadInput(t *testing.T) {
	ctx := graphql.WithFieldContext(context.Background(),
		&graphql.FieldContext{Object: "Query", Field: selectedField("user", "id")})
	bad := graphql.WithPathContext(ctx, graphql.NewPathWithField("id"))
	p := ErrorPresenter{Log: slog.New(slog.DiscardHandler)}
	e := p.Present(ctx, graphql.ErrorOnPath(bad, errors.New(`invalid UUID "hunter2"`)))
	if graphqlhttp.CodeOf(e) != problem.BadUserInput || e.Extensions["field"] != "id" || e.Path.String() != "user" ||
		strings.Contains(e.Error(), "hunter2") {
		t.Errorf("%v %v", e, e.Extensions)
	}
	resolved := graphql.WithFieldContext(context.Background(),
		&graphql.FieldContext{Object: "Query", Field: selectedField("user", "id"), Args: map[string]any{}})
	below := graphql.WithPathContext(resolved, graphql.NewPathWithIndex(3))
	for _, ctx := range []context.Context{resolved, below} {
		e := p.Present(resolved, graphql.ErrorOnPath(ctx, errors.New("other")))
		if graphqlhttp.CodeOf(e) != problem.Internal {
			t.Errorf("an error of the resolver: %v %v", e, e.Extensions)
		}
	}
}

// Nothing that a request holds is repeated where it might be a password: not in the answer and not in the log.
func TestPassword_IsNeitherRepeatedNorLogged(t *testing.T) {
	const canary = "CANARY4711"
	log := &bytes.Buffer{}
	s := stub{login: func(_ context.Context, in accounts.LoginInput) (*accounts.AuthPayload, error) {
		return nil, errors.New("no such table: users")
	}}
	sinks := func(c *HandlerConfig) {
		c.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Introspection = true
	}
	h := product(t, s, sinks)
	literal := func(password string) string {
		return graphqltest.Body(`mutation{login(input:{email:"a@b.example",password:` + password + `}){tokenType}}`)
	}
	variable := func(input any) string {
		return graphqltest.Body(`mutation($i:LoginInput!){login(input:$i){tokenType}}`, map[string]any{"i": input})
	}
	for name, body := range map[string]string{
		"broken JSON":           `{"query":"mutation{login(password:\"` + canary + `\"`,
		"JSON without a quote":  `{"query":"{me{id}}","variables":{"password":` + canary + `}}`,
		"trailing":              graphqltest.Body("{me{id}}") + canary,
		"a member twice":        `{"query":"{me{id}}","` + canary + `":1,"` + canary + `":2}`,
		"query of a list":       `{"query":["` + canary + `"]}`,
		"a bare word":           literal(canary),
		"a number":              literal("4711" + "4711"),
		"a list":                literal(`["` + canary + `"]`),
		"an object":             literal(`{a:"` + canary + `"}`),
		"a quote too many":      literal(`"` + canary + `"` + canary + `"`),
		"an escape":             literal(`"\u00` + canary + `"`),
		"not closed":            literal(`"` + canary),
		"at the top":            graphqltest.Body(canary + " {me{id}}"),
		"behind the query":      graphqltest.Body("{me{id}} " + canary),
		"a string as selection": graphqltest.Body(`{me{"` + canary + `"}}`),
		"input is a string":     graphqltest.Body(`mutation{login(input:"` + canary + `"){tokenType}}`),
		"variable a string":     variable(canary),
		"variable a list":       variable([]any{canary}),
		"password a list":       variable(map[string]any{"email": "a", "password": []any{canary}}),
		"password an object":    variable(map[string]any{"email": "a", "password": map[string]any{"a": canary}}),
		"password a number":     variable(map[string]any{"email": "a", "password": 47114711}),
		"a default": graphqltest.Body(`mutation($p:Int="` + canary +
			`"){login(input:{email:"",password:$p}){tokenType}}`),
		"the resolver fails":   literal(`"` + canary + `"`),
		"and with variables":   variable(map[string]any{"email": "a", "password": canary}),
		"the operation's name": `{"query":"{me{id}}","operationName":"` + canary + `"}`,
	} {
		log.Reset()
		got := graphqltest.Post(t, h, body)
		if len(got.Errors) == 0 {
			t.Errorf("%s: it was accepted: %s", name, got.Text)
		}
		for _, secret := range []string{canary, "47114711"} {
			if strings.Contains(got.Text, secret) || strings.Contains(log.String(), secret) {
				t.Errorf("%s is repeated: %s\n%s", name, got.Text, log)
			}
		}
	}
	got := graphqltest.Send(t, h, graphqltest.NewGet(url.Values{"query": {"{me{id}}"}, "variables": {canary}}))
	if got.StatusCode != 400 || strings.Contains(got.Text+log.String(), canary) {
		t.Errorf("%s\n%s", got.Text, log)
	}
}

// selectedField is a field with an argument, for tests that present errors without running an operation.
func selectedField(name, argument string) graphql.CollectedField {
	arguments := ast.ArgumentList{{Name: argument}}
	return graphql.CollectedField{Field: &ast.Field{Name: name, Alias: name, Arguments: arguments}}
}
