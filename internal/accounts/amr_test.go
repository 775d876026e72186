package accounts_test

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

// wantAMR checks that the token, the viewer, the list of sessions and a refresh say of a session what was proved in it.
func (h *fixture) wantAMR(what string, want token.AMR, p *accounts.AuthPayload) {
	h.t.Helper()
	testenv.Equal(h.t, want, must(h.access.Verify(p.AccessToken)).AMR, "%s: the access token", what)
	testenv.Equal(h.t, want, p.Viewer.AMR, "%s: the viewer of the answer", what)
	testenv.Equal(h.t, want, h.caller(p).AMR, "%s: the viewer of the next request", what)
	session := must(h.Session(h.t.Context(), p.Viewer.SessionID))
	testenv.Equal(h.t, want.List(), session.AMR, "%s: the session", what)
	testenv.Equal(h.t, true, session.AuthenticatedAt.Equal(p.Viewer.AuthTime), "%s: when", what)
	if p.RefreshToken != nil {
		h.clock.move(time.Second)
		again := h.must(h.exchange(*p.RefreshToken))
		testenv.Equal(h.t, want, must(h.access.Verify(again.AccessToken)).AMR, "%s: after a refresh", what)
	}
}

// TestAMR_EveryWayToASessionSaysWhatWasProved of those by a password.
func TestAMR_EveryWayToASessionSaysWhatWasProved(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		registered := h.must(h.register(ada, goodPassword))
		h.wantAMR("register", token.Password, registered)
		h.wantAMR("login", token.Password, h.must(h.login(ada, goodPassword)))
		h.wantAMR("reauthenticate", token.Password, h.must(h.reauthenticate(registered.Viewer, goodPassword)))
		h.wantAMR("changePassword", token.Password, h.must(h.changePassword(registered.Viewer, goodPassword, otherPassword)))
		h.wantAMR("resetPassword", token.Password, h.must(h.resetPassword(h.resetLink(ada), goodPassword)))
		invited := h.must(h.accept(h.invitation(h.administrator("root@example.com").Viewer, "bob@example.com")))
		h.wantAMR("acceptInvitation", token.Password, invited)
	})
}

// TestAMR_ProofIsAddedAndNeverTakenAway also when the viewer was read before another instance recorded more.
func TestAMR_ProofIsAddedAndNeverTakenAway(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		before := h.caller(p)
		passkey := token.HardwareKey | token.UserPresence | token.MultiFactor
		h.db.Client.Session.UpdateOneID(p.Viewer.SessionID).SetAmr(passkey.String()).ExecX(t.Context())
		h.clock.move(time.Second)
		again := h.must(h.reauthenticate(before, goodPassword))
		h.wantAMR("reauthenticate", passkey.With(token.Password), again)
		changed := h.must(h.changePassword(h.caller(again), goodPassword, otherPassword))
		h.wantAMR("the session in place of the one that asked", passkey.With(token.Password), changed)
		h.wantAMR("another session", token.Password, h.must(h.login(ada, otherPassword)))
	})
}
