package server

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// TestCheckAuthorizationEnforced_LostGuardIsFound removes the guard from one transport at a time, and answers too
// little.
func TestCheckAuthorizationEnforced_LostGuardIsFound(t *testing.T) {
	denial := `{"errors":[{"message":"no","extensions":{"code":"UNAUTHENTICATED"}}]}`
	refuse := func(w http.ResponseWriter, status int, body string) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		says    string
	}{
		"guarded": {func(w http.ResponseWriter, r *http.Request) { refuse(w, 401, denial) }, ""},
		"open": {func(w http.ResponseWriter, r *http.Request) {
			refuse(w, 200, `{"data":{"me":null}}`)
		}, "POST"},
		"data with a denial": {func(w http.ResponseWriter, r *http.Request) {
			refuse(w, 401, `{"data":null,`+denial[1:])
		}, "POST"},
		"another refusal": {func(w http.ResponseWriter, r *http.Request) {
			refuse(w, 401, strings.Replace(denial, "UNAUTHENTICATED", "INTERNAL", 1))
		}, "POST"},
		"no JSON": {func(w http.ResponseWriter, r *http.Request) { refuse(w, 401, "no") }, "POST"},
		"open by GET": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				refuse(w, 200, `{"data":{"me":{"id":"1"}}}`)
				return
			}
			refuse(w, 401, denial)
		}, "GET"},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkAuthorizationEnforced(t.Context(), c.handler, "/graphql")
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, want a sentence with %q", err, c.says)
			}
		})
	}
}

// TestCheckAuthorizationEnforced_WaitsForABusyMachine: an operation that is refused unread is asked again, and no answer
// to it counts as a denial.
func TestCheckAuthorizationEnforced_WaitsForABusyMachine(t *testing.T) {
	const unread = `{"errors":[{"message":"later","extensions":{"code":"UNAVAILABLE","retryAfter":1}}]}`
	for _, busy := range []int{0, 1, maxUnread, maxUnread + 1} {
		synctest.Test(t, func(t *testing.T) {
			asked := map[string]int{}
			err := checkAuthorizationEnforced(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked[r.Method]++; asked[r.Method] <= busy {
					w.WriteHeader(http.StatusServiceUnavailable)
					io.WriteString(w, unread)
					return
				}
				w.WriteHeader(http.StatusUnauthorized)
				io.WriteString(w, `{"errors":[{"message":"no","extensions":{"code":"UNAUTHENTICATED"}}]}`)
			}), "/graphql")
			if (err == nil) != (busy <= maxUnread) {
				t.Errorf("busy for %d operations: %v", busy, err)
			}
		})
	}
}
