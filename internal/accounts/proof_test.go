package accounts_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

func (h *fixture) reauthenticate(v *viewer.Viewer, pw string) (*accounts.AuthPayload, error) {
	return h.note(pw)(h.Reauthenticate(h.t.Context(), v, accounts.ReauthenticateInput{Password: ptr(pw)}))
}

func (h *fixture) changePassword(v *viewer.Viewer, from, to string) (*accounts.AuthPayload, error) {
	h.note(from)
	return h.note(to)(h.ChangePassword(h.t.Context(), v,
		accounts.ChangePasswordInput{CurrentPassword: from, NewPassword: to}))
}

func TestReauthenticate_RenewsOnlyThisSession(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		one := h.must(h.register(ada, goodPassword))
		two := h.must(h.login(ada, goodPassword))
		h.clock.move(accessTTL / 2)
		_, err := h.reauthenticate(one.Viewer, otherPassword)
		wantProblem(t, "a wrong password", err, problem.InvalidCredentials, "")
		proved := h.must(h.reauthenticate(one.Viewer, goodPassword))
		now := h.clock.Now().UTC().Truncate(time.Microsecond)
		if !proved.Viewer.AuthTime.Equal(now) || proved.RefreshToken != nil || proved.Viewer.SessionID != one.Viewer.SessionID {
			t.Errorf("proved at %v in %v, refresh token %v", proved.Viewer.AuthTime, proved.Viewer.SessionID,
				proved.RefreshToken)
		}
		if v := h.caller(one); !v.AuthTime.Equal(now) {
			t.Errorf("another tab's token: proved at %v, want %v", v.AuthTime, now)
		}
		again := h.must(h.exchange(*one.RefreshToken))
		if !again.Viewer.AuthTime.Equal(now) {
			t.Errorf("after a refresh: proved at %v, want %v", again.Viewer.AuthTime, now)
		}
		other := h.must(h.exchange(*two.RefreshToken))
		if !other.Viewer.AuthTime.Equal(two.Viewer.AuthTime) {
			t.Errorf("the other session was proved at %v, want %v", other.Viewer.AuthTime, two.Viewer.AuthTime)
		}
		must(h.Logout(t.Context(), one.Viewer, ""))
		wantProblem(t, "after logout", errOf(h.reauthenticate(one.Viewer, goodPassword)), problem.Unauthenticated, "")
	})
}

func TestChangePassword_EndsEveryOtherSession(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		asking := h.must(h.register(ada, goodPassword))
		thief := h.must(h.login(ada, goodPassword))
		bob := h.must(h.register("bob@example.com", goodPassword))
		for what, c := range map[string]struct {
			from, to string
			code     problem.Code
			field    string
		}{
			"a wrong one": {otherPassword, otherPassword, problem.InvalidCredentials, ""},
			"too short":   {goodPassword, "short", problem.BadUserInput, "newPassword"},
			"the address": {goodPassword, ada, problem.BadUserInput, "newPassword"},
			"too common":  {goodPassword, "password123", problem.BadUserInput, "newPassword"},
		} {
			_, err := h.changePassword(asking.Viewer, c.from, c.to)
			wantProblem(t, what, err, c.code, c.field)
		}
		h.wantActive("after refusals", asking)
		h.wantActive("after refusals", thief)
		changed := h.must(h.changePassword(asking.Viewer, goodPassword, otherPassword))
		h.wantActive("the new session", changed)
		h.wantRevoked("the session that asked", asking)
		h.wantRevoked("the other session", thief)
		h.wantActive("another user's session", bob)
		_, err := h.exchange(*thief.RefreshToken)
		wantProblem(t, "the other session's refresh token", err, problem.InvalidToken, "")
		wantProblem(t, "the old password", errOf(h.login(ada, goodPassword)), problem.InvalidCredentials, "")
		h.must(h.login(ada, otherPassword))
	})
}

func TestChangePassword_OneOfParallelChangesWins(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		errs := make([]error, 4)
		news := []string{"first-new-canary", "second-new-canary", "third-new-canary", "fourth-new-canary"}
		inParallel(len(news), func(i int) { _, errs[i] = h.changePassword(p.Viewer, goodPassword, news[i]) })
		won := 0
		for i, err := range errs {
			if err == nil {
				won++
				h.must(h.login(ada, news[i]))
			} else if !problem.Is(err, problem.InvalidCredentials) && !problem.Is(err, problem.Unauthenticated) {
				t.Errorf("a loser got %v", err)
			}
		}
		testenv.Equal(t, 1, won, "changes that won")
	})
}

