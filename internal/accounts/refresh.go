package accounts

import (
	"context"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Refresh exchanges a refresh token for an access token and the next refresh token. The next one is derived from the
// one before, so a token that is used again (a lost answer, two tabs simultaneously) gives the same successor while that is
// unused; a token whose successor was used has been copied, and ends the session. Problems: INVALID_TOKEN,
// BAD_USER_INPUT, RATE_LIMITED.
func (s *Service) Refresh(ctx context.Context, v *viewer.Viewer, in RefreshInput) (*AuthPayload, error) {
	now := s.now()
	if in.RefreshToken == nil {
		return nil, problem.BadInput("refreshToken", problem.Required,
			"Send the refresh token that login, register or the last refresh gave.")
	}
	presented, err := s.config.Refresh.Parse(*in.RefreshToken)
	if err := s.throttle.refresh(presented, err, v.Origin, now); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, refreshRefused().WithCause(err)
	}
	var payload *AuthPayload
	err = s.inTx(ctx, func(ctx context.Context, tx *transaction) error {
		payload, err = s.exchange(ctx, tx, presented, v.Origin, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	if payload == nil { // refused, and what the refusal wrote is kept
		return nil, refreshRefused()
	}
	return payload, nil
}

func refreshRefused() *problem.Problem {
	return problem.New(problem.InvalidToken, "The refresh token is unknown, used up, revoked or expired; log in again.")
}

// exchange answers one token. A nil payload refuses it and commits what was written.
func (s *Service) exchange(ctx context.Context, tx *transaction, presented token.Refresh, from viewer.Origin,
	now time.Time) (*AuthPayload, error) {
	next := presented.Next()
	generation := int(presented.Generation)
	// The condition makes one of parallel exchanges move the session on; the others find it moved. A statement that a
	// driver sent twice finds it moved too.
	moved, err := setLastUse(tx.Session.Update(), from, now).
		Where(
			session.ID(presented.Session), session.Not(expiredOrRevoked(now)),
			session.RefreshGeneration(generation), session.RefreshDigest(presented.Digest()),
		).
		SetRefreshGeneration(generation + 1).SetRefreshDigest(next.Digest()).
		SetIdleExpiresAt(wholeSecond(now.Add(s.config.RefreshTTL))).
		Save(ctx)
	if err != nil {
		return nil, err
	}
	row, err := tx.Session.Query().
		Where(session.ID(presented.Session), session.Not(expiredOrRevoked(now)),
			session.HasUserWith(user.Status(string(StatusActive)))).
		WithUser().
		Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	case moved == 1, row.RefreshGeneration == generation+1 && next.Matches(row.RefreshDigest):
		return s.payload(row.Edges.User, row, next, now)
	case row.RefreshGeneration > generation+1:
		tx.emit(Event{Kind: RefreshReused, UserID: row.UserID, SessionID: row.ID})
		return nil, s.revokeSessions(ctx, tx, now, session.ID(row.ID))
	default:
		return nil, nil
	}
}
