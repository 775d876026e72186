package revocationfeed

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

// TestHandler_LogsWhyItCannotAnswer in one line, which belongs to a request and so has a budget.
func TestHandler_LogsWhyItCannotAnswer(t *testing.T) {
	const credential = "the-credential-of-the-tests"
	done := make(chan struct{})
	close(done) // the control's stream ends immediately
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
			Tokens: []string{credential}, Log: slog.New(slog.NewTextHandler(&log, nil)), Done: done,
			Subscribe: func() (<-chan accounts.Notice, func()) { return nil, func() {} },
			InForce: func(ctx context.Context) ([]accounts.Revocation, error) {
				id = requestid.From(ctx)
				return nil, c.err
			},
		})
		r := httptest.NewRequest(http.MethodGet, "/revocations", nil)
		r.Header.Set("Authorization", "Bearer "+credential)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		text := log.String()
		testenv.Equal(t, []int{c.status, c.lines}, []int{w.Code, strings.Count(text, "\n")}, "%s: status, lines", name)
		if c.lines > 0 && !strings.Contains(text, "the reason") || id == "" || strings.Contains(text, credential) {
			t.Errorf("%s: request %q, log:\n%s", name, id, text)
		}
	}
}
