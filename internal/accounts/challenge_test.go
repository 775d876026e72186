package accounts_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

// challengeEnds are what ends the sessions of an account, or what it was opened by; a challenge must end with them.
var challengeEnds = map[string]func(h *fixture, p *accounts.AuthPayload) error{
	"changePassword": func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.changePassword(h.caller(p), goodPassword, otherPassword))
	},
	"resetPassword": func(h *fixture, p *accounts.AuthPayload) error {
		h.asked(h.resetPassword(h.resetLink(ada), otherPassword))
		return nil
	},
	"revokeOtherSessions": func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.RevokeOtherSessions(h.t.Context(), p.Viewer))
	},
	"endSessions": func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.EndUserSessions(h.t.Context(), h.root(), p.User.ID))
	},
	"sessions end": func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.EndSessions(h.t.Context(), uuid.Nil, time.Time{}))
	},
	"suspendUser, reinstateUser": func(h *fixture, p *accounts.AuthPayload) error {
		must(h.SuspendUser(h.t.Context(), h.root(), p.User.ID))
		return errOf(h.ReinstateUser(h.t.Context(), h.root(), p.User.ID))
	},
	"deleteAccount": func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.DeleteAccount(h.t.Context(), p.Viewer))
	},
	"admin reset": func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.ResetAccount(h.t.Context(), p.User, otherPassword, false))
	},
	"admin promote": func(h *fixture, p *accounts.AuthPayload) error { return errOf(h.promote(ada, otherPassword)) },
	"five minutes":  func(h *fixture, p *accounts.AuthPayload) error { h.clock.move(5 * time.Minute); return nil },
	"five tries":    func(h *fixture, p *accounts.AuthPayload) error { return nil },
}

func TestChallenge_EndsWithWhatItWasGivenFor(t *testing.T) {
	for name, end := range challengeEnds {
		t.Run(name, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, h *fixture) {
				p := h.must(h.register(ada, goodPassword))
				h.exec(provesEmail)
				a := h.addTotp(p.Viewer)
				control, challenge := h.asked(h.login(ada, goodPassword)), h.asked(h.login(ada, goodPassword))
				h.must(h.complete(control, a.code()))
				if name == "five tries" {
					for range 5 {
						wantProblem(t, "a wrong code", errOf(h.complete(challenge, "000000")), problem.InvalidCredentials, "")
					}
				}
				check(t, end(h, p))
				sessions := h.rows("sessions WHERE ended_at IS NULL")
				wantProblem(t, "the challenge afterwards", errOf(h.complete(challenge, a.code())), problem.InvalidToken, "")
				wantProblem(t, "with a recovery code", errOf(h.recover(challenge, a.recovery[0])), problem.InvalidToken, "")
				testenv.Equal(t, sessions, h.rows("sessions WHERE ended_at IS NULL"), "live sessions")
			})
		})
	}
}

// TestChallenge_EndsWithEachRecovery: a thief of the password who waits with a challenge has nothing of it afterwards. With
// the app gone, a code is refused for the challenge or for itself, which tells whether that has ended.
func TestChallenge_EndsWithEachRecovery(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.root()
		recoveries := maps.Clone(recoveries)
		for _, ofOneSession := range []string{"Service.RevokeSession", "Service.exchange"} {
			delete(recoveries, ofOneSession)
		}
		recoveries["of all, when no session lives"] = func(h *fixture, p *accounts.AuthPayload) {
			must(h.Logout(h.t.Context(), p.Viewer, ""))
			h.exec("UPDATE sessions SET ended_at = created_at WHERE user_id = '" + p.User.ID.String() + "'")
			must(h.EndSessions(h.t.Context(), uuid.Nil, time.Time{}))
			h.root()
		}
		n := 0
		waiting := func() (*accounts.AuthPayload, string) {
			n++
			p := h.thief(n)
			h.addTotp(p.Viewer)
			challenge := h.asked(h.login(p.User.Email, goodPassword))
			h.exec("DELETE FROM totp_factors")
			return p, challenge
		}
		for name, recover := range recoveries {
			p, challenge := waiting()
			recover(h, p)
			wantProblem(t, name, errOf(h.complete(challenge, "000000")), problem.InvalidToken, "")
		}
		_, control := waiting()
		wantProblem(t, "nothing", errOf(h.complete(control, "000000")), problem.InvalidCredentials, "")
	})
}

// TestReauthenticate_RightPasswordsRefundNoCodes: who knows the password cannot guess codes without end in between.
func TestReauthenticate_RightPasswordsRefundNoCodes(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		h.addTotp(p.Viewer)
		wrong := "000000"
		guess := func() error {
			return errOf(h.Reauthenticate(t.Context(), p.Viewer, accounts.ReauthenticateInput{Code: &wrong}))
		}
		for n := range 5 {
			wantProblem(t, fmt.Sprint("guess ", n), guess(), problem.InvalidCredentials, "")
			h.must(h.reauthenticate(p.Viewer, goodPassword))
		}
		h.wait("the sixth", nil, guess())
	})
}

// TestCompleteLogin_TriesAreCountedAcrossChallenges: who knows the password has no more guesses for making many.
func TestCompleteLogin_TriesAreCountedAcrossChallenges(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		a := h.addTotp(p.Viewer)
		wrong := "000000"
		guess := func(n int) error {
			challenge := h.asked(h.loginAt(nth(n), ada, goodPassword))
			return errOf(h.completeWith(nth(n), accounts.CompleteLoginInput{Challenge: challenge, Code: &wrong}))
		}
		for n := range 5 {
			wantProblem(t, fmt.Sprint("guess ", n), guess(n), problem.InvalidCredentials, "")
		}
		h.wait("the sixth", nil, guess(6))
		own := h.asked(h.loginAt(on(p, at("192.0.2.7")), ada, goodPassword))
		code := a.code()
		h.must(h.completeWith(on(p, at("192.0.2.7")), accounts.CompleteLoginInput{Challenge: own, Code: &code})) // the owner's device
	})
}

