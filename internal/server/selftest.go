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

// canaryQuery is refused to everybody who is not signed in.
const canaryQuery = "{ me { id } }"

// CheckAuthorizationEnforced sends an operation that must be denied through the real handler by every transport, before the port
// opens: a server whose guard was lost on the way does not start.
func CheckAuthorizationEnforced(ctx context.Context, handler http.Handler) error {
	get := "/graphql?query=" + url.QueryEscape(canaryQuery)
	for _, c := range []struct{ method, target, body string }{
		{http.MethodPost, "/graphql", `{"query":"` + canaryQuery + `"}`},
		{http.MethodGet, get, ""},
	} {
		r, err := http.NewRequestWithContext(ctx, c.method, c.target, strings.NewReader(c.body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/graphql-response+json")
		answer := &answer{header: http.Header{}, status: http.StatusOK}
		handler.ServeHTTP(answer, r)
		if !answer.denied() {
			return fmt.Errorf("the guard is not in force: %s answered %s with %d %s; the server does not start", c.method, canaryQuery, answer.status, answer.body.String())
		}
	}
	return nil
}

// answer is a response that is kept instead of sent.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// denied reports whether the answer is a refusal before execution: 401, the code that says why, and no data.
func (a *answer) denied() bool {
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Extensions struct{ Code string } }
	}
	err := json.Unmarshal(a.body.Bytes(), &answer)
	return err == nil && a.status == http.StatusUnauthorized && answer.Data == nil &&
		len(answer.Errors) == 1 && answer.Errors[0].Extensions.Code == "UNAUTHENTICATED"
}
