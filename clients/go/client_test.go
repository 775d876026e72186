package gatehouse_test

import (
	"errors"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	gatehouse "github.com/gatehouse/gatehouse/clients/go"
)

type httpResponse = http.Response

func TestRequest_IsSentAgainOnlyIfNothingWasDone(t *testing.T) {
	const expired = `"message":"no","extensions":{"code":"UNAUTHENTICATED","reason":"expired"}`
	for _, c := range []struct {
		document, answer string
		again            bool
	}{
		{`mutation M { a b }`, `{"data":null,"errors":[{"path":["b"],` + expired + `}]}`, false},
		{`mutation M { a b }`, `{"errors":[{` + expired + `}]}`, true},
		{`mutation M { a }`, `{"data":null,"errors":[{"path":["a"],` + expired + `}]}`, true},
		{`mutation M { a { b } }`, `{"data":null,"errors":[{"path":["a","b"],` + expired + `}]}`, false},
		{`mutation M { a { b } }`, `{"data":{"a":{"b":null}},"errors":[{"path":["a","b"],` + expired + `}]}`, false},
		{`mutation M { ...F } fragment F on Mutation { a }`,
			`{"data":null,"errors":[{"path":["a"],` + expired + `}]}`, false},
		{`mutation M { a ...F } fragment F on Mutation { b }`,
			`{"data":null,"errors":[{"path":["a"],` + expired + `}]}`, false},
		{`mutation M { not GraphQL`, `{"data":null,"errors":[{"path":["a"],` + expired + `}]}`, false},
		{`query M { a b }`, `{"data":{"a":1,"b":null},"errors":[{"path":["b"],` + expired + `}]}`, true},
		{`mutation M { a }`, `{"errors":[{"message":"no","extensions":{"code":"UNAVAILABLE","retryAfter":1}}]}`, false},
	} {
		signedIn(t, func(t *testing.T, s *server, client *gatehouse.Client, _ *string) {
			s.answer = func(name string) *httpResponse {
				if name != "M" {
					return nil
				}
				return reply(c.answer)
			}
			if err := client.Do(ctx, c.document, nil, nil); err == nil {
				t.Errorf("%s: no error", c.document)
			}
			sent := len(slices.DeleteFunc(s.requests, func(name string) bool { return name != "M" }))
			want(t, c.document+" "+c.answer+": sent", map[bool]int{false: 1, true: 2}[c.again], sent)
		})
	}
}

func TestRequest_WhoseAnswerIsLostIsNotSentAgain(t *testing.T) {
	signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, _ *string) {
		s.lost = func(string) error { return errAway }
		if err := c.Do(ctx, write, nil, nil); !errors.Is(err, errAway) {
			t.Errorf("the error is %v", err)
		}
		want(t, "requests", []string{"Write"}, s.requests)
	})
}

func TestHTTP_AsksTheAPIAlone(t *testing.T) {
	signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, _ *string) {
		for _, url := range []string{
			"https://other.example.com/graphql", "http://accounts.example.com/graphql",
			"https://accounts.example.com:8443/graphql", "https://accounts.example.com/graphql/",
			"https://accounts.example.com/",
		} {
			if _, err := c.HTTP().Post(url, "application/json", strings.NewReader("{}")); err == nil {
				t.Errorf("%s was asked", url)
			}
		}
		want(t, "requests", nil, s.requests)
		request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(`{"query":"query Me { me { id } }"}`))
		check(t, err)
		request.Header.Set("Authorization", "Bearer "+accessToken("session0", "of its own"))
		response, err := c.HTTP().Do(request)
		check(t, err)
		check(t, response.Body.Close())
		want(t, "users", []string{"of its own"}, s.users)
		s.answer = func(string) *httpResponse {
			r := reply("")
			r.StatusCode, r.Header = http.StatusTemporaryRedirect, http.Header{"Location": {address}}
			return r
		}
		if c.Do(ctx, me, nil, nil) == nil {
			t.Error("a redirect is no error")
		}
		want(t, "requests", []string{"Me", "Me"}, s.requests)
	})
}

