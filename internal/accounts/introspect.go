package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Introspection is what other services may know of a personal access token that can be used.
type Introspection struct {
	TokenID   uuid.UUID
	UserID    uuid.UUID
	Roles     []string // of the user, now
	Scopes    []string
	ExpiresAt time.Time
}

// Introspect returns what a text is good for; nil when it is no personal access token that can be used. It costs, and
// records, what TokenViewer does.
func (s *Service) Introspect(ctx context.Context, text string) (*Introspection, error) {
	found, refused, err := s.presentedToken(ctx, text)
	if err != nil || refused != "" {
		return nil, err
	}
	return &Introspection{
		TokenID: found.token.id, UserID: found.userID, Roles: s.rolesIn(0, found.roles), Scopes: found.token.scopes,
		ExpiresAt: found.endsAt.time(),
	}, nil
}
