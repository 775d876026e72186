package accounts

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Logout ends the caller's session: its access and refresh tokens are refused from the next request on. A session that
// has ended already stays ended, which is a success. For a caller without a usable access token, the session of a
// refresh token ends, any of its tokens; "" is none. Problems: UNAUTHENTICATED; FORBIDDEN for a personal access token.
func (s *Service) Logout(ctx context.Context, v *viewer.Viewer, refreshToken string) (*LogoutPayload, error) {
	now := s.now()
	if err := v.Err(); err != nil {
		return nil, err // whether a session has ended that could not be read is unknown
	}
	if v.TokenID != uuid.Nil {
		return nil, problem.New(problem.Forbidden,
			"A personal access token has no session to end; revokeAccessToken ends the token, in a session.")
	}
	which := []predicate.Session{session.ID(v.SessionID), session.UserID(v.UserID)}
	if !v.SignedIn() {
		presented, err := s.config.Refresh.Parse(refreshToken)
		switch {
		case err == nil:
			which = []predicate.Session{session.ID(presented.Session), session.UserID(presented.User)}
		case v.Reason() == string(viewer.Revoked):
			return &LogoutPayload{Success: true}, nil
		default:
			return nil, problem.New(problem.Unauthenticated,
				"No session is named; send its access token, not expired, or its cookie.").WithReason(v.Reason())
		}
	}
	err := s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		return s.revokeSessions(ctx, tx, now, which...)
	})
	if err != nil {
		return nil, err
	}
	return &LogoutPayload{Success: true}, nil
}