// TestChallenge_OfOneCodeOneSignIn: a hundred parallel calls on two instances, of one code with a challenge each, of one
// recovery code so, and of one challenge, make one session.
func TestChallenge_OfOneCodeOneSignIn(t *testing.T) {
	const n = 100
	for name, one := range map[string]struct{ challenge, recovery bool }{
		"code": {}, "recovery code": {recovery: true}, "challenge": {challenge: true},
	} {
		t.Run(name, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, h *fixture) {
				p := h.must(h.register(ada, goodPassword))
				a := h.addTotp(p.Viewer)
				challenges := make([]string, n)
				for i := range challenges {
					if challenges[i] = challenges[0]; i == 0 || !one.challenge {
						challenges[i] = h.asked(h.login(ada, goodPassword))
					}
				}
				proof := accounts.CompleteLoginInput{Code: ptr(a.code())}
				if one.recovery {
					proof = accounts.CompleteLoginInput{RecoveryCode: &a.recovery[0]}
				}
				before := h.rows("sessions")
				instances, errs := []*fixture{h, h.instance(func(*accounts.Config) {})}, make([]error, n)
				inParallel(n, func(i int) {
					in := proof
					in.Challenge = challenges[i]
					_, errs[i] = instances[i%2].completeWith(anonymous, in)
				})
				done := 0
				for _, err := range errs {
					if err == nil {
						done++
					} else if !problem.Is(err, problem.InvalidCredentials) && !problem.Is(err, problem.InvalidToken) {
						t.Errorf("%v", err)
					}
				}
				testenv.Equal(t, 1, done, "sign-ins")
				testenv.Equal(t, before+1, h.rows("sessions"), "sessions")
			})
		})
	}
}

// TestRememberDevice_SparesTheFactorThere for 30 days, until the password or a factor changes, and proves nothing.
func TestRememberDevice_SparesTheFactorThere(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(h *fixture, p *accounts.AuthPayload)
		asked bool
	}{
		"nothing":       {func(*fixture, *accounts.AuthPayload) {}, false},
		"29 days":       {func(h *fixture, _ *accounts.AuthPayload) { h.clock.move(29 * 24 * time.Hour) }, false},
		"30 days":       {func(h *fixture, _ *accounts.AuthPayload) { h.clock.move(30 * 24 * time.Hour) }, true},
		"another login": {func(h *fixture, _ *accounts.AuthPayload) { h.asked(h.loginAt(at("192.0.2.9"), ada, goodPassword)) }, false},
		"changePassword, and back": {func(h *fixture, p *accounts.AuthPayload) {
			changed := h.must(h.changePassword(h.caller(p), goodPassword, otherPassword))
			h.must(h.changePassword(changed.Viewer, otherPassword, goodPassword))
		}, true},
		"regenerateRecoveryCodes": {func(h *fixture, p *accounts.AuthPayload) {
			must(h.RegenerateRecoveryCodes(h.t.Context(), h.caller(p)))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			eachThrottled(t, func(t *testing.T, h *fixture) {
				p := h.must(h.registerAt(at("192.0.2.7"), ada))
				a := h.addTotp(p.Viewer)
				challenge, code := h.asked(h.loginAt(on(p, at("192.0.2.7")), ada, goodPassword)), a.code()
				in := h.must(h.completeWith(on(p, at("192.0.2.7")),
					accounts.CompleteLoginInput{Challenge: challenge, Code: &code, RememberDevice: true}))
				c.end(h, p)
				again, err := h.loginAt(on(in, at("192.0.2.7")), ada, goodPassword)
				if c.asked {
					h.asked(again, err)
					return
				}
				h.wantAMR("remembered", token.Password, h.must(again, err))
				once := h.must(h.loginAt(on(again, at("192.0.2.7")), ada, goodPassword)) // by the device of that answer
				refused := errOf(h.StartTotp(t.Context(), h.caller(once)))
				wantProblem(t, "a change of factors", refused, problem.ReauthenticationRequired, "")
				h.asked(h.loginAt(on(p, at("192.0.2.7")), ada, goodPassword)) // by the device as it was known before
			})
		})
	}
}

// TestResetAccount_LeavesFactorsUnlessTold, and promote removes them: who chose them may be another person.
func TestResetAccount_LeavesFactorsUnlessTold(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		a := h.addTotp(p.Viewer)
		must(h.ResetAccount(t.Context(), p.User, otherPassword, false))
		account := must(h.AccountByEmail(t.Context(), ada))
		testenv.Equal(t, 2, len(account.Factors), "factors that the operator is told of")
		in := h.must(h.complete(h.asked(h.login(ada, otherPassword)), a.code()))
		must(h.StartTotp(t.Context(), h.caller(in)))
		must(h.ResetAccount(t.Context(), p.User, goodPassword, true))
		testenv.Equal(t, 0, h.rows("totp_factors")+h.rows("recovery_codes"), "rows of factors")
		h.addTotp(h.must(h.login(ada, goodPassword)).Viewer)
		must(h.promote(ada, otherPassword))
		testenv.Equal(t, 0, h.rows("totp_factors")+h.rows("recovery_codes"), "rows of factors")
		h.must(h.login(ada, otherPassword))
		testenv.Equal(t, 2, h.count(accounts.FactorRemoved), "events")
	})
}
