// Package requestid gives each HTTP request one id, which stands in its answer and in every log line about it. It
// knows nothing else of a request.
package requestid

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"github.com/google/uuid"
)

type contextKey struct{}

// Ensure returns a context with a request id: the given one if it has an id, otherwise a child with a new id. The id
// is made here, never taken from the request, because it ends up in the log.
func Ensure(ctx context.Context) context.Context {
	if From(ctx) != "" {
		return ctx
	}
	return &identified{ctx, newID()}
}

// newID returns a random UUID (RFC 9562, section 5.4), from the fast generator: an id need not be secret, only unique.
func newID() string {
	var id uuid.UUID
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}

// identified is context.WithValue in half of its memory.
type identified struct {
	context.Context
	id string
}

func (c *identified) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// From returns the id of the HTTP request that a context belongs to, or "".
func From(ctx context.Context) string {
	if c, ok := ctx.Value(contextKey{}).(*identified); ok {
		return c.id
	}
	return ""
}
