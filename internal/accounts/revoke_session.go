package accounts

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// RevokeSessionPayload is GraphQL's type of that name.
type RevokeSessionPayload struct{ Session *Session }

// RevokeOtherSessionsPayload is GraphQL's type of that name.
type RevokeOtherSessionsPayload struct{ Success bool }

// RevokeSession ends one of the caller's own sessions, with the personal access tokens that it made; it may be the one
// that asks. Problems: NOT_FOUND, the same for a
// session that has ended and for another's; UNAUTHENTICATED.
func (s *Service) RevokeSession(ctx context.Context, v *viewer.Viewer, id uuid.UUID) (*RevokeSessionPayload, error) {
	now := s.now()
	var ended *Session
	err := s.write(ctx, v, now, func(ctx context.Context, tx *transaction, _ *ent.User) error {
		row, err := tx.Session.Query().Where(session.ID(id), session.UserID(v.UserID),
			session.Not(overEverywhere(now))).Only(ctx)
		if ent.IsNotFound(err) {
			return problem.New(problem.NotFound, "There is no such session of yours.")
		}
		if err != nil {
			return err
		}
		ended = sessionOf(row, v.SessionID)
		err = tx.cancelPending(ctx, now, onetimetoken.UserID(v.UserID), onetimetoken.SessionID(id))
		err = errors.Join(err, s.revokeSessions(ctx, tx, now, session.ID(id)))
		return errors.Join(err, s.revokeTokens(ctx, tx, now, accesstoken.UserID(v.UserID), accesstoken.SessionID(id)))
	})
	if err != nil {
		return nil, err
	}
	return &RevokeSessionPayload{Session: ended}, nil
}

// RevokeOtherSessions ends all of the caller's sessions but the one that asks, and the personal access tokens that it did
// not make. Problem: UNAUTHENTICATED.
func (s *Service) RevokeOtherSessions(ctx context.Context, v *viewer.Viewer) (*RevokeOtherSessionsPayload, error) {
	now := s.now()
	err := s.write(ctx, v, now, func(ctx context.Context, tx *transaction, _ *ent.User) error {
		err := tx.cancelPending(ctx, now, onetimetoken.UserID(v.UserID),
			onetimetoken.Or(onetimetoken.SessionIDNEQ(v.SessionID), onetimetoken.SessionIDIsNil()))
		err = errors.Join(err, s.revokeSessions(ctx, tx, now, session.UserID(v.UserID), session.IDNEQ(v.SessionID)))
		return errors.Join(err,
			s.revokeTokens(ctx, tx, now, accesstoken.UserID(v.UserID), accesstoken.SessionIDNEQ(v.SessionID)))
	})
	if err != nil {
		return nil, err
	}
	return &RevokeOtherSessionsPayload{Success: true}, nil
}
