// Package gatehouse is a client of a Gatehouse server: it keeps the session of one user, and gives errors their types.
//
// A Client takes the session from every answer whose root field has an `accessToken`: `login`, `completeLogin`,
// `register`, `changePassword` and others; select `accessToken expiresIn refreshToken` there. It refreshes the access
// token before it expires and when the server does not take it, once for all goroutines that wait. What one user has
// asked is never sent for another who has signed in meanwhile, and a mutation is sent again only when the server has
// refused it before anything was done. docs/clients.md has the rules of the server that this follows.
//
// Requests are sent by Client.Do, or by whichever GraphQL library takes an *http.Client: Client.HTTP.
package gatehouse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Config says which server, and whose session.
type Config struct {
	// URL of the API, such as https://accounts.example.com/graphql. Required.
	URL string
	// RefreshToken goes on with a session: what Store was last called with. Empty: nobody is signed in.
	RefreshToken string
	// Store keeps the refresh token: each use replaces it, and one that was replaced more than ten seconds ago ends the
	// session when it is used. It is called with each new one before that counts, and with "" when the session has
	// ended; its calls never overlap, and it must not use the Client. Where it fails, the sign-in or refresh fails, and
	// the next attempt begins with the token before. One Client at a time uses a refresh token. Nil: it is kept in
	// memory.
	Store func(ctx context.Context, refreshToken string) error
	// Transport sends the requests. Nil: http.DefaultTransport.
	Transport http.RoundTripper
}

// Client has the session of one user at a time. It is safe for concurrent use. Make one by New.
type Client struct {
	api   *url.URL
	base  http.RoundTripper
	store func(ctx context.Context, refreshToken string) error

	changing sync.Mutex // held while the session changes, over the calls of store
	mu       sync.Mutex // guards what follows
	session
	refreshing *refreshCall
}

// New returns a client. It sends nothing yet.
func New(config Config) (*Client, error) {
	api, err := url.Parse(config.URL)
	if err != nil {
		return nil, fmt.Errorf("reading Config.URL: %w", err)
	}
	if api.Host == "" || (api.Scheme != "https" && api.Scheme != "http") {
		return nil, fmt.Errorf("Config.URL is %q: write https://host/graphql", config.URL)
	}
	c := &Client{api: api, base: config.Transport, store: config.Store}
	c.refreshToken = config.RefreshToken
	if c.base == nil {
		c.base = http.DefaultTransport
	}
	if c.store == nil {
		c.store = func(context.Context, string) error { return nil }
	}
	return c, nil
}

// HTTP returns an HTTP client for the API alone, with the session: for genqlient and other GraphQL libraries. It
// follows no redirect. A refresh that fails is the error of the request, in which errors.As finds an *Error.
func (c *Client) HTTP() *http.Client {
	return &http.Client{
		Transport:     transport{c},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Do sends an operation and reads the data of its answer into a pointer; nil ignores it. When the answer has errors,
// the error is Errors, and what of a query could be answered is in data all the same.
func (c *Client) Do(ctx context.Context, document string, variables, data any) error {
	request, err := c.newRequest(ctx, document, variables)
	if err != nil {
		return err
	}
	response, err := c.HTTP().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	a, err := readAnswer(response)
	if err != nil {
		return err
	}
	if data != nil && a.Data != nil {
		if err := json.Unmarshal(a.Data, data); err != nil {
			return fmt.Errorf("reading the data of the answer: %w", err)
		}
	}
	return a.err()
}

func (c *Client) newRequest(ctx context.Context, document string, variables any) (*http.Request, error) {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return nil, fmt.Errorf("writing the variables: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.api.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", accepted)
	return request, nil
}

// UserID returns who is signed in, or "" for nobody, and before the first request with a refresh token.
func (c *Client) UserID() string { return c.current().userID }

// AccessToken returns one that can be used, for other services. The error is Unauthenticated when nobody is signed in.
func (c *Client) AccessToken(ctx context.Context) (string, error) {
	asked := c.UserID()
	if err := c.ready(ctx); err != nil {
		return "", err
	}
	t := c.current()
	switch {
	case t.text == "":
		return "", &Error{Code: Unauthenticated, Reason: "missing", Message: "nobody is signed in"}
	case asked != "" && t.userID != asked:
		return "", superseded()
	}
	return t.text, nil
}

// SignOut ends the session, here and on the server. When it fails, because the server was not reached, it ends nothing.
func (c *Client) SignOut(ctx context.Context) error {
	err := c.Do(ctx, `mutation Logout { logout { success } }`, nil, nil)
	e, ok := errors.AsType[*Error](err)
	if ok && e.Code == Unauthenticated && c.UserID() == "" {
		return nil // it was over before
	}
	return err
}

// superseded is the answer to what a user has asked in whose place another is, or nobody.
func superseded() *Error {
	return &Error{Code: Unauthenticated, Reason: "revoked", Message: "who asked this is not signed in any more"}
}

// answer is what an answer of GraphQL says. Data is nil when it has none.
type answer struct {
	Data   json.RawMessage
	Errors Errors
}

func (a answer) err() error {
	if len(a.Errors) > 0 {
		return a.Errors
	}
	if a.Data == nil {
		return errors.New("the answer has neither data nor errors: is the address that of the API?")
	}
	return nil
}

// readAnswer reads what the transport has read before. Proxies answer 502, 503 and 504 for a server that is away.
func readAnswer(response *http.Response) (answer, error) {
	var a answer
	err := json.NewDecoder(response.Body).Decode(&a)
	switch {
	case err == nil && (a.Data != nil || a.Errors != nil):
		return a, nil
	case response.StatusCode >= 502 && response.StatusCode <= 504:
		wait, err := strconv.Atoi(response.Header.Get("Retry-After"))
		if err != nil {
			wait = 1
		}
		away := &Error{
			Code: Unavailable, Message: "a proxy answered " + response.Status, RetryAfter: time.Duration(wait) * time.Second,
		}
		return a, Errors{away}
	}
	return a, fmt.Errorf("the answer has the status %s, and is not GraphQL's: is the address that of the API?",
		response.Status)
}
