package accounts

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Node is GraphQL's interface of that name: an object that Service.Node finds.
type Node interface{ OwnerID() uuid.UUID }

// Node returns the object of an id, of whatever type, or nil. Of sessions, personal access tokens and factors it finds the
// caller's own, as User shows them, and of the audit log what Activity and AuditLog show; whether the caller may see a user is
// for the schema's rules to say. It reads as much for another's object as for an id that nothing has.
func (s *Service) Node(ctx context.Context, v *viewer.Viewer, id uuid.UUID) (Node, error) {
	if id != v.UserID {
		row, err := s.config.Client.Session.Query().
			Where(session.ID(id), session.UserID(v.UserID), session.Not(expiredOrRevoked(s.now()))).Only(ctx)
		if err == nil {
			return sessionOf(row, v.SessionID), nil
		}
		if !ent.IsNotFound(err) {
			return nil, err
		}
		factor, err := s.factorNode(ctx, v.UserID, id)
		if factor != nil {
			return factor, nil
		}
		if err != nil {
			return nil, err
		}
		token, err := s.AccessToken(ctx, id)
		if err != nil {
			return nil, err
		}
		if token != nil && token.UserID == v.UserID {
			return token, nil
		}
		event, err := s.auditNode(ctx, v, id)
		if event != nil {
			return event, nil
		}
		if err != nil {
			return nil, err
		}
	}
	user, err := s.User(ctx, id)
	if user == nil {
		return nil, err
	}
	return user, nil
}
