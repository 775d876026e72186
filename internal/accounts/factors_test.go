package accounts_test

import (
	"encoding/base32"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/totp"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// twoFactors is what a session has proved that was completed by a code.
const twoFactors = token.Password | token.OneTimeCode | token.MultiFactor

// app is a user's authenticator app, with the codes that they wrote down.
type app struct {
	h        *fixture
	secret   totp.Secret
	recovery []string
}

// code is that of the next step: none is shown twice.
func (a *app) code() string {
	a.h.clock.move(30 * time.Second)
	return a.secret.Code(a.h.clock.Now())
}

// startTotp begins to set up an app.
func (h *fixture) startTotp(v *viewer.Viewer) *app {
	h.t.Helper()
	begun := must(h.StartTotp(h.t.Context(), v))
	h.note(begun.Secret)
	return &app{h: h, secret: must(base32.StdEncoding.DecodeString(begun.Secret))}
}

// addTotp sets up an app.
func (h *fixture) addTotp(v *viewer.Viewer) *app {
	h.t.Helper()
	a := h.startTotp(v)
	a.recovery = must(h.ConfirmTotp(h.t.Context(), v, accounts.ConfirmTotpInput{Code: a.code()})).RecoveryCodes
	for _, code := range a.recovery {
		h.note(code)
	}
	return a
}

// asked returns the challenge of a sign-in that wants a second factor.
func (h *fixture) asked(p *accounts.AuthPayload, err error) string {
	h.t.Helper()
	asked := wantProblem(h.t, "a sign-in", err, problem.SecondFactorRequired, "")
	challenge, _ := asked.Extensions["challenge"].(string)
	if p != nil || challenge == "" {
		h.t.Fatalf("%v, and the challenge %q", p, challenge)
	}
	h.note(challenge)
	return challenge
}

func (h *fixture) complete(challenge, code string) (*accounts.AuthPayload, error) {
	return h.completeWith(anonymous, accounts.CompleteLoginInput{Challenge: challenge, Code: &code})
}

func (h *fixture) recover(challenge, code string) (*accounts.AuthPayload, error) {
	return h.completeWith(anonymous, accounts.CompleteLoginInput{Challenge: challenge, RecoveryCode: &code})
}

func (h *fixture) completeWith(v *viewer.Viewer, in accounts.CompleteLoginInput) (*accounts.AuthPayload, error) {
	return h.note("")(h.CompleteLogin(h.t.Context(), v, in))
}

// kindsOfFactors are those that a user has.
func (h *fixture) kindsOfFactors(of *accounts.User) string {
	kinds := ""
	for _, f := range must(h.Factors(h.t.Context(), of)) {
		kinds += string(f.Kind()) + " "
	}
	return strings.TrimSpace(kinds)
}

func TestCompleteLogin_APasswordAloneOpensNoMore(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		bob := h.must(h.register("bob@example.com", goodPassword))
		a := h.addTotp(p.Viewer)
		testenv.Equal(t, "TOTP RECOVERY_CODES", h.kindsOfFactors(p.User), "factors")
		testenv.Equal(t, twoFactors, h.caller(p).AMR, "the session that has shown a code")

		_, err := h.login(ada, goodPassword)
		challenge := h.asked(nil, err)
		kinds := wantProblem(t, "login", err, problem.SecondFactorRequired, "").Extensions["factors"]
		testenv.Equal(t, any([]accounts.FactorKind{"TOTP", "RECOVERY_CODES"}), kinds, "what it can be completed with")
		wantProblem(t, "a wrong password", errOf(h.login(ada, otherPassword)), problem.InvalidCredentials, "")
		wantProblem(t, "a wrong code", errOf(h.complete(challenge, "000000")), problem.InvalidCredentials, "")
		code := a.code()
		in := h.must(h.complete(challenge, code))
		h.wantAMR("the completed sign-in", twoFactors, in)
		wantRefused(t, "the challenge again", "used", errOf(h.complete(challenge, a.code())))
		wantProblem(t, "the code again", errOf(h.complete(h.asked(h.login(ada, goodPassword)), code)), problem.InvalidCredentials, "")
		h.must(h.complete(h.asked(h.login(ada, goodPassword)), a.code())) // the control
		wantRefused(t, "a text that nobody made", "unknown", errOf(h.complete("x", a.code())))
		wantProblem(t, "no code", errOf(h.completeWith(anonymous, accounts.CompleteLoginInput{Challenge: challenge})), problem.BadUserInput, "code")
		h.must(h.login("bob@example.com", goodPassword))
		h.wantActive("another account", bob)
	})
}

