package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
)

// TestAPanicBesideTheResolversIsInternal is S-076: in the middleware, and in a handler that has begun to answer.
func TestAPanicBesideTheResolversIsInternal(t *testing.T) {
	log := &buffer{}
	server := httptest.NewServer(graphqlhttp.Recover(slog.New(slog.NewTextHandler(log, nil)), func() {}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			w.Write([]byte("half"))
			http.NewResponseController(w).Flush()
		}
		panic("a canary of a cause")
	})))
	defer server.Close()
	status, body := get(t, server.URL+"/early")
	if status != http.StatusInternalServerError || !strings.Contains(body, `"code":"INTERNAL"`) || !strings.Contains(body, `"requestId":`) || strings.Contains(body, "canary") {
		t.Errorf("%d %s", status, body)
	}
	response, err := http.Get(server.URL + "/late")
	if err == nil {
		_, err = response.Body.Read(make([]byte, 100))
		for err == nil {
			_, err = response.Body.Read(make([]byte, 100))
		}
		response.Body.Close()
	}
	if err == nil || err.Error() == "EOF" {
		t.Errorf("half an answer ended as if it were whole: %v", err)
	}
	if n := strings.Count(log.String(), `msg=panic`); n != 2 || strings.Count(log.String(), "panic_test.go") < 2 {
		t.Errorf("%d panics are in the log, with their stacks; want 2:\n%s", n, log)
	}
}
