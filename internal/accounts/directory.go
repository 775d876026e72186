package accounts

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// UserPage selects a page of users.
type UserPage struct {
	Page
	UserOrder
	UserFilter
	Search *string // only addresses that begin with this; case does not matter
}

// UserFilter is GraphQL's input of that name: all that is given must hold.
type UserFilter struct {
	Status        *UserStatus
	Role          *Role
	EmailVerified *bool
	CreatedSince  *time.Time
	CreatedUntil  *time.Time
}

// UserConnection is GraphQL's type of that name.
type UserConnection struct {
	Edges    []*UserEdge
	PageInfo *PageInfo

	page     UserPage
	count    sync.Once // how many match: at most MaxCount and one more
	counted  int
	countErr error
}

// UserEdge is GraphQL's type of that name.
type UserEdge struct {
	Cursor string
	Node   *User
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

// Users returns one page of the accounts. Pages are found by key and not by offset, so that depth costs
// nothing and no user is shown twice. Problem: BAD_USER_INPUT.
func (s *Service) Users(ctx context.Context, p UserPage) (*UserConnection, error) {
	p.CreatedSince, p.CreatedUntil = storable(p.CreatedSince), storable(p.CreatedUntil)
	bounds, err := p.bounds(s.config.MaxPage, p.readPosition)
	if err := errors.Join(err, checkSearch(p.Search)); err != nil {
		return nil, err
	}
	connection := &UserConnection{Edges: []*UserEdge{}, page: p}
	rows, err := s.findUsers(ctx, p, bounds)
	if err != nil {
		return nil, err
	}
	rows, connection.PageInfo = page(rows, bounds)
	list := p.list()
	for _, row := range rows {
		connection.Edges = append(connection.Edges, &UserEdge{Cursor: p.cursor(list, row), Node: userOf(row)})
	}
	if n := len(connection.Edges); n > 0 {
		connection.PageInfo.StartCursor = &connection.Edges[0].Cursor
		connection.PageInfo.EndCursor = &connection.Edges[n-1].Cursor
	}
	return connection, nil
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
