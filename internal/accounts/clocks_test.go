package accounts_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// endings end at least the second of a user's two sessions; the first one is the caller's.
var endings = map[string]func(ctx context.Context, h *fixture, caller, other *accounts.AuthPayload) error{
	"logout": func(ctx context.Context, h *fixture, _, other *accounts.AuthPayload) error {
		_, err := h.Logout(ctx, other.Viewer, "")
		return err
	},
	"logout by a refresh token": func(ctx context.Context, h *fixture, _, other *accounts.AuthPayload) error {
		_, err := h.Logout(ctx, viewer.Anonymous(viewer.Missing), *other.RefreshToken)
		return err
	},
	"revokeSession": func(ctx context.Context, h *fixture, caller, other *accounts.AuthPayload) error {
		_, err := h.RevokeSession(ctx, caller.Viewer, other.Viewer.SessionID)
		return err
	},
	"revokeOtherSessions": func(ctx context.Context, h *fixture, caller, _ *accounts.AuthPayload) error {
		_, err := h.RevokeOtherSessions(ctx, caller.Viewer)
		return err
	},
	"changePassword": func(ctx context.Context, h *fixture, caller, _ *accounts.AuthPayload) error {
		_, err := h.ChangePassword(ctx, caller.Viewer,
			accounts.ChangePasswordInput{CurrentPassword: goodPassword, NewPassword: otherPassword})
		return err
	},
	"admin reset": func(ctx context.Context, h *fixture, caller, _ *accounts.AuthPayload) error {
		_, err := h.ResetAccount(ctx, caller.User, otherPassword, false)
		return err
	},
}

// TestEndings_HoldForClocksThatAreBehind: to the instance that ends a session, whose clock is ahead, it has expired; to
// another one it lives for some seconds.
func TestEndings_HoldForClocksThatAreBehind(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for name, end := range endings {
			for _, ahead := range []time.Duration{0, time.Second, token.Leeway - time.Second} {
				at := h.instance(func(c *accounts.Config) { c.Clock = func() time.Time { return h.clock.Now().Add(ahead) } })
				caller := h.must(h.register(uuid.NewString()+"@example.com", goodPassword))
				other := h.must(h.login(caller.User.Email, goodPassword))
				check(t, h.db.Client.Session.UpdateOneID(other.Viewer.SessionID).
					SetIdleExpiresAt(h.clock.Now().Add(time.Second)).Exec(t.Context()))
				h.wantActive(name, other)
				check(t, end(t.Context(), at, caller, other))
				h.wantRevoked(name+" by a clock "+ahead.String()+" ahead", other)
			}
		}
	})
}
