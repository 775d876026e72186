package accounts_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// claimsOf is what a payload's access token says, without a look at its expiry.
func claimsOf(p *accounts.AuthPayload) token.Claims {
	return token.Claims{UserID: p.User.ID, SessionID: p.Viewer.SessionID}
}

func TestLogout_EndsThisSessionAndNoOther(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		out := h.must(h.register(ada, goodPassword))
		next := h.must(h.exchange(*out.RefreshToken))
		otherSession := h.must(h.login(ada, goodPassword))
		eve := h.must(h.register("eve@example.com", goodPassword))
		for _, when := range []string{"once", "again"} {
			h.clock.move(time.Second)
			got, err := h.Logout(t.Context(), out.Viewer, "")
			if err != nil || !got.Success {
				t.Fatalf("%s: %v, %v", when, got, err)
			}
			h.wantRevoked(when+": the token it was done with", out)
			h.wantRevoked(when+": the newest token", next)
			wantProblem(t, when, h.rename(next.Viewer, "late"), problem.Unauthenticated, "")
		}
		row := h.db.Client.Session.GetX(t.Context(), out.Viewer.SessionID)
		if want := startTime.Add(time.Second).Truncate(time.Microsecond); row.EndedAt == nil || !row.EndedAt.Equal(want) {
			t.Errorf("ended at %v, want the first time, %v", row.EndedAt, want)
		}
		h.wantActive("another session of the user", otherSession)
		h.wantActive("another user", eve)
		h.must(h.exchange(*otherSession.RefreshToken))
	})
}

func TestLogout_CannotEndAnothersSession(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		eve := h.must(h.register("eve@example.com", goodPassword))
		for _, v := range []*viewer.Viewer{
			{UserID: eve.User.ID, SessionID: p.Viewer.SessionID},
			{SessionID: p.Viewer.SessionID},
			{UserID: p.User.ID},
			{UserID: p.User.ID, SessionID: uuid.New()},
			viewer.Anonymous(viewer.Revoked),
		} {
			if _, err := h.Logout(t.Context(), v, ""); err != nil && !problem.Is(err, problem.Unauthenticated) {
				t.Errorf("%+v: %v", v, err)
			}
		}
		h.wantActive("the owner", p)
		h.wantActive("the other", eve)
	})
}

// TestLogout_WithoutAnAccessTokenEndsTheSessionOfTheRefreshToken: a browser whose access token has expired ends its session by the cookie; nobody is
// told of an end that was none.
func TestLogout_WithoutAnAccessTokenEndsTheSessionOfTheRefreshToken(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		other := h.must(h.login(ada, goodPassword))
		foreign := must(refreshTokens(t, "another-secret-of-36-bytes-in-length").New(p.User.ID, p.Viewer.SessionID))
		for _, reason := range []viewer.Reason{viewer.Missing, viewer.Expired, viewer.Invalid} {
			for _, text := range []string{"", "x", foreign.Text()} {
				_, err := h.Logout(t.Context(), viewer.Anonymous(reason), text)
				refused := wantProblem(t, text, err, problem.Unauthenticated, "")
				testenv.Equal(t, string(reason), refused.Reason, "reason of %q", text)
			}
			h.wantActive("before", p)
			got, err := h.Logout(t.Context(), viewer.Anonymous(reason), *p.RefreshToken)
			if err != nil || !got.Success {
				t.Fatalf("%s: %v, %v", reason, got, err)
			}
			h.wantRevoked("after", p)
			h.wantActive("another session", other)
			p = h.must(h.login(ada, goodPassword))
		}
		away := errors.New("no database")
		if _, err := h.Logout(t.Context(), &viewer.Viewer{CheckErr: away}, ""); !errors.Is(err, away) {
			t.Errorf("a session that could not be read: %v", err)
		}
	})
}

