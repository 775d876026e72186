package accounts_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

func (h *fixture) requestReset(email string) error {
	return errOf(h.RequestPasswordReset(h.t.Context(), anonymous, accounts.RequestPasswordResetInput{Email: email}))
}

func (h *fixture) resetPassword(link, pw string) (*accounts.AuthPayload, error) {
	return h.note(pw)(h.ResetPassword(h.t.Context(), anonymous, accounts.ResetPasswordInput{Token: link, NewPassword: pw}))
}

// resetLink returns the token of a reset that was just asked for.
func (h *fixture) resetLink(email string) string {
	h.t.Helper()
	check(h.t, h.requestReset(email))
	return h.letter(accounts.MailReset, email).Token
}

// wantRefused checks that a link is refused, and why.
func wantRefused(t *testing.T, what, reason string, err error) {
	t.Helper()
	testenv.Equal(t, reason, wantProblem(t, what, err, problem.InvalidToken, "").Reason, "%s: the reason", what)
}

func TestResetPassword_OnlyTheNewPasswordOpensTheAccount(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p, q := h.must(h.register(ada, goodPassword)), h.must(h.login(ada, goodPassword))
		other := h.must(h.register("bob@example.com", goodPassword))
		link := h.resetLink(ada)
		h.wantActive("before the link is used", p)
		r := h.must(h.resetPassword(link, otherPassword))
		h.wantActive("the session of the reset", r)
		h.wantActive("another account", other)
		h.wantRevoked("the first session", p)
		h.wantRevoked("the second session", q)
		testenv.Equal(t, true, r.User.EmailVerified, "the address is confirmed")
		wantProblem(t, "the former password", errOf(h.login(ada, goodPassword)), problem.InvalidCredentials, "")
		h.must(h.login(ada, otherPassword))
		testenv.Equal(t, false, h.knows(p), "the device is known")
		testenv.Equal(t, true, h.knows(r), "the device of the reset is known")
		wantRefused(t, "the link again", "used", errOf(h.resetPassword(link, goodPassword)))
	})
}

// knows reports whether an account knows the device of a payload: it keeps its id.
func (h *fixture) knows(p *accounts.AuthPayload) bool {
	devices := must(token.NewDeviceTokens(secretsOf(h.t, theSecret)))
	row := h.db.Client.User.GetX(h.t.Context(), p.User.ID)
	_, ok := devices.Find(*p.Device, token.Credential{Address: row.Email, UserID: row.ID, Generation: row.CredentialGeneration})
	return ok
}

func TestResetPassword_LinksAreRefused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for name, c := range map[string]struct {
			reason string // "" is the control
			happen func(p *accounts.AuthPayload)
		}{
			"nothing":             {"", func(*accounts.AuthPayload) {}},
			"just before the end": {"", func(*accounts.AuthPayload) { h.clock.move(30*time.Minute - time.Microsecond) }},
			"half an hour":        {"expired", func(*accounts.AuthPayload) { h.clock.move(30 * time.Minute) }},
			"a day": {"unknown", func(*accounts.AuthPayload) {
				h.clock.move(25 * time.Hour)
				check(t, h.DeleteOldOneTimeTokens(t.Context()))
			}},
			"a newer mail":             {"expired", func(p *accounts.AuthPayload) { h.resetLink(p.User.Email) }},
			"the account is suspended": {"revoked", func(p *accounts.AuthPayload) { h.suspend(p.User.ID) }},
			"the account is deleted":   {"unknown", func(p *accounts.AuthPayload) { must(h.DeleteAccount(t.Context(), p.Viewer)) }},
			"the account has moved": {"revoked", func(p *accounts.AuthPayload) {
				h.exec("UPDATE users SET email = 'x" + p.User.Email + "' WHERE email = '" + p.User.Email + "'")
			}},
			"the row is another purpose's": {"unknown", func(*accounts.AuthPayload) { h.exec("UPDATE one_time_tokens SET purpose = 'verify'") }},
		} {
			h.exec("DELETE FROM one_time_tokens")
			email := uuid.NewString() + "@example.com"
			p := h.must(h.register(email, goodPassword))
			link := h.resetLink(email)
			c.happen(p)
			_, err := h.resetPassword(link, otherPassword)
			if c.reason == "" {
				check(t, err)
				continue
			}
			wantRefused(t, name, c.reason, err)
			_, err = h.login(email, otherPassword)
			wantProblem(t, name+": the password that was refused", err, problem.InvalidCredentials, "")
		}
	})
}

// TestResetPassword_RefusedPasswordLeavesTheLink as it is.
func TestResetPassword_RefusedPasswordLeavesTheLink(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		link := h.resetLink(ada)
		wantProblem(t, "too short", errOf(h.resetPassword(link, "short")), problem.BadUserInput, "newPassword")
		wantProblem(t, "the address", errOf(h.resetPassword(link, "Ada@Example.com")), problem.BadUserInput, "newPassword")
		for _, text := range []string{"", "x", link + "x", strings.ToUpper(link)} {
			wantRefused(t, text, "unknown", errOf(h.resetPassword(text, otherPassword)))
		}
		h.must(h.resetPassword(link, otherPassword))
	})
}

// TestRequestPasswordReset_EveryAddressCostsTheSame statements, with the throttle too, and has the same answer.
func TestRequestPasswordReset_EveryAddressCostsTheSame(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		suspended := h.must(h.register("suspended@example.com", goodPassword))
		h.suspend(suspended.User.ID)
		h, m := h.metered()
		h = h.throttled(accounts.DefaultThrottle())
		want := m.count(func() { check(t, h.requestReset(ada)) })
		for _, address := range []string{"unknown@example.com", "suspended@example.com", "x@" + strings.Repeat("a", 60) + ".example"} {
			got := m.count(func() { check(t, h.requestReset(address)) })
			testenv.Equal(t, strings.Join(want, "\n"), strings.Join(got, "\n"), "the statements of %s", address)
		}
		h.letter(accounts.MailReset, ada)
		wantProblem(t, "no address", h.requestReset("ada"), problem.BadUserInput, "email")
	})
}

// TestResetPassword_ParallelUsesOfALinkAreOne on two instances.
func TestResetPassword_ParallelUsesOfALinkAreOne(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		link, instances, succeeded := h.resetLink(ada), [2]*fixture{h, h.otherPool(h.url)}, atomic.Int64{}
		inParallel(8, func(i int) {
			if _, err := instances[i%2].resetPassword(link, otherPassword); err == nil {
				succeeded.Add(1)
			} else if !problem.Is(err, problem.InvalidToken) {
				t.Error(err)
			}
		})
		testenv.Equal(t, int64(1), succeeded.Load(), "successes")
		h.must(h.login(ada, otherPassword))
	})
}

// TestResetPassword_MailsThatCrossLeaveTheNewestLink: the older job is worked after the newer one.
func TestResetPassword_MailsThatCrossLeaveTheNewestLink(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		check(t, h.requestReset(ada))
		older := h.db.Client.Job.Query().OnlyX(t.Context())
		h.db.Client.Job.DeleteOne(older).ExecX(t.Context())
		link := h.resetLink(ada)
		testenv.Equal(t, nil, must(h.Letter(t.Context(), older.ID, older.Args)), "the older mail")
		h.must(h.resetPassword(link, otherPassword))
	})
}
