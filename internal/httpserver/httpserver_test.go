package httpserver

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestNewServer_SlowClientsAreCutOff(t *testing.T) {
	s := newServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if s.ReadHeaderTimeout > 5*time.Second || s.ReadTimeout > 10*time.Second || s.WriteTimeout == 0 ||
		s.IdleTimeout == 0 || s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.MaxHeaderBytes > 64<<10 {
		t.Errorf("%+v", s)
	}
}

// TestDrain_RequestsAreAnsweredAndReadinessFails asks before and after draining has begun.
func TestDrain_RequestsAreAnsweredAndReadinessFails(t *testing.T) {
	d := &drain{}
	handler := d.middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	check := func(path string, status int, connection string) {
		t.Helper()
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, httptest.NewRequest(http.MethodGet, path, nil))
		if got := response.Header().Get("Connection"); response.Code != status || got != connection {
			t.Errorf("%s: %d with Connection: %q, want %d with %q", path, response.Code, got, status, connection)
		}
	}
	check("/readyz", http.StatusOK, "")
	d.run(0)
	check("/readyz", http.StatusServiceUnavailable, "close")
	check("/graphql", http.StatusOK, "close")
}
