package accounts

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

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

// pageBounds is a Page that can be read: from the end of the list to its beginning when it is backward.
type pageBounds struct {
	size          int
	backward      bool
	after, before *position
}

// position is where an object stands in a list: the values that the list is sorted by.
type position struct {
	id        uuid.UUID
	createdAt time.Time
	email     string
}

// positionReader reads what a list writes into its cursors, and reports whether it has written it.
type positionReader func(raw []byte) (position, bool)

// idPosition reads the cursors of lists that are sorted by id alone.
func idPosition(raw []byte) (position, bool) {
	id, err := uuid.FromBytes(raw)
	return position{id: id}, err == nil
}

func (p Page) bounds(maximum int, read positionReader) (b pageBounds, err error) {
	b.size = defaultPage
	var wrong [5]error
	wrong[0] = b.setSize("first", p.First, maximum)
	wrong[1] = b.setSize("last", p.Last, maximum)
	b.backward = p.Last != nil
	if p.First != nil && p.Last != nil && wrong[1] == nil {
		wrong[2] = problem.BadInput("last", problem.NotAllowed, "Ask for the first or for the last; not for both.")
	}
	b.after, wrong[3] = readCursor("after", p.After, read)
	b.before, wrong[4] = readCursor("before", p.Before, read)
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

// A cursor is an object's position, opaque to clients. A forged one gains nothing: it only says where a page begins or
// ends.
func writeCursor(position []byte) string { return base64.RawURLEncoding.EncodeToString(position) }

func readCursor(argument string, text *string, read positionReader) (*position, error) {
	if text == nil {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(*text)
	if err == nil && writeCursor(raw) == *text { // the decoder passes over line breaks
		if at, ok := read(raw); ok {
			return &at, nil
		}
	}
	return nil, problem.BadInput(argument, problem.Malformed,
		"This is not a cursor of this list; use one that came with it.").WithCause(err)
}
