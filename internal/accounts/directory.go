package accounts

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// UserPage selects a page of users.
type UserPage struct {
	First  int     // how many, 0 to Config.MaxPage
	After  *string // the cursor behind which the page begins; nil: the first page
	Search *string // only addresses that begin with this; case does not matter
	Status *UserStatus
	Role   *Role
}

// UserConnection is GraphQL's type of that name.
type UserConnection struct {
	Edges    []*UserEdge
	PageInfo *PageInfo

	filter []predicate.User
}

// UserEdge is GraphQL's type of that name.
type UserEdge struct {
	Cursor string
	Node   *User
}

// PageInfo is GraphQL's type of that name.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// User returns an account, or nil, for administrators.
func (s *Service) User(ctx context.Context, id uuid.UUID) (*User, error) {
	return userOrNil(s.config.Client.User.Get(ctx, id))
}

func userOrNil(row *ent.User, err error) (*User, error) {
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return userOf(row), nil
}

// Users returns one page of the accounts, oldest first. Pages are found by key and not by offset, so that depth costs
// nothing and no user is shown twice. Problem: BAD_USER_INPUT.
func (s *Service) Users(ctx context.Context, page UserPage) (*UserConnection, error) {
	behind, wrongCursor := readCursor(page.After)
	if err := errors.Join(s.checkFirst(page.First), wrongCursor, checkSearch(page.Search)); err != nil {
		return nil, err
	}
	connection := &UserConnection{Edges: []*UserEdge{}, PageInfo: &PageInfo{}, filter: page.filter()}
	query := s.config.Client.User.Query().Where(connection.filter...).Order(ent.Asc(user.FieldID)).Limit(page.First + 1)
	if page.After != nil {
		query.Where(user.IDGT(behind))
		connection.PageInfo.HasPreviousPage = true
	}
	rows, err := query.All(ctx)
	if err != nil {
		return nil, err
	}
	if len(rows) > page.First {
		connection.PageInfo.HasNextPage = true
		rows = rows[:page.First]
	}
	for _, row := range rows {
		connection.Edges = append(connection.Edges, &UserEdge{Cursor: writeCursor(row.ID), Node: userOf(row)})
	}
	if n := len(connection.Edges); n > 0 {
		connection.PageInfo.StartCursor = &connection.Edges[0].Cursor
		connection.PageInfo.EndCursor = &connection.Edges[n-1].Cursor
	}
	return connection, nil
}

func (s *Service) checkFirst(n int) error {
	if n >= 0 && n <= s.config.MaxPage {
		return nil
	}
	return problem.BadInput("first", problem.OutOfRange, fmt.Sprintf("A page has at most %d users.", s.config.MaxPage)).
		Between(0, s.config.MaxPage)
}

// checkSearch refuses text that no address begins with, and that databases refuse.
func checkSearch(text *string) error {
	switch {
	case text == nil:
		return nil
	case len(*text) > 4*maxAddressLen:
		return problem.BadInput("search", problem.TooLong, "No address begins with so long a text.").Between(0, maxAddressLen)
	case strings.ContainsRune(*text, 0) || !utf8.ValidString(*text):
		return problem.BadInput("search", problem.Malformed, "This is not text that an address could begin with.")
	}
	return nil
}

// CountUsers returns how many accounts match a connection's filter, on all pages.
func (s *Service) CountUsers(ctx context.Context, c *UserConnection) (int32, error) {
	n, err := s.config.Client.User.Query().Where(c.filter...).Count(ctx)
	return int32(min(n, math.MaxInt32)), err
}

func (p UserPage) filter() []predicate.User {
	var all []predicate.User
	if p.Search != nil {
		prefixes := []predicate.User{user.EmailHasPrefix(foldCase(strings.TrimSpace(*p.Search)))}
		if address, err := foldAddress(*p.Search); err == nil { // a whole one, in any spelling that login accepts
			prefixes = append(prefixes, user.EmailHasPrefix(address))
		}
		all = append(all, user.Or(prefixes...))
	}
	if p.Status != nil {
		all = append(all, user.Status(string(*p.Status)))
	}
	if p.Role != nil {
		all = append(all, predicate.User(hasRole(*p.Role)))
	}
	return all
}

// A cursor is a user's id, opaque to clients. A forged one gains nothing: it only says where a page begins.
func writeCursor(id uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

func readCursor(text *string) (uuid.UUID, error) {
	if text == nil {
		return uuid.Nil, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(*text)
	if err == nil {
		// The decoder passes over line breaks.
		if id, err := uuid.FromBytes(raw); err == nil && writeCursor(id) == *text {
			return id, nil
		}
	}
	return uuid.Nil, problem.BadInput("after", problem.Malformed,
		"This is not a cursor of this list; use endCursor of the page before.").WithCause(err)
}