func TestError_HasItsMembers(t *testing.T) {
	signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, _ *string) {
		s.answer = func(string) *httpResponse {
			return reply(`{"data":{"me":{"id":"ann"}},"errors":[
				{"message":"short","path":["me",0],"extensions":
					{"code":"BAD_USER_INPUT","field":"password","reason":"TOO_SHORT","min":8,"max":128}},
				{"message":"wait","extensions":{"code":"RATE_LIMITED","retryAfter":30}},
				{"message":"prove","extensions":
					{"code":"REAUTHENTICATION_REQUIRED","coordinate":"Mutation.a","maxAge":300,"mfa":true}},
				{"message":"scope","extensions":{"code":"INSUFFICIENT_SCOPE","missingScopes":["users:read"]}},
				{"message":"code","extensions":{"code":"SECOND_FACTOR_REQUIRED","challenge":"x","factors":["TOTP"]}},
				{"message":"deep","extensions":{"code":"LIMIT_EXCEEDED","limit":"depth"}},
				{"message":"fault","extensions":{"code":"INTERNAL","requestId":"r"}}]}`)
		}
		var data struct{ Me struct{ ID string } }
		err := c.Do(ctx, me, nil, &data)
		want(t, "data", "ann", data.Me.ID)
		all, _ := errors.AsType[gatehouse.Errors](err)
		want(t, "errors", gatehouse.Errors{
			{
				Code: gatehouse.BadUserInput, Message: "short", Path: []any{"me", 0.0}, Field: "password",
				Reason: "TOO_SHORT", Min: new(8), Max: new(128),
			},
			{Code: gatehouse.RateLimited, Message: "wait", RetryAfter: 30 * time.Second},
			{
				Code: gatehouse.ReauthenticationRequired, Message: "prove", Coordinate: "Mutation.a",
				MaxAge: 5 * time.Minute, MFA: true,
			},
			{Code: gatehouse.InsufficientScope, Message: "scope", MissingScopes: []string{"users:read"}},
			{Code: gatehouse.SecondFactorRequired, Message: "code", Challenge: "x", Factors: []string{"TOTP"}},
			{Code: gatehouse.LimitExceeded, Message: "deep", Limit: "depth"},
			{Code: gatehouse.Internal, Message: "fault", RequestID: "r"},
		}, all)
		first, _ := errors.AsType[*gatehouse.Error](err)
		want(t, "the first", all[0], first)

		s.answer = func(string) *httpResponse {
			return &http.Response{
				StatusCode: http.StatusBadGateway, Status: "502 Bad Gateway", Body: http.NoBody,
				Header: http.Header{"Retry-After": {"7"}},
			}
		}
		away, _ := errors.AsType[*gatehouse.Error](c.Do(ctx, me, nil, nil))
		if away == nil || away.Code != gatehouse.Unavailable || away.RetryAfter != 7*time.Second {
			t.Errorf("a proxy that answers for the server: %+v", away)
		}
	})
}

func TestCodes_AreThoseOfTheSchema(t *testing.T) {
	text, err := os.ReadFile("../../schema.graphql")
	check(t, err)
	own, err := os.ReadFile("errors.go")
	check(t, err)
	var codes, known []string
	for _, value := range gqlparser.MustLoadSchema(&ast.Source{Input: string(text)}).Types["ErrorCode"].EnumValues {
		codes = append(codes, value.Name)
	}
	for _, match := range regexp.MustCompile(`Code = "(\w+)"`).FindAllStringSubmatch(string(own), -1) {
		known = append(known, match[1])
	}
	slices.Sort(codes)
	slices.Sort(known)
	want(t, "codes", codes, known)
}

func TestNew_WantsAnAddress(t *testing.T) {
	for _, url := range []string{
		"", "accounts.example.com/graphql", "/graphql", "ftp://accounts.example.com/graphql", "https://%",
	} {
		if _, err := gatehouse.New(gatehouse.Config{URL: url}); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
}
