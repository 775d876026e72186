package introspection

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/requestid"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestHandler_LogsWhyItCannotAnswer in one line, which belongs to a request and so has a budget, and has no token.
func TestHandler_LogsWhyItCannotAnswer(t *testing.T) {
	const credential, asked = "the-credential-of-the-tests", "gh_pat_asked"
	for name, c := range map[string]struct {
		err    error
		status int
		lines  int
	}{
		"the control":            {nil, http.StatusOK, 0},
		"the database is silent": {errors.New("the reason"), http.StatusServiceUnavailable, 1},
	} {
		var log testenv.Buffer
		var id string
		h := Handler(Config{
			Tokens: []string{credential}, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Introspect: func(ctx context.Context, _ string) (*accounts.Introspection, error) {
				id = requestid.From(ctx)
				return nil, c.err
			},
		})
		r := httptest.NewRequest(http.MethodPost, "/introspect", strings.NewReader("token="+asked))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "Bearer "+credential)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		text := log.String()
		testenv.Equal(t, []int{c.status, c.lines}, []int{w.Code, strings.Count(text, "\n")}, "%s: status, lines", name)
		if c.lines > 0 && !strings.Contains(text, "the reason") || id == "" ||
			strings.Contains(text, asked) || strings.Contains(text, credential) {
			t.Errorf("%s: request %q, log:\n%s", name, id, text)
		}
	}
}