// TestViewer_UserAndSessionMustMatch: two claims that are each right make nobody.
func TestViewer_UserAndSessionMustMatch(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		eve := h.must(h.register("eve@example.com", goodPassword))
		for _, c := range []struct{ user, session uuid.UUID }{
			{p.User.ID, eve.Viewer.SessionID}, {eve.User.ID, p.Viewer.SessionID}, {uuid.New(), p.Viewer.SessionID},
			{p.User.ID, uuid.New()}, {p.User.ID, p.User.ID}, {p.Viewer.SessionID, p.Viewer.SessionID}, {uuid.Nil,
				uuid.Nil},
		} {
			v := must(h.Viewer(t.Context(),
				token.Claims{UserID: c.user, SessionID: c.session, Roles: []string{"ADMIN"}}, viewer.Origin{}))
			if v.SignedIn() || v.Reason() != "revoked" {
				t.Errorf("%v: signed in %v, %q", c, v.SignedIn(), v.Reason())
			}
		}
		h.wantActive("the twin", p)
		h.wantActive("the other twin", eve)
	})
}

// TestLogout_LaterWritesAreRefused stops one of the two at its most delicate moment and lets the other go on.
func TestLogout_LaterWritesAreRefused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		t.Run("update holds the session until it has written", func(t *testing.T) {
			p := h.must(h.register(ada, goodPassword))
			metered, m := h.metered()
			loggedOut := make(chan error, 1)
			var once sync.Once
			m.before = func(_ int, statement string) error {
				if strings.HasPrefix(statement, "UPDATE") && strings.Contains(statement, "updated_at") { // the checks are behind it
					once.Do(func() {
						go func() { _, err := h.Logout(context.Background(), p.Viewer, ""); loggedOut <- err }()
						select {
						case <-loggedOut:
							t.Error("the session ended between the check and the write")
							loggedOut <- nil
						case <-time.After(200 * time.Millisecond):
						}
					})
				}
				return nil
			}
			check(t, metered.rename(p.Viewer, "before the end"))
			check(t, <-loggedOut)
			h.wantRevoked("afterwards", p)
		})
		t.Run("logout holds the session until it has ended", func(t *testing.T) {
			p := h.must(h.register("eve@example.com", goodPassword))
			metered, m := h.metered()
			renamed := make(chan error, 1)
			m.before = func(_ int, statement string) error {
				if statement == "COMMIT" {
					go func() { renamed <- h.rename(p.Viewer, "after the end") }()
					select {
					case err := <-renamed:
						t.Errorf("the update did not wait: %v", err)
						renamed <- err
					case <-time.After(200 * time.Millisecond):
					}
				}
				return nil
			}
			must(metered.Logout(t.Context(), p.Viewer, ""))
			wantProblem(t, "the update", <-renamed, problem.Unauthenticated, "")
			if u := h.db.Client.User.GetX(t.Context(), p.User.ID); u.Name != nil {
				t.Errorf("the name is %q", *u.Name)
			}
		})
	})
}

// TestLogout_ParallelWritesComeBeforeOrNever lets chance decide the order, and then holds the outcome against it.
func TestLogout_ParallelWritesComeBeforeOrNever(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		for range 40 {
			p := h.must(h.login(ada, goodPassword))
			var renamed, late error
			inParallel(2, func(i int) {
				if i == 0 {
					renamed = h.rename(p.Viewer, "beside")
					return
				}
				if _, err := h.Logout(context.Background(), p.Viewer, ""); err != nil {
					t.Errorf("logout: %v", err)
				}
				late = h.rename(p.Viewer, "late")
			})
			wantProblem(t, "a write after logout", late, problem.Unauthenticated, "")
			if renamed != nil {
				wantProblem(t, "a write beside logout", renamed, problem.Unauthenticated, "")
			}
			h.wantRevoked("afterwards", p)
		}
		if u := h.db.Client.User.Query().OnlyX(t.Context()); u.Name != nil && *u.Name == "late" {
			t.Error("a write came after the end")
		}
	})
}
