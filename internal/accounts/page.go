package accounts

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// defaultPage is how long a page is when the client does not say.
const defaultPage = 20

// Page selects a page of a connection: the first or the last objects between two cursors, in the order of the
// connection either way (Relay's specification of cursor connections).
type Page struct {
	First, Last   *int32  // how many, 0 to Config.MaxPage, and only one of the two; neither: the first 20
	After, Before *string // nil: from the connection's beginning, to its end
}

// PageInfo is GraphQL's type of that name.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// pageBounds is a Page that can be read: from newest to oldest when it is backward.
type pageBounds struct {
	size          int
	backward      bool
	after, before *uuid.UUID
}

func (p Page) bounds(maximum int) (b pageBounds, err error) {
	b.size = defaultPage
	var wrong [5]error
	wrong[0] = b.setSize("first", p.First, maximum)
	wrong[1] = b.setSize("last", p.Last, maximum)
	b.backward = p.Last != nil
	if p.First != nil && p.Last != nil && wrong[1] == nil {
		wrong[2] = problem.BadInput("last", problem.NotAllowed, "Ask for the first or for the last; not for both.")
	}
	b.after, wrong[3] = readCursor("after", p.After)
	b.before, wrong[4] = readCursor("before", p.Before)
	return b, errors.Join(wrong[:]...)
}

func (b *pageBounds) setSize(argument string, n *int32, maximum int) error {
	if n == nil {
		return nil
	}
	b.size = int(*n)
	if b.size >= 0 && b.size <= maximum {
		return nil
	}
	return problem.BadInput(argument, problem.OutOfRange, fmt.Sprintf("A page has at most %d entries.", maximum)).
		Between(0, maximum)
}

// page takes the rows of a page, of which one more was read than it has, and says where it stands.
func page[T any](rows []T, b pageBounds) ([]T, *PageInfo) {
	more := len(rows) > b.size
	rows = rows[:min(len(rows), b.size)]
	if b.backward {
		slices.Reverse(rows)
	}
	return rows, &PageInfo{
		HasNextPage:     b.before != nil || more && !b.backward,
		HasPreviousPage: b.after != nil || more && b.backward,
	}
}

// A cursor is an object's id, opaque to clients. A forged one gains nothing: it only says where a page begins or ends.
func writeCursor(id uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

func readCursor(argument string, text *string) (*uuid.UUID, error) {
	if text == nil {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(*text)
	if err == nil {
		// The decoder passes over line breaks.
		if id, err := uuid.FromBytes(raw); err == nil && writeCursor(id) == *text {
			return &id, nil
		}
	}
	return nil, problem.BadInput(argument, problem.Malformed,
		"This is not a cursor of this list; use one that came with it.").WithCause(err)
}
