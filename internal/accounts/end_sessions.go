package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
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

// EndSessions ends the sessions that began at since or later, of one account, or of all when account is uuid.Nil. The zero
// time is all of them. It returns how many it ended, also with an error: a call that was interrupted ended some, and the
// next one goes on. A session that begins while it runs may stay.
func (s *Service) EndSessions(ctx context.Context, account uuid.UUID, since time.Time) (ended int, err error) {
	scope := []predicate.Session{session.CreatedAtGTE(since.UTC())}
	if account != uuid.Nil {
		scope = append(scope, session.UserID(account))
	}
	for after := uuid.Nil; ; {
		n, last, err := s.endNextSessions(ctx, after, scope)
		ended += n
		if err != nil || last == uuid.Nil {
			return ended, err
		}
		after = last
	}
}

// endNextSessions ends the sessions in scope of the next users after one, and returns how many, and the last user; uuid.Nil
// when there are no more. The users are locked, in the order of their ids, so that no session begins meanwhile.
func (s *Service) endNextSessions(
	ctx context.Context, after uuid.UUID, scope []predicate.Session,
) (ended int, last uuid.UUID, err error) {
	now := s.now()
	err = s.inTx(ctx, nil, func(ctx context.Context, tx *transaction) error {
		ended, last = 0, uuid.Nil
		ids, err := tx.User.Query().
			Where(user.IDGT(after), user.HasSessionsWith(append(scope, session.Not(expiredOrRevoked(now)))...), forUpdate).
			Order(ent.Asc(user.FieldID)).Limit(endedUsers).IDs(ctx)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := tx.cancelPending(ctx, now, onetimetoken.UserIDIn(ids...)); err != nil {
			return err
		}
		if err := s.revokeSessions(ctx, tx, now, append(scope, session.UserIDIn(ids...))...); err != nil {
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

// EndUserSessions ends all sessions of a user, by an administrator. Problems: NOT_FOUND, FORBIDDEN, UNAUTHENTICATED.
func (s *Service) EndUserSessions(ctx context.Context, v *viewer.Viewer, id uuid.UUID) (*EndSessionsPayload, error) {
	now := s.now()
	err := s.administer(ctx, v, now, id, func(ctx context.Context, tx *transaction, target *ent.User) error {
		if err := tx.cancelPending(ctx, now, onetimetoken.UserID(target.ID)); err != nil {
			return err
		}
		return s.revokeSessions(ctx, tx, now, session.UserID(target.ID))
	})
	if err != nil {
		return nil, err
	}
	return &EndSessionsPayload{Success: true}, nil
}
