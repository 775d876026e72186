package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Session is a session without its refresh token digest.
type Session struct {
	ID        uuid.UUID
	Current   bool // it is the viewer's
	CreatedAt time.Time

	AuthenticatedAt time.Time // when the user last proved who they are
	AMR             []string  // what they have proved: values of RFC 8176

	LastUsedAt time.Time
	ExpiresAt  time.Time
	UserAgent  *string
	IP         *string

	UserID uuid.UUID // whose it is; not part of the schema
}

// OwnerID returns the user whose session it is.
func (s *Session) OwnerID() uuid.UUID { return s.UserID }

// Sessions returns a user's active sessions, the latest use first. The current one is the viewer's, or the one that
// the same answer started.
func (s *Service) Sessions(ctx context.Context, v *viewer.Viewer, of *User) ([]*Session, error) {
	current := v.SessionID
	if of.SignedIn != uuid.Nil {
		current = of.SignedIn
	}
	rows, err := s.config.Client.Session.Query().
		Where(session.UserID(of.ID), session.Not(expiredOrRevoked(s.now()))).
		Order(ent.Desc(session.FieldLastUsedAt), ent.Desc(session.FieldID)).
		Limit(maxSessions).
		All(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]*Session, len(rows))
	for i, row := range rows {
		all[i] = sessionOf(row, current)
	}
	return all, nil
}

// Session returns an active session, whosever it is; nil when there is none.
func (s *Service) Session(ctx context.Context, id uuid.UUID) (*Session, error) {
	row, err := s.config.Client.Session.Query().
		Where(session.ID(id), session.Not(expiredOrRevoked(s.now()))).
		Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return sessionOf(row, uuid.Nil), nil
}

// sessionOf converts a row.
func sessionOf(row *ent.Session, current uuid.UUID) *Session {
	return &Session{
		ID:        row.ID,
		Current:   row.ID == current,
		CreatedAt: row.CreatedAt.UTC(),

		AuthenticatedAt: row.AuthenticatedAt.UTC(),
		AMR:             token.ParseAMR(row.Amr).List(),

		LastUsedAt: row.LastUsedAt.UTC(),
		ExpiresAt:  expiry(row),
		UserAgent:  row.UserAgent,
		IP:         row.IP,
		UserID:     row.UserID,
	}
}
