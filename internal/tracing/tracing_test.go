package tracing_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/tracing"
)

func newTraces(t *testing.T, log io.Writer) *tracing.Traces {
	t.Helper()
	traces, err := tracing.New(t.Context(), tracing.Config{
		Endpoint: "http://127.0.0.1:1/v1/traces", Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { traces.Close(t.Context()) })
	return traces
}

// TestNew_UnusableVariablesWarnWithoutTheirValues: a header's value may be a key.
func TestNew_UnusableVariablesWarnWithoutTheirValues(t *testing.T) {
	for variable, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_HEADERS":            "hunter2",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS":     "a=hunter2%zz",
		"OTEL_EXPORTER_OTLP_TIMEOUT":            "hunter2",
		"OTEL_EXPORTER_OTLP_CERTIFICATE":        "/no/such/hunter2",
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/no/such/hunter2",
		"OTEL_RESOURCE_ATTRIBUTES":              "a=%zz",
		"OTEL_BSP_SCHEDULE_DELAY":               "", // a control: nothing is wrong
	} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, value)
			t.Setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", value)
			var log bytes.Buffer
			newTraces(t, &log)
			if strings.Contains(log.String(), "level=WARN") != (value != "") || strings.Contains(log.String(), "hunter2") {
				t.Errorf("%s", &log)
			}
		})
	}
}

// TestHandler_FlushReachesTheConnection through the writer that records the status.
func TestHandler_FlushReachesTheConnection(t *testing.T) {
	handler := newTraces(t, io.Discard).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	}))
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/revocations", nil))
	if !response.Flushed {
		t.Error("nothing was flushed")
	}
}
