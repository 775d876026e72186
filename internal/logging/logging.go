// Package logging writes the log, as text or JSON. Text from clients cannot change how a line looks, and a log that is
// not read delays no request.
package logging

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Config is what a log is made of.
type Config struct {
	Out   io.Writer // required; when it is an *AsyncWriter, lines that it dropped are reported in the log
	Level slog.Level
	JSON  bool // default false: text
}

// New returns a log that writes a line for each record, with the id of the request that it belongs to.
func New(c Config) *slog.Logger {
	options, out := &slog.HandlerOptions{Level: c.Level}, escapingWriter{c.Out}
	var handler slog.Handler = slog.NewTextHandler(out, options)
	if c.JSON {
		handler = slog.NewJSONHandler(out, options)
	}
	log := slog.New(WithRequestID(handler))
	if w, ok := c.Out.(*AsyncWriter); ok {
		warn := func(lines int64) { log.Warn("the log was read too slowly: lines were dropped", "lines", lines) }
		w.onDrop.Store(&warn)
	}
	return log
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
