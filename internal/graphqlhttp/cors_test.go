package graphqlhttp

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func preflight(h http.Handler, origin, headers string) http.Header {
	r := httptest.NewRequest(http.MethodOptions, "/graphql", nil)
	r.Header.Set("Origin", origin)
	r.Header.Set("Access-Control-Request-Method", http.MethodPost)
	if headers != "" {
		r.Header.Set("Access-Control-Request-Headers", headers)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result().Header
}

// libraryHeaders are those that front ends' libraries add to requests.
var libraryHeaders = []string{
	"accept", "authorization", "content-type", "apollographql-client-name", "apollographql-client-version",
	"apollo-require-preflight", "x-apollo-operation-name", "sentry-trace", "baggage", "traceparent", "tracestate", "b3",
	"x-b3-traceid", "x-datadog-trace-id", "newrelic", "x-requested-with", "x-csrf-token", "graphql-preflight",
	"cache-control", "x-request-id",
}

// Browsers send the names sorted and in lower case; a name may be any token (RFC 9110, section 5.6.2).
func TestCORS_PreflightPassesEveryHeader(t *testing.T) {
	const app = "https://app.example.com"
	h := CORS(CORSConfig{
		Allow: func(origin string) bool { return origin == app }, Refused: func(context.Context, string) {},
	}, http.NotFoundHandler())
	sets := [][]string{{}, libraryHeaders}
	for _, name := range libraryHeaders {
		sets = append(sets, []string{name})
	}
	const token = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		set := make([]string, 1+random.IntN(5))
		for i := range set {
			for range 1 + random.IntN(40) {
				set[i] += string(token[random.IntN(len(token))])
			}
		}
		sets = append(sets, set)
	}
	for _, set := range sets {
		slices.Sort(set)
		headers := strings.Join(set, ",")
		if got := preflight(h, app, headers); got.Get("Access-Control-Allow-Origin") != app ||
			got.Get("Access-Control-Allow-Headers") != headers || got.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("%s: %v", headers, got)
		}
		if got := preflight(h, "https://evil.example", headers); got.Get("Access-Control-Allow-Origin") != "" ||
			got.Get("Access-Control-Allow-Headers") != "" {
			t.Errorf("another origin, %s: %v", headers, got)
		}
	}
}

// TestCORS_RefusedOriginIsReportedOnce as long as few others come; and others' many do not keep one from being reported.
func TestCORS_RefusedOriginIsReportedOnce(t *testing.T) {
	reported := map[string]int{}
	h := CORS(CORSConfig{
		Allow:   func(origin string) bool { return origin == "https://app.example.com" },
		Refused: func(_ context.Context, origin string) { reported[origin]++ },
	}, http.NotFoundHandler())
	for range 3 {
		preflight(h, "https://app.example.com", "")
		preflight(h, "https://other.example", "content-type")
		preflight(h, "https://"+strings.Repeat("a", maxOriginLen), "")
	}
	if len(reported) != 1 || reported["https://other.example"] != 1 {
		t.Errorf("reported: %v", reported)
	}
	for i := range 3 * maxRefusedOrigins {
		preflight(h, fmt.Sprintf("https://o%d.example", i), "")
	}
	preflight(h, "https://mine.example", "")
	if reported["https://mine.example"] != 1 {
		t.Error("it is not reported behind so many others")
	}
}

func TestPublicCORS_EveryOriginReadsAndNoneSendsCredentials(t *testing.T) {
	h := PublicCORS(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "keys") }))
	for _, origin := range []string{"https://app.example.com", "null", "capacitor://localhost"} {
		r := httptest.NewRequest(http.MethodGet, "/keys", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Result().Header; got.Get("Access-Control-Allow-Origin") != "*" ||
			got.Get("Access-Control-Allow-Credentials") != "" || w.Body.String() != "keys" {
			t.Errorf("%s: %v %s", origin, got, w.Body)
		}
	}
}