// TestResetPassword_DoesNotPassTheSecondFactor: the password is another one, all sessions have ended, and none begins.
func TestResetPassword_DoesNotPassTheSecondFactor(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		h.exec(provesEmail)
		a := h.addTotp(p.Viewer)
		challenge := h.asked(h.resetPassword(h.resetLink(ada), otherPassword))
		h.wantRevoked("the session before", p)
		testenv.Equal(t, 0, h.rows("sessions WHERE ended_at IS NULL"), "live sessions")
		wantProblem(t, "the former password", errOf(h.login(ada, goodPassword)), problem.InvalidCredentials, "")
		h.wantAMR("the completed reset", twoFactors, h.must(h.complete(challenge, a.code())))
	})
}

// TestResetPassword_TakesAStrangersFactorAway: who registers another's address cannot keep it by adding a factor. The factor
// stays as soon as a holder of the account has shown that they read its mail, whatever confirms or moves it afterwards;
// and that of an administrator, whom somebody vouched for.
func TestResetPassword_TakesAStrangersFactorAway(t *testing.T) {
	for name, c := range map[string]struct {
		before func(h *fixture, p *accounts.AuthPayload)
		stays  bool
	}{
		"nothing":           {before: func(*fixture, *accounts.AuthPayload) {}},
		"the owner's click": {before: func(h *fixture, p *accounts.AuthPayload) { h.followsLink(p, anonymous) }},
		"the code":          {before: (*fixture).proves, stays: true},
		"a reset": {stays: true, before: func(h *fixture, p *accounts.AuthPayload) {
			*p = *h.must(h.resetPassword(h.resetLink(p.User.Email), goodPassword))
		}},
		"the code, and a move that a link outside of the session confirms": {stays: true,
			before: func(h *fixture, p *accounts.AuthPayload) { h.proves(p); h.movesTo(p, anonymous) }},
		"an administrator": {stays: true, before: func(h *fixture, p *accounts.AuthPayload) {
			h.exec(`UPDATE users SET roles = '["ADMIN","USER"]'`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, h *fixture) {
				p := h.must(h.register(ada, goodPassword))
				c.before(h, p)
				h.addTotp(p.Viewer)
				email := must(h.Me(t.Context(), p.Viewer)).Email
				if c.stays {
					h.asked(h.resetPassword(h.resetLink(email), otherPassword))
					return
				}
				own := h.must(h.resetPassword(h.resetLink(email), otherPassword))
				testenv.Equal(t, "", h.kindsOfFactors(own.User), "factors")
				h.must(h.login(email, otherPassword))
			})
		})
	}
}

// TestRecoveryCodes_EachStandsForTheFactorOnce however its user writes it.
func TestRecoveryCodes_EachStandsForTheFactorOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		h.exec("UPDATE users SET email_verified = true")
		a := h.addTotp(p.Viewer)
		slices.Sort(a.recovery)
		if len(slices.Compact(a.recovery)) != 10 || len(strings.ReplaceAll(a.recovery[0], "-", "")) != 12 {
			t.Errorf("%q", a.recovery)
		}
		h.notices()
		writings := []func(string) string{
			func(s string) string { return s }, strings.ToUpper, func(s string) string { return strings.ReplaceAll(s, "-", "") },
			func(s string) string { return " " + strings.ReplaceAll(s, "-", " ") + " " },
			func(s string) string { return strings.NewReplacer("0", "O", "1", "I").Replace(s) },
		}
		for i, code := range a.recovery {
			h.clock.move(time.Hour)
			written := writings[i%len(writings)](code)
			h.wantAMR(written, twoFactors, h.must(h.recover(h.asked(h.login(ada, goodPassword)), written)))
			testenv.Equal(t, "recovery_code_used", kindsOf(h.notices()), "notices")
			wantProblem(t, "the code again", errOf(h.recover(h.asked(h.login(ada, goodPassword)), written)), problem.InvalidCredentials, "")
			codes := h.codesOf(p.User)
			testenv.Equal(t, 9-i, codes.Remaining, "codes left")
			testenv.Equal(t, true, codes.LastUsedAt != nil, "when one was used")
		}
		_, err := h.login(ada, goodPassword)
		kinds := wantProblem(t, "login", err, problem.SecondFactorRequired, "").Extensions["factors"]
		testenv.Equal(t, any([]accounts.FactorKind{"TOTP"}), kinds, "what is left to complete it with")
		wantProblem(t, "another's code", errOf(h.recover(h.asked(nil, err), "0000-0000-0000")), problem.InvalidCredentials, "")
	})
}

