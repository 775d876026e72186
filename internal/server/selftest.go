package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
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
		response, err := askUntilRead(ctx, handler, c.method, c.target, c.body)
		if err != nil {
			return err
		}
		if !response.denied() {
			return fmt.Errorf("authorization is not enforced: %s %s answered %s with %d %s; the server does not start",
				c.method, path, deniedQuery, response.status, response.body.String())
		}
	}
	return nil
}

// maxUnread is how often an operation may be refused because the machine is too busy to read it.
const maxUnread = 30

// askUntilRead sends an operation, once a second while it is refused unread, as on a machine that stood still.
func askUntilRead(ctx context.Context, handler http.Handler, method, target, body string) (*recorder, error) {
	for unread := 0; ; unread++ {
		r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/graphql-response+json")
		response := &recorder{header: http.Header{}, status: http.StatusOK}
		handler.ServeHTTP(response, r)
		if response.status != http.StatusServiceUnavailable || unread == maxUnread {
			return response, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
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
