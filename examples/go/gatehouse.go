package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

//go:generate go tool genqlient

// connect returns a client that sends the access token, or calls anonymously when it is empty. The
// generated functions then return a *[Refusal] as soon as an answer holds an error, also when parts of a query could
// be answered.
func connect(url, accessToken string) graphql.Client {
	return client{graphql.NewClient(url, &http.Client{
		Transport:     bearer{accessToken},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       10 * time.Second,
	})}
}

// bearer sends the access token with every request, also with one that follows a redirect: a client that uses it must
// not follow any, or another host may see the token.
type bearer struct{ accessToken string }

func (b bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Accept", "application/graphql-response+json, application/json")
	if b.accessToken != "" {
		request.Header.Set("Authorization", "Bearer "+b.accessToken)
	}
	return http.DefaultTransport.RoundTrip(request)
}

// Refusal is an error of the API. Decide by Code: Message is for people, and its words may change.
type Refusal struct {
	Code       ErrorCode
	Message    string
	Extensions map[string]any
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s, %s", r.Code, r.Message) }

// client turns the two shapes that genqlient gives to errors into a *Refusal: a list when the HTTP status is 200, and
// an HTTPError around such a list otherwise.
type client struct{ graphql.Client }

func (c client) MakeRequest(ctx context.Context, request *graphql.Request, response *graphql.Response) error {
	err := c.Client.MakeRequest(ctx, request, response)
	if err == nil {
		return nil
	}
	answered := err
	if failed, ok := errors.AsType[*graphql.HTTPError](err); ok {
		answered = failed.Response.Errors
	}
	if first, ok := errors.AsType[*gqlerror.Error](answered); ok {
		if code, ok := first.Extensions["code"].(string); ok {
			err = &Refusal{ErrorCode(code), first.Message, first.Extensions}
		}
	}
	return fmt.Errorf("%s: %w", request.OpName, err)
}
