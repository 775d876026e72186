package accounts

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// lateBy is how long after its successor was used a refresh token is taken for a late request of the same client, such
// as a tab that was slow to send it. Later, it is taken for a copy.
const lateBy = 10 * time.Second

// Why a refresh token is refused: extensions.reason of INVALID_TOKEN.
const (
	tokenMissing = "missing" // none was sent
	tokenUnknown = "unknown" // no session has it, or its session is forgotten
	tokenUsed    = "used"    // and its successor was used too
	tokenRevoked = "revoked" // its session was ended, or its account suspended
	tokenExpired = "expired" // its session was not used for too long, or is over
)

// Refresh exchanges a refresh token for an access token and the next refresh token. The next one is derived from the
// one before, so a token that is used again (a lost answer, two tabs simultaneously) gives the same successor while
// that is unused. A token whose successor was used is refused; used within lateBy it is late, and otherwise it has been
// copied, and ends the session. Problems: INVALID_TOKEN, RATE_LIMITED.
func (s *Service) Refresh(ctx context.Context, v *viewer.Viewer, in RefreshInput) (*AuthPayload, error) {
	now := s.now()
	if in.RefreshToken == nil {
		return nil, refreshRefused(tokenMissing)
	}
	presented, err := s.config.Refresh.Parse(*in.RefreshToken)
	if err := s.throttled(ctx, s.throttle.refresh(presented, err, v.Origin, now)); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, refreshRefused(tokenUnknown).WithCause(err)
	}
	var result exchanged
	err = s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		result, err = s.exchange(ctx, tx, presented, v.Origin, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	if result.payload == nil {
		return nil, refreshRefused(result.refused)
	}
	return result.payload, nil
}

func refreshRefused(reason string) *problem.Problem {
	message := "The refresh token is unknown, used up, revoked or expired; log in again."
	if reason == tokenMissing {
		message = "There is neither a refresh token nor a cookie with one; log in."
	}
	return problem.New(problem.InvalidToken, message).WithReason(reason)
}

// exchanged is a payload, or why there is none.
type exchanged struct {
	payload *AuthPayload
	refused string
}

// exchange answers one token. A refusal commits what was written.
func (s *Service) exchange(ctx context.Context, tx *transaction, presented token.Refresh, from viewer.Origin,
	now time.Time) (exchanged, error) {
	next := presented.Next()
	generation := int(presented.Generation)
	// The condition makes one of parallel exchanges move the session on; the others find it moved. A statement that a
	// driver sent twice finds it moved too.
	err := setLastUse(tx.Session.Update(), from, now).
		Where(
			session.ID(presented.Session), session.UserID(presented.User), session.Not(expiredOrRevoked(now)),
			session.RefreshGeneration(generation), session.RefreshDigest(presented.Digest()),
		).
		SetRefreshGeneration(generation + 1).SetRefreshDigest(next.Digest()).
		SetIdleExpiresAt(wholeSecond(now.Add(s.config.RefreshTTL))).
		Exec(ctx)
	if err != nil {
		return exchanged{}, err
	}
	row, err := tx.Session.Query().Where(session.ID(presented.Session), session.UserID(presented.User)).WithUser().Only(ctx)
	if ent.IsNotFound(err) {
		return exchanged{refused: tokenUnknown}, nil
	}
	if err != nil {
		return exchanged{}, err
	}
	again, isAgain := presented.Successor(row.RefreshDigest)
	late := false
	if row.RefreshGeneration == generation+2 {
		if late, err = s.isLate(ctx, tx, row, now); err != nil {
			return exchanged{}, err
		}
	}
	switch {
	case row.EndedAt != nil || row.Edges.User.Status != string(StatusActive):
		return exchanged{refused: tokenRevoked}, nil
	case !now.Before(expiry(row)):
		return exchanged{refused: tokenExpired}, nil
	case isAgain && row.RefreshGeneration == generation+1:
		payload, err := s.payload(row.Edges.User, row, again, now)
		return exchanged{payload: payload}, err
	case late:
		if s.throttle.tellsOfLate(row.ID, now) {
			tx.emit(Event{Kind: RefreshLate, UserID: row.UserID, SessionID: row.ID})
		}
		return exchanged{refused: tokenUsed}, nil
	case row.RefreshGeneration > generation+1:
		tx.emit(Event{Kind: RefreshReused, UserID: row.UserID, SessionID: row.ID})
		err := tx.cancelPending(ctx, now, onetimetoken.UserID(row.UserID), onetimetoken.SessionID(row.ID))
		err = errors.Join(err, s.revokeSessions(ctx, tx, now, session.ID(row.ID)))
		return exchanged{refused: tokenUsed}, errors.Join(err,
			s.revokeTokens(ctx, tx, now, accesstoken.UserID(row.UserID), accesstoken.SessionID(row.ID)))
	}
	return exchanged{refused: tokenUnknown}, nil
}

// isLate reports whether a session was refreshed within lateBy, to the second: each refresh, and nothing else, starts
// its idle life again. The instance that did may give another life than this one.
func (s *Service) isLate(ctx context.Context, tx *transaction, row *ent.Session, now time.Time) (bool, error) {
	lives, err := readRefreshLives(ctx, tx.Client())
	return slices.ContainsFunc(append(lives, s.config.RefreshTTL), func(life time.Duration) bool {
		since := wholeSecond(now).Sub(row.IdleExpiresAt.Add(-life))
		return since.Abs() <= lateBy // clocks of instances differ
	}), err
}
