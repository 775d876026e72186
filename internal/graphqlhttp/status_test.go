package graphqlhttp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// answering returns a handler whose guard answers every operation.
func answering(t *testing.T, data string, extensions ...map[string]any) http.Handler {
	guard := graphqltest.OperationFunc(func(context.Context, graphql.OperationHandler) graphql.ResponseHandler {
		r := &graphql.Response{}
		if data != "" {
			r.Data = json.RawMessage(data)
		}
		for _, e := range extensions {
			r.Errors = append(r.Errors, &gqlerror.Error{Message: "no", Extensions: e})
		}
		return graphql.OneShot(r)
	})
	return toy(t, func(c *Config) { c.Extensions = append(c.Extensions, guard) })
}

func coded(code problem.Code, more ...any) map[string]any {
	m := map[string]any{"code": string(code)}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}

func TestStatus_RefusalsHaveStatusAndHeaders(t *testing.T) {
	type list = []map[string]any
	const (
		invalidToken   = `Bearer error="invalid_token", error_description="the access token is `
		reauthenticate = `Bearer error="insufficient_user_authentication", ` +
			`error_description="more recent authentication is required", max_age=`
		secondFactor = `Bearer error="insufficient_user_authentication", ` +
			`error_description="a second factor is required", acr_values="aal2"`
		secondFactorAgain = `Bearer error="insufficient_user_authentication", ` +
			`error_description="more recent authentication with a second factor is required", acr_values="aal2", max_age=`
		insufficientScope = `Bearer error="insufficient_scope", scope=`
	)
	unauthenticated := func(reason string) map[string]any { return coded(problem.Unauthenticated, "reason", reason) }
	tooOld := coded(problem.ReauthenticationRequired, "maxAge", 300)
	older := coded(problem.ReauthenticationRequired, "maxAge", 600)
	oneFactor := coded(problem.ReauthenticationRequired, "mfa", true)
	both := coded(problem.ReauthenticationRequired, "maxAge", 60, "mfa", true)
	noScope := coded(problem.InsufficientScope, "missingScopes", []string{"a", "b"})
	limited, forbidden := coded(problem.RateLimited, "retryAfter", 60), coded(problem.Forbidden)
	for _, c := range []struct {
		errors              list
		status              int
		authenticate, retry string
	}{
		{list{unauthenticated("missing")}, 401, `Bearer realm="gatehouse"`, ""},
		{list{unauthenticated("expired")}, 401, invalidToken + `expired"`, ""},
		{list{unauthenticated("revoked")}, 401, invalidToken + `revoked"`, ""},
		{list{unauthenticated("invalid")}, 401, invalidToken + `invalid"`, ""},
		{list{tooOld}, 401, reauthenticate + `"300"`, ""},
		{list{oneFactor}, 401, secondFactor, ""},
		{list{both}, 401, secondFactorAgain + `"60"`, ""},
		{list{older, tooOld}, 401, reauthenticate + `"300"`, ""}, // the client asks its user once, for all of it
		{list{tooOld, forbidden, oneFactor}, 401, secondFactorAgain + `"300"`, ""},
		{list{tooOld, both}, 401, secondFactorAgain + `"60"`, ""},
		{list{oneFactor, tooOld}, 401, secondFactorAgain + `"300"`, ""},
		{list{unauthenticated("missing"), oneFactor}, 401, `Bearer realm="gatehouse"`, ""},
		{list{noScope}, 403, insufficientScope + `"a b"`, ""},
		{list{forbidden}, 403, "", ""},
		{list{coded(problem.Internal)}, 500, "", ""},
		{list{coded(problem.Unavailable, "retryAfter", 2)}, 503, "", "2"},
		{list{limited}, 429, "", "60"},
		{list{coded(problem.LimitExceeded)}, 400, "", ""},
		{list{coded(problem.NotFound)}, 400, "", ""}, // without data, 200 would be a lie
		{list{forbidden, unauthenticated("missing")}, 401, `Bearer realm="gatehouse"`, ""},
		{list{forbidden, tooOld}, 401, reauthenticate + `"300"`, ""},
		{list{forbidden, noScope}, 403, insufficientScope + `"a b"`, ""},
		{list{limited, forbidden}, 403, "", ""},
	} {
		t.Run(fmt.Sprint(c.errors), func(t *testing.T) {
			h := answering(t, "", c.errors...)
			for accept, status := range map[string]int{typeGraphQL: c.status, typeJSON: 200} {
				got := graphqltest.Post(t, h, ping, "Accept", accept)
				if got.StatusCode != status || got.Data != nil {
					t.Errorf("%s: %d %s, want %d", accept, got.StatusCode, got.Text, status)
				}
				testenv.Equal(t, c.authenticate, got.Header.Get("WWW-Authenticate"), "WWW-Authenticate")
				testenv.Equal(t, c.retry, got.Header.Get("Retry-After"), "Retry-After")
			}
		})
	}
}

func TestStatus_PartialDataIsOKWithoutAChallenge(t *testing.T) {
	got := graphqltest.Query(t, answering(t, `{"me":null}`, coded(problem.Unauthenticated, "reason", "missing")), "{ping}")
	if got.StatusCode != 200 || got.Header.Get("WWW-Authenticate") != "" || string(got.Data) != `{"me":null}` {
		t.Errorf("%d %s %q", got.StatusCode, got.Text, got.Header.Get("WWW-Authenticate"))
	}
}

// An error of a field that may not be null leaves no data: the contract's status, and the data entry as GraphQL wants.
func TestStatus_NullDataHasTheStatusOfItsError(t *testing.T) {
	for code, status := range map[problem.Code]int{
		problem.RateLimited: 429, problem.Unavailable: 503, problem.Internal: 500,
		problem.InvalidCredentials: 200, problem.InvalidToken: 200, problem.EmailTaken: 200, problem.BadUserInput: 200,
		problem.NotFound: 200, problem.LastAdmin: 200,
	} {
		got := graphqltest.Query(t, answering(t, "null", coded(code)), "{ping}")
		if got.StatusCode != status || string(got.Data) != "null" {
			t.Errorf("%s: %d %s, want %d", code, got.StatusCode, got.Text, status)
		}
	}
}

func TestResponse_ErrorsAreCapped(t *testing.T) {
	many := make([]map[string]any, 60)
	for i := range many {
		many[i] = coded(problem.Forbidden)
	}
	many[59] = coded(problem.Unauthenticated, "reason", "missing") // decides although it is cut off
	got := graphqltest.Query(t, answering(t, "", many...), "{ping}")
	last := got.Errors[len(got.Errors)-1]
	if len(got.Errors) != maxErrors || last.Extensions["truncated"] != 10.0 || got.StatusCode != 401 {
		t.Errorf("%d: %d errors, the last: %v", got.StatusCode, len(got.Errors), last.Extensions)
	}
	got = graphqltest.Query(t, answering(t, "", many[:maxErrors]...), "{ping}")
	if last := got.Errors[maxErrors-1]; len(got.Errors) != maxErrors || last.Extensions["truncated"] != nil {
		t.Errorf("%d errors, the last: %v", len(got.Errors), last.Extensions)
	}
}
