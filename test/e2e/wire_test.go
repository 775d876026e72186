package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestEndpoint_TrailingSlashAndHEADAreAnswered: /graphql/ is the same as /graphql, and HEAD is GET without its body.
func TestEndpoint_TrailingSlashAndHEADAreAnswered(t *testing.T) {
	s := servertest.Start(t)
	for _, path := range []string{"/graphql", "/graphql/"} {
		query := path + "?query=" + url.QueryEscape("{__typename}")
		if a := s.Do(servertest.Request{Method: http.MethodGet, Path: query}); a.Status != 200 || a.Body == "" {
			t.Errorf("GET %s: %v", query, a)
		}
		if a := s.Do(servertest.Request{Method: http.MethodHead, Path: query}); a.Status != 200 || a.Body != "" {
			t.Errorf("HEAD %s: %v", query, a)
		}
		mutation := path + "?query=" + url.QueryEscape("mutation{logout{success}}")
		if a := s.Do(servertest.Request{Method: http.MethodHead, Path: mutation}); a.Status != 405 {
			t.Errorf("HEAD with a mutation: %v", a)
		}
	}
	if a := s.Do(servertest.Request{Method: http.MethodGet, Path: "/graphql/x"}); a.Status != 404 {
		t.Errorf("GET /graphql/x: %v", a)
	}
}
