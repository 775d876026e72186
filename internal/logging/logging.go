// Package logging writes the log, as text or JSON. Text from clients cannot change how a line looks, their requests
// write a bounded number of lines, and a log that is not read delays no request.
package logging

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// SecurityEvent is the message of lines about accounts, sessions and keys. No budget bounds them, and an AsyncWriter
// has places for them that other lines do not take.
const SecurityEvent = "security event"

// Config is what a log is made of.
type Config struct {
	Out   io.Writer // required; when it is an *AsyncWriter, lines that it dropped are reported in the log
	Level slog.Level
	JSON  bool // default false: text
	// Caller returns who sent the request of a context: a user, or a network. Default: all requests count as one
	// caller's.
	Caller func(context.Context) string
}

// New returns a log that writes a line for each record, with the id of the request that it belongs to. Lines of
// requests have a budget for each caller.
func New(c Config) *slog.Logger {
	if c.Caller == nil {
		c.Caller = func(context.Context) string { return "" }
	}
	lines := c.handler(c.Out)
	h := boundedHandler{lines: lines, events: lines, budget: &budget{caller: c.Caller}}
	w, async := c.Out.(*AsyncWriter)
	if async {
		h.events = c.handler(w.Events())
	}
	log := slog.New(WithRequestID(h))
	h.budget.report = func(left source, lines int) {
		log.Warn("lines were left out", "of", left.message, "reason", left.reason, "caller", left.caller, "lines",
			lines)
	}
	if async {
		warn := func(lines, events int64) {
			log.Warn("the log was read too slowly: lines were dropped", "lines", lines, "securityEvents", events)
		}
		w.onDrop.Store(&warn)
		flush := h.budget.flush
		w.beforeClose.Store(&flush)
	}
	return log
}

func (c Config) handler(out io.Writer) slog.Handler {
	options, escaped := &slog.HandlerOptions{Level: c.Level}, escapingWriter{out}
	if c.JSON {
		return slog.NewJSONHandler(escaped, options)
	}
	return slog.NewTextHandler(escaped, options)
}

// boundedHandler writes security events, and other lines within their budget.
type boundedHandler struct {
	lines, events slog.Handler
	budget        *budget
}

// Enabled is slog.Handler's.
func (h boundedHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.lines.Enabled(ctx, l)
}

// Handle is slog.Handler's.
func (h boundedHandler) Handle(ctx context.Context, r slog.Record) error {
	switch {
	case r.Message == SecurityEvent:
		return h.events.Handle(ctx, r)
	case h.budget.allows(ctx, r):
		return h.lines.Handle(ctx, r)
	}
	return nil
}

// WithAttrs is slog.Handler's.
func (h boundedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return boundedHandler{h.lines.WithAttrs(attrs), h.events.WithAttrs(attrs), h.budget}
}

// WithGroup is slog.Handler's.
func (h boundedHandler) WithGroup(name string) slog.Handler {
	return boundedHandler{h.lines.WithGroup(name), h.events.WithGroup(name), h.budget}
}

// escapingWriter replaces unprintable characters by \u and their number. slog quotes line breaks, but its JSON passes
// characters that reverse the direction of text, and both formats pass DEL. In JSON the escape means the same
// character.
type escapingWriter struct{ io.Writer }

// Write takes one line, as slog's handlers write it.
func (w escapingWriter) Write(line []byte) (int, error) {
	text := bytes.TrimSuffix(line, []byte("\n"))
	if bytes.IndexFunc(text, unprintable) < 0 {
		return w.Writer.Write(line)
	}
	var b bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case !unprintable(r):
			b.Write(text[:size])
		case r > 0xffff: // as JSON needs it: RFC 8259, section 7
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		text = text[size:]
	}
	b.WriteByte('\n')
	if _, err := w.Writer.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(line), nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
