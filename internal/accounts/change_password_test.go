package accounts_test

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

// TestChangePassword_KeepsAProofThatAnotherInstanceHasJustAdded to the session, which the caller's viewer does not have
// yet; a session that has proved a password alone has no more afterwards.
func TestChangePassword_KeepsAProofThatAnotherInstanceHasJustAdded(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for name, c := range map[string]struct {
			prove bool
			want  token.AMR
		}{"nothing was added": {false, token.Password}, "a code was": {true, twoFactors}} {
			v := h.must(h.register(name[:1]+ada, goodPassword)).Viewer
			if c.prove {
				h.instance(func(*accounts.Config) {}).addTotp(v)
			}
			changed := h.must(h.changePassword(v, goodPassword, "another good password"))
			stored := h.db.Client.Session.GetX(t.Context(), changed.Viewer.SessionID).Amr
			testenv.Equal(t, []token.AMR{c.want, c.want, c.want}, []token.AMR{changed.Viewer.AMR, token.ParseAMR(stored),
				must(h.access.Verify(changed.AccessToken)).AMR}, "%s: amr of the viewer, the session and its token", name)
		}
	})
}
