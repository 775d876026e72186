package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestARuleThatCannotBeDecidedDeniesAsUnavailable takes the database away from a running server: who is asking cannot
// be told, so a guarded field is denied, as what it is; an open one is answered; and afterwards all is as before.
func TestARuleThatCannotBeDecidedDeniesAsUnavailable(t *testing.T) {
	cluster := dbtest.NewCluster(t)
	s := start(t, "GATEHOUSE_DATABASE_URL="+cluster.URL("postgres"))
	w := &stage{t: t, url: s.URL}
	token := w.register()
	if err := cluster.Stop(); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(`{"query":"{ me { email } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/graphql-response+json")
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Extensions struct{ Code string } }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" ||
		answer.Data != nil || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "UNAVAILABLE" {
		t.Errorf("me: %d, Retry-After %q, %+v; want 503 UNAVAILABLE", response.StatusCode, response.Header.Get("Retry-After"), answer)
	}
	if status, _ := get(t, s.URL+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %d, want 503", status)
	}
	if status, _ := get(t, s.URL+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d, want 200: the process is well", status)
	}
	if body := w.ask(shape{method: http.MethodPost, query: "{ __typename }"}, token); body != `{"data":{"__typename":"Query"}}` {
		t.Errorf("an open field: %s", body)
	}
	if err := cluster.Start(); err != nil {
		t.Fatal(err)
	}
	w.must(token, "{ me { email } }")
}
