package logging

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/requestid"
)

func TestWithRequestID_AddsTheIDOfTheContext(t *testing.T) {
	log := &bytes.Buffer{}
	logger := slog.New(WithRequestID(slog.NewTextHandler(log, nil))).With("part", "one")
	ctx := requestid.Ensure(t.Context())
	logger.InfoContext(ctx, "here")
	if want := "Z level=INFO msg=here part=one requestId=" + requestid.From(ctx); !strings.Contains(log.String(), want) {
		t.Errorf("want %s: %s", want, log)
	}
	log.Reset()
	logger.Info("no request")
	if strings.Contains(log.String(), "requestId") || !strings.Contains(log.String(), "Z level=INFO") {
		t.Errorf("want no id, and the time in UTC: %s", log)
	}
}
