package logging

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
)

// TestAsyncWriter_UnreadLinesAreBoundedAndCounted writes to a pipe that is not read, and then reads it. Security events
// come last, and have places of their own.
func TestAsyncWriter_UnreadLinesAreBoundedAndCounted(t *testing.T) {
	const lines, events = maxBacklog + 300, maxBacklog
	reader, out := io.Pipe()
	w := NewAsyncWriter(out)
	log := New(Config{Out: w, Level: slog.LevelInfo})
	for range lines {
		log.Info("written") // waits once
	}
	for range events {
		log.Info(SecurityEvent)
	}
	dropped := int(w.Stats().DroppedLines)
	if s := w.Stats(); s.Waiting < maxBacklog+events-2 || s.DroppedEvents != 0 {
		t.Errorf("with a reader that is away: %+v", s)
	}
	if dropped == 0 || dropped > lines-maxBacklog {
		t.Errorf("%d lines were dropped", dropped)
	}
	written, writtenEvents, report := 0, 0, ""
	for text := bufio.NewScanner(reader); report == "" && text.Scan(); {
		switch {
		case strings.HasSuffix(text.Text(), "msg=written"):
			written++
		case strings.HasSuffix(text.Text(), `msg="security event"`):
			writtenEvents++
		default:
			report = text.Text()
		}
	}
	want := fmt.Sprintf(`lines were dropped" lines=%d securityEvents=0`, dropped)
	if !strings.Contains(report, want) || written != lines-dropped || writtenEvents != events {
		t.Errorf("%d lines, %d events and %s, want %d, %d and %s",
			written, writtenEvents, report, lines-dropped, events, want)
	}
	if s := w.Stats(); s.Waiting != 0 || int(s.DroppedLines) != dropped {
		t.Errorf("when all is read: %+v", s)
	}
	w.Close()
}

// TestAsyncWriter_LineIsWrittenWhenWriteReturns is about a reader that keeps up, and about lines after Close.
func TestAsyncWriter_LineIsWrittenWhenWriteReturns(t *testing.T) {
	var out bytes.Buffer
	w := NewAsyncWriter(&out)
	for n := range 10 {
		fmt.Fprintln(w, n)
		if w.degraded.Load() {
			t.Skip("this machine took 100 ms to write a line")
		}
		if want := fmt.Sprintf("%d\n", n); !strings.HasSuffix(out.String(), want) {
			t.Fatalf("%q, want it to end with %q", &out, want)
		}
	}
	w.Close()
	before := out.Len()
	fmt.Fprintln(w, "too late")
	if out.Len() != before {
		t.Error("a line was written after Close")
	}
}
