package servertest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse/gatehouse/verify"
)

// NewRelyingService starts another program's service behind package verify, and returns a client of it. It answers a
// token with the caller's id and roles.
func NewRelyingService(t testing.TB, config verify.Config) *Client {
	t.Helper()
	v, err := verify.New(config)
	Check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); v.Run(ctx) }()
	s := httptest.NewServer(v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := verify.From(r.Context())
		json.NewEncoder(w).Encode(map[string]any{"id": token.UserID, "roles": token.Roles})
	})))
	t.Cleanup(func() { s.Close(); cancel(); <-done })
	return NewClient(t, s.URL)
}

// WithFeed is the configuration of a service that reads the feed of revocations.
func WithFeed(issuer string) verify.Config {
	return verify.Config{Issuer: issuer, Revocations: &verify.Feed{Token: FeedToken}}
}

// GetAs sends a GET with a token.
func (c *Client) GetAs(token, path string) Answer {
	c.t.Helper()
	return c.whole(Request{Method: http.MethodGet, Path: path, Token: token})
}

// Accepts reports whether a relying service lets a token in.
func (c *Client) Accepts(token string) bool {
	c.t.Helper()
	return c.GetAs(token, "/").Status == http.StatusOK
}
