package accounts

import (
	"context"

	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Logout ends the caller's session: its access and refresh tokens are refused from the next request on. A session that
// has ended meanwhile stays ended.
func (s *Service) Logout(ctx context.Context, v *viewer.Viewer) (*LogoutPayload, error) {
	now := s.now()
	err := s.inTx(ctx, func(ctx context.Context, tx *transaction) error {
		return s.revokeSessions(ctx, tx, now, session.ID(v.SessionID), session.UserID(v.UserID))
	})
	if err != nil {
		return nil, err
	}
	return &LogoutPayload{Success: true}, nil
}