func (h *fixture) codesOf(of *accounts.User) *accounts.RecoveryCodes {
	h.t.Helper()
	for _, f := range must(h.Factors(h.t.Context(), of)) {
		if codes, ok := f.(*accounts.RecoveryCodes); ok {
			return codes
		}
	}
	h.t.Fatal("there are no recovery codes")
	return nil
}

// TestStartTotp_ChangesNothingUntilConfirmed in the session that began, by a code, in time.
func TestStartTotp_ChangesNothingUntilConfirmed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p, q := h.must(h.register(ada, goodPassword)), h.must(h.login(ada, goodPassword))
		confirm := func(v *viewer.Viewer, code string) error {
			return errOf(h.ConfirmTotp(t.Context(), v, accounts.ConfirmTotpInput{Code: code}))
		}
		wantProblem(t, "nothing was begun", confirm(p.Viewer, "000000"), problem.NotFound, "")
		first, a := h.startTotp(p.Viewer), h.startTotp(p.Viewer)
		h.must(h.login(ada, goodPassword))
		testenv.Equal(t, "", h.kindsOfFactors(p.User), "factors")
		wantProblem(t, "in another session", confirm(q.Viewer, a.code()), problem.NotFound, "")
		wantProblem(t, "a wrong code", confirm(p.Viewer, "000000"), problem.InvalidCredentials, "")
		wantProblem(t, "the code of a secret that was replaced", confirm(p.Viewer, first.code()), problem.InvalidCredentials, "")
		h.clock.move(30 * time.Minute)
		wantProblem(t, "too late", confirm(p.Viewer, a.code()), problem.NotFound, "")
		h.must(h.login(ada, goodPassword))
		h.addTotp(p.Viewer) // the control
		h.asked(h.login(ada, goodPassword))
		again := h.must(h.exchange(*p.RefreshToken))
		wantProblem(t, "again", confirm(again.Viewer, a.code()), problem.NotFound, "")
	})
}

// TestFactors_AreChangedOnlyByWhoHasProvedOne, also by who knows the password.
func TestFactors_AreChangedOnlyByWhoHasProvedOne(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		h.exec("UPDATE users SET email_verified = true")
		thief := h.must(h.loginAt(at("192.0.2.8"), ada, goodPassword))
		a := h.addTotp(p.Viewer)
		own := must(h.Factors(t.Context(), p.User))
		changes := map[string]func(v *viewer.Viewer) error{
			"startTotp":               func(v *viewer.Viewer) error { return errOf(h.StartTotp(t.Context(), v)) },
			"regenerateRecoveryCodes": func(v *viewer.Viewer) error { return errOf(h.RegenerateRecoveryCodes(t.Context(), v)) },
			"removeFactor":            func(v *viewer.Viewer) error { return errOf(h.RemoveFactor(t.Context(), v, own[0].NodeID())) },
		}
		h.must(h.reauthenticate(thief.Viewer, goodPassword))
		for name, change := range changes {
			refused := wantProblem(t, name, change(h.caller(thief)), problem.ReauthenticationRequired, "")
			testenv.Equal(t, any(true), refused.Extensions["mfa"], "%s wants two factors", name)
		}
		testenv.Equal(t, "TOTP RECOVERY_CODES", h.kindsOfFactors(p.User), "factors")
		v := h.caller(p)
		wantProblem(t, "the codes alone", errOf(h.RemoveFactor(t.Context(), v, own[1].NodeID())), problem.NotFound, "")
		wantProblem(t, "an id that nothing has", errOf(h.RemoveFactor(t.Context(), v, uuid.New())), problem.NotFound, "")
		check(t, changes["startTotp"](v))
		h.notices()
		check(t, changes["regenerateRecoveryCodes"](v))
		testenv.Equal(t, "recovery_codes_replaced", kindsOf(h.notices()), "notices")
		wantProblem(t, "a former recovery code", errOf(h.recover(h.asked(h.login(ada, goodPassword)), a.recovery[0])),
			problem.InvalidCredentials, "")
		check(t, changes["removeFactor"](v))
		testenv.Equal(t, "factor_removed", kindsOf(h.notices()), "notices")
		testenv.Equal(t, "", h.kindsOfFactors(p.User), "factors")
		testenv.Equal(t, 0, h.rows("recovery_codes"), "recovery codes")
		h.must(h.loginAt(on(p, at("192.0.2.7")), ada, goodPassword))
		wantProblem(t, "codes of no factor", changes["regenerateRecoveryCodes"](v), problem.NotFound, "")
	})
}

