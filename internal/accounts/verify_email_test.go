package accounts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// verification returns the mail that a session has just asked for.
func (h *fixture) verification(p *accounts.AuthPayload) *accounts.Letter {
	h.t.Helper()
	must(h.RequestEmailVerification(h.t.Context(), p.Viewer))
	return h.letter(accounts.MailVerify, p.User.Email)
}

func (h *fixture) verifyEmail(v *viewer.Viewer, in accounts.VerifyEmailInput) error {
	return errOf(h.VerifyEmail(h.t.Context(), v, in))
}

func (h *fixture) isVerified(id uuid.UUID) bool {
	return h.db.Client.User.GetX(h.t.Context(), id).EmailVerified
}

func byCode(code string) accounts.VerifyEmailInput  { return accounts.VerifyEmailInput{Code: &code} }
func byToken(text string) accounts.VerifyEmailInput { return accounts.VerifyEmailInput{Token: &text} }

func TestVerifyEmail_ByLinkOrCodeOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for name, c := range map[string]func(p *accounts.AuthPayload, l *accounts.Letter) (*viewer.Viewer, accounts.VerifyEmailInput){
			"the link, anonymous": func(_ *accounts.AuthPayload, l *accounts.Letter) (*viewer.Viewer, accounts.VerifyEmailInput) {
				return anonymous, byToken(l.Token)
			},
			"the link, another user": func(_ *accounts.AuthPayload, l *accounts.Letter) (*viewer.Viewer, accounts.VerifyEmailInput) {
				return h.must(h.register(uuid.NewString()+"@example.com", goodPassword)).Viewer, byToken(l.Token)
			},
			"the code": func(p *accounts.AuthPayload, l *accounts.Letter) (*viewer.Viewer, accounts.VerifyEmailInput) {
				return p.Viewer, byCode(l.Code)
			},
			"the code, in two halves": func(p *accounts.AuthPayload, l *accounts.Letter) (*viewer.Viewer, accounts.VerifyEmailInput) {
				return p.Viewer, byCode(" " + l.Code[:4] + " " + l.Code[4:])
			},
		} {
			p := h.must(h.register(uuid.NewString()+"@example.com", goodPassword))
			l := h.verification(p)
			v, in := c(p, l)
			testenv.Equal(t, false, h.isVerified(p.User.ID), "%s: confirmed before", name)
			check(t, h.verifyEmail(v, in))
			testenv.Equal(t, true, h.isVerified(p.User.ID), "%s: confirmed", name)
			testenv.Equal(t, true, must(h.Me(t.Context(), p.Viewer)).EmailVerified, "%s: shown", name)
			wantRefused(t, name+", again", "used", h.verifyEmail(anonymous, byToken(l.Token)))
			wantRefused(t, name+", the code again", "expired", h.verifyEmail(p.Viewer, byCode(l.Code)))
			must(h.RequestEmailVerification(t.Context(), p.Viewer))
			testenv.Equal(t, 0, h.rows("jobs"), "%s: mails of a confirmed address", name)
		}
	})
}

func TestVerifyEmail_RefusesWhatTheMailDidNotHave(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p, eve := h.must(h.register(ada, goodPassword)), h.must(h.register("eve@example.com", goodPassword))
		again := h.must(h.login(ada, goodPassword))
		l := h.verification(p)
		for what, c := range map[string]struct {
			by   *viewer.Viewer
			in   accounts.VerifyEmailInput
			code problem.Code
		}{
			"the code, anonymous":       {anonymous, byCode(l.Code), problem.Unauthenticated},
			"the code, another session": {again.Viewer, byCode(l.Code), problem.InvalidToken},
			"the code, another user":    {eve.Viewer, byCode(l.Code), problem.InvalidToken},
			"the code as a token":       {p.Viewer, byToken(l.Code), problem.InvalidToken},
			"the token as a code":       {p.Viewer, byCode(l.Token), problem.InvalidCredentials},
			"no code":                   {p.Viewer, byCode(""), problem.InvalidCredentials},
			"a changed token":           {p.Viewer, byToken(strings.ToLower(l.Token)), problem.InvalidToken},
		} {
			wantProblem(t, what, h.verifyEmail(c.by, c.in), c.code, "")
		}
		wantProblem(t, "neither", h.verifyEmail(p.Viewer, accounts.VerifyEmailInput{}), problem.BadUserInput, "token")
		wantProblem(t, "both", h.verifyEmail(p.Viewer, accounts.VerifyEmailInput{Token: &l.Token, Code: &l.Code}),
			problem.BadUserInput, "code")
		if h.isVerified(p.User.ID) || h.isVerified(eve.User.ID) {
			t.Error("an address was confirmed")
		}
		check(t, h.verifyEmail(p.Viewer, byCode(l.Code)))
	})
}

// TestVerifyEmail_FiveCodesAreTried, also when they come simultaneously at two instances; the link still works.
func TestVerifyEmail_FiveCodesAreTried(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p, instances := h.must(h.register(ada, goodPassword)), [2]*fixture{h, h.otherPool(h.url)}
		l := h.verification(p)
		tried := make([]error, 20)
		inParallel(len(tried), func(i int) {
			tried[i] = instances[i%2].verifyEmail(p.Viewer, byCode(fmt.Sprintf("x%07d", i)))
		})
		n := 0
		for _, err := range tried {
			if problem.Is(err, problem.InvalidCredentials) {
				n++
			} else if !problem.Is(err, problem.InvalidToken) {
				t.Error(err)
			}
		}
		testenv.Equal(t, 5, n, "codes that were compared")
		wantRefused(t, "the right code", "expired", h.verifyEmail(p.Viewer, byCode(l.Code)))
		check(t, h.verifyEmail(anonymous, byToken(l.Token)))
	})
}

func TestVerifyEmail_LinksAreRefused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for name, c := range map[string]struct {
			reason string // "" is the control
			happen func(p *accounts.AuthPayload)
		}{
			"just before the end":      {"", func(*accounts.AuthPayload) { h.clock.move(24*time.Hour - time.Microsecond) }},
			"a day":                    {"expired", func(*accounts.AuthPayload) { h.clock.move(24 * time.Hour) }},
			"a newer mail":             {"expired", func(p *accounts.AuthPayload) { h.verification(p) }},
			"the account is suspended": {"revoked", func(p *accounts.AuthPayload) { h.suspend(p.User.ID) }},
			"the account has moved": {"revoked", func(p *accounts.AuthPayload) {
				h.exec("UPDATE users SET email = 'x" + p.User.Email + "' WHERE email = '" + p.User.Email + "'")
			}},
		} {
			p := h.must(h.register(uuid.NewString()+"@example.com", goodPassword))
			l := h.verification(p)
			c.happen(p)
			err := h.verifyEmail(anonymous, byToken(l.Token))
			if c.reason == "" {
				check(t, err)
			} else {
				wantRefused(t, name, c.reason, err)
			}
			testenv.Equal(t, c.reason == "", h.isVerified(p.User.ID), "%s: confirmed", name)
		}
	})
}