func TestDeleteAccount_DeletesEverything(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		other := h.must(h.register("bob@example.com", goodPassword))
		must(h.DeleteAccount(t.Context(), p.Viewer))
		h.wantRevoked("deleted", p)
		h.wantActive("another user", other)
		wantProblem(t, "again", errOf(h.DeleteAccount(t.Context(), p.Viewer)), problem.Unauthenticated, "")
		wantProblem(t, "login", errOf(h.login(ada, goodPassword)), problem.InvalidCredentials, "")
		again := h.must(h.register(ada, goodPassword))
		if again.User.ID == p.User.ID {
			t.Error("the id was given to another account")
		}
		h.wantRevoked("the old token after the address was registered anew", p)
	})
}

func TestSessions_ListsOnlyActiveOnes(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		first := h.must(h.register(ada, goodPassword))
		h.clock.move(time.Minute)
		second := h.must(h.login(ada, goodPassword))
		h.clock.move(time.Minute)
		third := h.must(h.login(ada, goodPassword))
		must(h.Logout(t.Context(), second.Viewer, ""))
		all := must(h.Sessions(t.Context(), first.Viewer, &accounts.User{ID: first.User.ID}))
		if len(all) != 2 || all[0].ID != third.Viewer.SessionID || all[0].Current || all[1].ID != first.Viewer.SessionID || !all[1].Current {
			t.Errorf("sessions: %+v", all)
		}
		h.clock.move(refreshTTL)
		all = must(h.Sessions(t.Context(), first.Viewer, &accounts.User{ID: first.User.ID}))
		if len(all) != 0 {
			t.Errorf("idle sessions are listed: %+v", all)
		}
	})
}

func TestSessions_CurrentIsTheOneThatTheAnswerStarted(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		all := must(h.Sessions(t.Context(), viewer.Anonymous(viewer.Missing), p.User))
		if len(all) != 1 || !all[0].Current {
			t.Errorf("sessions: %+v", all)
		}
	})
}

func TestSessions_CountPerAccountIsBounded(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		first := h.must(h.register(ada, goodPassword))
		h.clock.move(time.Second)
		second := h.must(h.login(ada, goodPassword))
		var newest *accounts.AuthPayload
		for range 99 {
			h.clock.move(time.Second)
			newest = h.must(h.login(ada, goodPassword))
		}
		all := must(h.Sessions(t.Context(), newest.Viewer, newest.User))
		if len(all) != 100 || !all[0].Current {
			t.Errorf("%d sessions, want 100, the newest first", len(all))
		}
		h.wantRevoked("the session that was used longest ago", first)
		h.wantActive("the one after it", second)
	})
}

// TestThrottle_EachHashWithoutASlotIsRefunded refuses a slot to each hash that a use case needs, one after the other: an
// attempt that comes to nothing for that reason is free, however often it is made.
func TestThrottle_EachHashWithoutASlotIsRefunded(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		hashes, refused := 0, 0 // of the present attempt
		full := h.instance(func(c *accounts.Config) {
			c.Passwords = hasher(t, password.Config{Derive: func(pw, salt []byte, c password.Cost) ([]byte, error) {
				if hashes++; hashes == refused {
					return nil, password.ErrBusy
				}
				return password.Argon2id(pw, salt, c), nil
			}})
		})
		for _, use := range []struct {
			name   string
			hashes int
			do     func() (*accounts.AuthPayload, error)
		}{
			{"login", 1, func() (*accounts.AuthPayload, error) { return full.login(ada, goodPassword) }},
			{"login to no account", 1, func() (*accounts.AuthPayload, error) { return full.login("x@example.com", otherPassword) }},
			{"register", 1, func() (*accounts.AuthPayload, error) { return full.register("y@example.com", goodPassword) }},
			{"reauthenticate", 1, func() (*accounts.AuthPayload, error) { return full.reauthenticate(p.Viewer, goodPassword) }},
			{"changePassword", 2, func() (*accounts.AuthPayload, error) {
				return full.changePassword(p.Viewer, goodPassword, otherPassword)
			}},
		} {
			for refused = 1; refused <= use.hashes; refused++ {
				for i := range 20 {
					hashes = 0
					if _, err := use.do(); !errors.Is(err, password.ErrBusy) {
						t.Fatalf("%s without hash %d, attempt %d: %v, want the hasher's refusal", use.name, refused, i, err)
					}
				}
			}
			hashes = 0
			if _, err := use.do(); errors.Is(err, password.ErrBusy) || hashes != use.hashes {
				t.Errorf("%s: %d hashes, %v", use.name, hashes, err)
			}
		}
	})
}
