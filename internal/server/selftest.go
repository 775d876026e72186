package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// deniedQuery is refused to every caller who is not signed in.
const deniedQuery = "{ me { id } }"

// checkAuthorizationEnforced sends an operation that must be denied to a path of the real handler, by each transport,
// before the port opens. A server that was composed without its guard does not start.
func checkAuthorizationEnforced(ctx context.Context, handler http.Handler, path string) error {
	get := path + "?query=" + url.QueryEscape(deniedQuery)
	for _, c := range []struct{ method, target, body string }{
		{http.MethodPost, path, `{"query":"` + deniedQuery + `"}`},
		{http.MethodGet, get, ""},
	} {
		r, err := http.NewRequestWithContext(ctx, c.method, c.target, strings.NewReader(c.body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/graphql-response+json")
		response := &recorder{header: http.Header{}, status: http.StatusOK}
		handler.ServeHTTP(response, r)
		if !response.denied() {
			return fmt.Errorf("authorization is not enforced: %s %s answered %s with %d %s; the server does not start",
				c.method, path, deniedQuery, response.status, response.body.String())
		}
	}
	return nil
}

// recorder keeps a response. httptest's is not for programs.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// denied reports whether the response is a refusal before execution: 401, the code that says why, and no data.
func (r *recorder) denied() bool {
	var response struct {
		Data   json.RawMessage
		Errors []struct{ Extensions struct{ Code string } }
	}
	err := json.Unmarshal(r.body.Bytes(), &response)
	return err == nil && r.status == http.StatusUnauthorized && response.Data == nil &&
		len(response.Errors) == 1 && response.Errors[0].Extensions.Code == "UNAUTHENTICATED"
}
