// Package logging makes the log: lines as text or JSON, in which nothing that a client wrote can change how a line looks,
// and which hold no request up when nobody reads them.
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
	Out   io.Writer // required
	Level slog.Level
	JSON  bool
}

// New writes lines as text or JSON.
func New(c Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level}
	out := visible{c.Out}
	log := slog.New(WithRequestID(slog.NewTextHandler(out, options)))
	if c.JSON {
		log = slog.New(WithRequestID(slog.NewJSONHandler(out, options)))
	}
	if s, is := c.Out.(*AsyncWriter); is {
		tell := func(lines int64) { log.Warn("nobody read the log: lines were dropped", "lines", lines) }
		s.lost.Store(&tell)
	}
	return log
}

// visible writes what cannot be seen as \u and its number. slog quotes what would begin a new line, but its JSON has
// characters in it that turn the direction of a line, and both formats have DEL: what a client calls itself must not
// change how a line looks to who reads it. In JSON such an escape means the same character.
type visible struct{ io.Writer }

// Write takes one line, as slog's handlers do.
func (v visible) Write(line []byte) (int, error) {
	text := bytes.TrimSuffix(line, []byte("\n"))
	if bytes.IndexFunc(text, unseen) < 0 {
		return v.Writer.Write(line)
	}
	var b bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case !unseen(r):
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
	if _, err := v.Writer.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(line), nil
}

func unseen(r rune) bool { return !unicode.IsPrint(r) }
