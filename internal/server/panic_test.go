package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/logging"
	"github.com/gatehouse/gatehouse/internal/metrics"
)

func TestRunTasks_PanicRestartsTheTask(t *testing.T) {
	var log bytes.Buffer // is read when the task has ended
	var times atomic.Int64
	restarted := make(chan struct{})
	task := func(ctx context.Context) {
		if times.Add(1) <= 2 {
			panic("twice")
		}
		close(restarted)
		<-ctx.Done()
	}
	stop := runTasks(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), []func(context.Context){task})
	<-restarted
	stop()
	if strings.Count(log.String(), "panic in the background") != 1 || times.Load() != 3 {
		t.Errorf("%d times:\n%s", times.Load(), &log)
	}
}

// TestHandler_PanicIsAnsweredLoggedAndCounted: what is not an operation; package graph answers for those.
func TestHandler_PanicIsAnsweredLoggedAndCounted(t *testing.T) {
	var out bytes.Buffer
	w := observer{metrics: metrics.New("test")}
	s := &Server{config: &Config{Config: &config.Config{}}, log: slog.New(slog.NewTextHandler(&out, nil)),
		options: Options{observer: w}}
	breaks := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { panic(r.URL.Query().Get("with")) })
	server := httptest.NewServer(s.observed(breaks))
	defer server.Close()
	response, err := http.Get(server.URL + "?with=hunter2")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusInternalServerError || strings.Contains(string(body), "hunter2") {
		t.Errorf("%d %s, %v", response.StatusCode, body, err)
	}
	for _, want := range []string{"level=ERROR", "cause=hunter2", "panic_test.go"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %s", want, &out)
		}
	}
	counted := httptest.NewRecorder()
	w.metrics.Handler().ServeHTTP(counted, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(counted.Body.String(), "gatehouse_panics_total 1\n") {
		t.Error("it is not counted")
	}
}

// TestHandler_PanicsOfOneNetworkHideNoOthers: those before the caller is known have a budget for each network too.
func TestHandler_PanicsOfOneNetworkHideNoOthers(t *testing.T) {
	var out bytes.Buffer
	s := &Server{config: &Config{Config: &config.Config{}},
		log: logging.New(logging.Config{Out: &out, Caller: CallerOf})}
	handler := s.observed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug") }))
	lines := func(ip string) int {
		before := out.Len()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = ip + ":1234"
		handler.ServeHTTP(httptest.NewRecorder(), r)
		return strings.Count(out.String()[before:], "a bug")
	}
	for range 100 {
		lines("198.51.100.7")
	}
	if lines("198.51.100.7") != 0 || lines("203.0.113.9") != 1 {
		t.Errorf("the log after 100 panics: %.500s", &out)
	}
}
