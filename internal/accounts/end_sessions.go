package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// EndSessionsPayload is GraphQL's type of that name.
type EndSessionsPayload struct{ Success bool }

// endedUsers is how many users' sessions a transaction of EndSessions ends: at 100 sessions each, their revocations have
// fewer parameters than a statement may have.
const endedUsers = 50

// endScope says which sessions and personal access tokens EndSessions ends.
type endScope struct {
	account uuid.UUID // uuid.Nil: of all accounts
	since   time.Time // those that began then or later
}

func (e endScope) users(now time.Time) predicate.User {
	began := user.Or(
		user.HasSessionsWith(session.CreatedAtGTE(e.since), session.Not(expiredOrRevoked(now))),
		user.HasAccessTokensWith(accesstoken.CreatedAtGTE(e.since), canBeUsed(now)),
		hasPending(e.since, now))
	if e.account != uuid.Nil {
		return user.And(user.ID(e.account), began)
	}
	return began
}

// EndSessions ends the sessions and the personal access tokens that began at since or later, of one account, or of all when
// account is uuid.Nil. The zero time is all of them. It returns how many it ended, also with an error: a call that was
// interrupted ended some, and the next one goes on. What begins while it runs may stay.
func (s *Service) EndSessions(ctx context.Context, account uuid.UUID, since time.Time) (ended int, err error) {
	for after := uuid.Nil; ; {
		n, last, err := s.endNextSessions(ctx, after, endScope{account, since.UTC()})
		ended += n
		if err != nil || last == uuid.Nil {
			return ended, err
		}
		after = last
	}
}

// endNextSessions ends what is in scope of the next users after one, and returns how much, and the last user; uuid.Nil when
// there are no more. The users are locked, in the order of their ids, so that nothing begins meanwhile.
func (s *Service) endNextSessions(
	ctx context.Context, after uuid.UUID, scope endScope,
) (ended int, last uuid.UUID, err error) {
	now := s.now()
	err = s.inTx(ctx, nil, func(ctx context.Context, tx *transaction) error {
		ended, last = 0, uuid.Nil
		ids, err := tx.User.Query().Where(user.IDGT(after), scope.users(now), forUpdate).
			Order(ent.Asc(user.FieldID)).Limit(endedUsers).IDs(ctx)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := tx.cancelPending(ctx, now, onetimetoken.UserIDIn(ids...)); err != nil {
			return err
		}
		err = s.revokeSessions(ctx, tx, now, session.CreatedAtGTE(scope.since), session.UserIDIn(ids...))
		if err != nil {
			return err
		}
		err = s.revokeTokens(ctx, tx, now, accesstoken.CreatedAtGTE(scope.since), accesstoken.UserIDIn(ids...))
		if err != nil {
			return err
		}
		ended, last = len(tx.revoked), ids[len(ids)-1]
		return nil
	})
	if err != nil {
		return 0, uuid.Nil, err
	}
	return ended, last, nil
}

// EndUserSessions ends all sessions and personal access tokens of a user, by an administrator. Problems: NOT_FOUND,
// FORBIDDEN, UNAUTHENTICATED.
func (s *Service) EndUserSessions(ctx context.Context, v *viewer.Viewer, id uuid.UUID) (*EndSessionsPayload, error) {
	now := s.now()
	err := s.administer(ctx, v, now, id, func(ctx context.Context, tx *transaction, target *ent.User) error {
		if err := tx.cancelPending(ctx, now, onetimetoken.UserID(target.ID)); err != nil {
			return err
		}
		if err := s.revokeSessions(ctx, tx, now, session.UserID(target.ID)); err != nil {
			return err
		}
		return s.revokeTokens(ctx, tx, now, accesstoken.UserID(target.ID))
	})
	if err != nil {
		return nil, err
	}
	return &EndSessionsPayload{Success: true}, nil
}