// TestConfirmTotp_TakesThePlaceOfTheAppBefore, and of no recovery code.
func TestConfirmTotp_TakesThePlaceOfTheAppBefore(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		former := h.addTotp(p.Viewer)
		a := h.startTotp(h.caller(p))
		h.must(h.complete(h.asked(h.login(ada, goodPassword)), former.code()))
		confirmed := must(h.ConfirmTotp(t.Context(), h.caller(p), accounts.ConfirmTotpInput{Code: a.code()}))
		testenv.Equal(t, 0, len(confirmed.RecoveryCodes), "new recovery codes")
		wantProblem(t, "a code of the former app", errOf(h.complete(h.asked(h.login(ada, goodPassword)), former.code())),
			problem.InvalidCredentials, "")
		h.must(h.complete(h.asked(h.login(ada, goodPassword)), a.code()))
		h.must(h.recover(h.asked(h.login(ada, goodPassword)), former.recovery[0]))
	})
}

// TestReauthenticate_ByACode counts as a second factor in a session that began without one.
func TestReauthenticate_ByACode(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p, q := h.must(h.register(ada, goodPassword)), h.must(h.login(ada, goodPassword))
		by := func(code string) (*accounts.AuthPayload, error) {
			return h.note("")(h.Reauthenticate(t.Context(), q.Viewer, accounts.ReauthenticateInput{Code: &code}))
		}
		wantProblem(t, "without an app", errOf(by("000000")), problem.InvalidCredentials, "")
		a := h.addTotp(p.Viewer)
		wantProblem(t, "a wrong code", errOf(by("000000")), problem.InvalidCredentials, "")
		testenv.Equal(t, token.Password, h.caller(q).AMR, "before")
		code := a.code()
		h.wantAMR("afterwards", twoFactors, h.must(by(code)))
		wantProblem(t, "the code again", errOf(by(code)), problem.InvalidCredentials, "")
		neither, both := accounts.ReauthenticateInput{}, accounts.ReauthenticateInput{Password: ptr(goodPassword), Code: &code}
		wantProblem(t, "no proof", errOf(h.Reauthenticate(t.Context(), q.Viewer, neither)), problem.BadUserInput, "password")
		wantProblem(t, "two proofs", errOf(h.Reauthenticate(t.Context(), q.Viewer, both)), problem.BadUserInput, "code")
		h.wantAMR("by the password again", twoFactors, h.must(h.reauthenticate(h.caller(q), goodPassword)))
	})
}

// TestDownloadMyData_DoesNotPassTheSecondFactor: who reads the mailbox alone gets nothing, and the link stays.
func TestDownloadMyData_DoesNotPassTheSecondFactor(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		bob := h.must(h.register("bob@example.com", goodPassword))
		h.addTotp(p.Viewer)
		link := h.exportLink(p.Viewer)
		wantProblem(t, "the link alone", errOf(h.download(link)), problem.Unauthenticated, "")
		wantProblem(t, "another user", errOf(h.downloadAs(bob.Viewer, link)), problem.Unauthenticated, "")
		must(h.downloadAs(p.Viewer, link))
	})
}

// TestNode_ShowsOnesOwnFactors and nobody else's.
func TestNode_ShowsOnesOwnFactors(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p, bob := h.must(h.register(ada, goodPassword)), h.must(h.register("bob@example.com", goodPassword))
		h.addTotp(p.Viewer)
		for _, f := range must(h.Factors(t.Context(), p.User)) {
			own := must(h.Node(t.Context(), p.Viewer, f.NodeID()))
			wantEqual(t, "one's own", accounts.Node(f), own)
			if other, err := h.Node(t.Context(), bob.Viewer, f.NodeID()); other != nil || err != nil {
				t.Errorf("another's: %v, %v", other, err)
			}
		}
	})
}
