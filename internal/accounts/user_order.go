package accounts

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/predicate"
)

// UserOrder is GraphQL's input of that name. The zero value is the order of creation, oldest first.
type UserOrder struct {
	Field     UserOrderField
	Direction OrderDirection
}

// UserOrderField is GraphQL's enum of that name.
type UserOrderField string

// What users are sorted by.
const (
	OrderByCreatedAt UserOrderField = "CREATED_AT"
	OrderByEmail     UserOrderField = "EMAIL"
)

// OrderDirection is GraphQL's enum of that name.
type OrderDirection string

// Directions of an order.
const (
	Ascending  OrderDirection = "ASC"
	Descending OrderDirection = "DESC"
)

func (o UserOrder) field() UserOrderField {
	if o.Field == OrderByEmail {
		return OrderByEmail
	}
	return OrderByCreatedAt
}

// read returns the order in which a page of the list is read.
func (o UserOrder) read(b pageBounds) UserOrder {
	if b.backward == (o.Direction == Descending) {
		return UserOrder{Field: o.field(), Direction: Ascending}
	}
	return UserOrder{Field: o.field(), Direction: Descending}
}

// sort sorts users as an index does. Addresses are in the order of their bytes, also where Postgres sorts text by a
// language: its index on them is of text_pattern_ops, whose operators these are.
func (o UserOrder) sort(users *entsql.Selector) {
	down := o.Direction == Descending
	by := "created_at, id"
	switch {
	case o.field() == OrderByEmail && users.Dialect() == dialect.Postgres && down:
		by = "email USING ~>~"
	case o.field() == OrderByEmail && users.Dialect() == dialect.Postgres:
		by = "email USING ~<~"
	case o.field() == OrderByEmail && down:
		by = "email DESC"
	case o.field() == OrderByEmail:
		by = "email"
	case down:
		by = "created_at DESC, id DESC"
	}
	users.OrderExpr(entsql.Expr(by))
}

// between passes users between the bounds.
func (o UserOrder) between(b pageBounds) predicate.User {
	return func(users *entsql.Selector) {
		behind, ahead := ">", "<"
		if o.Direction == Descending {
			behind, ahead = ahead, behind
		}
		if b.after != nil {
			o.compare(users, behind, b.after)
		}
		if b.before != nil {
			o.compare(users, ahead, b.before)
		}
	}
}

func (o UserOrder) compare(users *entsql.Selector, operator string, with *position) {
	users.Where(entsql.P(func(b *entsql.Builder) {
		switch {
		case o.field() == OrderByCreatedAt:
			b.WriteString("(created_at, id) "+operator+" (").Args(with.createdAt, with.id).WriteString(")")
		case users.Dialect() == dialect.Postgres:
			b.WriteString("email ~" + operator + "~ ").Arg(with.email)
		default:
			b.WriteString("email " + operator + " ").Arg(with.email)
		}
	}))
}

// cursor is what the cursor of a user says in a list: which order and filter the list has, and the user's position.
func (o UserOrder) cursor(list []byte, row *ent.User) string {
	if o.field() == OrderByEmail {
		return writeCursor(append(slices.Clip(list), row.Email...))
	}
	at := binary.BigEndian.AppendUint64(slices.Clip(list), uint64(row.CreatedAt.UnixMicro()))
	return writeCursor(append(at, row.ID[:]...))
}

// readPosition reads a position in a list with this order and filter.
func (p UserPage) readPosition(raw []byte) (at position, ok bool) {
	raw, ok = bytes.CutPrefix(raw, p.list())
	if !ok {
		return at, false
	}
	if p.field() == OrderByEmail {
		at.email = string(raw)
		return at, utf8.ValidString(at.email) && !strings.ContainsRune(at.email, 0) && len(raw) <= maxStoredAddress
	}
	const timeLen = 8
	if len(raw) < timeLen {
		return at, false
	}
	at.createdAt = time.UnixMicro(int64(binary.BigEndian.Uint64(raw))).UTC()
	id, err := uuid.FromBytes(raw[timeLen:])
	at.id = id
	return at, err == nil && at.createdAt.Equal(*storable(&at.createdAt))
}

// maxStoredAddress bounds the bytes of an address in a cursor.
const maxStoredAddress = 4 * maxAddressLen

// list returns four bytes by which lists of other orders and filters differ.
func (p UserPage) list() []byte {
	text, _ := json.Marshal([]any{p.read(pageBounds{}), p.UserFilter}) // these types have no values that JSON lacks
	hash := fnv.New32a()
	hash.Write(text)
	return hash.Sum(nil)
}
