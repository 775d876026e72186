package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// callerFunc is what a use case does in a transaction that holds its caller's account and session.
type callerFunc func(ctx context.Context, tx *transaction, caller *ent.User) error

// write is the way into a transaction for a signed-in caller: it locks the caller's account and credential, and refuses
// when one of them may no longer be used. What was decided before the transaction began is not trusted. See inTx for
// what f may do. Problem: UNAUTHENTICATED.
func (s *Service) write(ctx context.Context, v *viewer.Viewer, now time.Time, f callerFunc) error {
	return s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		caller, err := s.lockCaller(ctx, tx, v, now)
		if err != nil {
			return err
		}
		return f(ctx, tx, caller)
	})
}

// targetFunc is what an administrator does to an account, whose row is locked.
type targetFunc func(ctx context.Context, tx *transaction, target *ent.User) error

// administer is write for what administrators do to an account. The caller's role is read in the transaction. The first
// look at the account only says whether the lock of administrators is needed: two of them who change each other would
// otherwise each hold what the other one needs. Problems: UNAUTHENTICATED, REAUTHENTICATION_REQUIRED, FORBIDDEN,
// NOT_FOUND.
func (s *Service) administer(ctx context.Context, v *viewer.Viewer, now time.Time, id uuid.UUID, f targetFunc) error {
	seen, err := s.config.Client.User.Get(ctx, id)
	if err != nil && !ent.IsNotFound(err) {
		return err
	}
	return s.inAdministratorsTx(ctx, v.Caller(), seen != nil && isAdmin(seen), func(ctx context.Context, tx *transaction) error {
		caller, err := s.lockCaller(ctx, tx, v, now)
		if err != nil {
			return err
		}
		if err := s.checkAdministrator(v, caller); err != nil {
			return err
		}
		target, err := lockUser(ctx, tx, user.ID(id))
		if err != nil {
			return err
		}
		if target == nil {
			return problem.New(problem.NotFound, "There is no such user.")
		}
		return f(ctx, tx, target)
	})
}

// lockCaller locks the row of the caller's account and then writes to their credential's, and so holds both until the
// transaction ends: a logout, a suspension or a change of roles at the same moment comes wholly before or wholly after.
// Every transaction takes a user's row before the rows of the user's sessions; otherwise two could wait for each other.
// Problem: UNAUTHENTICATED.
func (s *Service) lockCaller(ctx context.Context, tx *transaction, v *viewer.Viewer, now time.Time) (*ent.User, error) {
	if !v.SignedIn() {
		return nil, problem.New(problem.Unauthenticated, "This needs a signed-in caller.").WithReason(v.Reason())
	}
	tx.touched = append(tx.touched, v.UserID)
	caller, err := lockUser(ctx, tx, user.ID(v.UserID), isActive())
	if err != nil {
		return nil, err
	}
	if caller == nil {
		return nil, sessionEnded()
	}
	n, err := tx.useCredential(ctx, v, now)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, sessionEnded()
	}
	return caller, nil
}

// useCredential writes to the caller's session, or to their personal access token, that it is used now, which locks it.
// It returns 0 when it may not be used.
func (tx *transaction) useCredential(ctx context.Context, v *viewer.Viewer, now time.Time) (int, error) {
	if v.TokenID != uuid.Nil {
		return tx.AccessToken.Update().Where(accesstoken.ID(v.TokenID), accesstoken.UserID(v.UserID), canBeUsed(now)).
			SetLastUsedAt(now).Save(ctx)
	}
	held := tx.Session.Update().Where(session.ID(v.SessionID), session.UserID(v.UserID),
		session.Not(expiredOrRevoked(now)))
	return setLastUse(held, v.Origin, now).Save(ctx)
}
