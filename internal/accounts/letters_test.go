package accounts_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/job"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// letters returns the mails with a link of all jobs, in their order, and takes the jobs away. Each is asked for twice: a
// mail that is sent again is the same. Notices are in told.
func (h *fixture) letters() (all []*accounts.Letter) {
	h.t.Helper()
	for _, j := range h.db.Client.Job.Query().Where(job.Kind(accounts.MailJob)).Order(ent.Asc(job.FieldID)).AllX(h.t.Context()) {
		first, again := must(h.Letter(h.t.Context(), j.ID, j.Args)), must(h.Letter(h.t.Context(), j.ID, j.Args))
		wantEqual(h.t, "the mail, sent again", first, again)
		h.db.Client.Job.DeleteOneID(j.ID).ExecX(h.t.Context())
		switch {
		case first == nil:
		case accounts.IsNotice(first.Kind):
			h.told = append(h.told, first)
			if first.Token != "" {
				h.secrets = append(h.secrets, first.Token)
			}
		default:
			all = append(all, first)
			h.secrets = append(h.secrets, first.Token)
			if first.Code != "" {
				h.secrets = append(h.secrets, first.Code)
			}
		}
	}
	return all
}

// letter returns the one mail that there must be.
func (h *fixture) letter(kind accounts.MailKind, to string) *accounts.Letter {
	h.t.Helper()
	all := h.letters()
	if len(all) != 1 || all[0].Kind != kind || all[0].To != to {
		h.t.Fatalf("the mails are %+v, want one of the kind %s to %s", all, kind, to)
	}
	return all[0]
}

// mailRequests ask for each kind of mail to an address that anybody can choose.
var mailRequests = map[accounts.MailKind]func(h *fixture, v *viewer.Viewer, address string) error{
	accounts.MailReset: func(h *fixture, v *viewer.Viewer, address string) error {
		return errOf(h.RequestPasswordReset(h.t.Context(), v, accounts.RequestPasswordResetInput{Email: address}))
	},
	accounts.MailVerify: func(h *fixture, v *viewer.Viewer, address string) error {
		return errOf(h.RequestEmailVerification(h.t.Context(), h.accountAt(v, address)))
	},
	accounts.MailExport: func(h *fixture, v *viewer.Viewer, address string) error {
		return errOf(h.ExportMyData(h.t.Context(), h.accountAt(v, address)))
	},
	accounts.MailChangeEmail: func(h *fixture, v *viewer.Viewer, address string) error {
		v = h.accountAt(v, uuid.NewString()+"@example.com")
		return errOf(h.ChangeEmail(h.t.Context(), v, accounts.ChangeEmailInput{Email: address}))
	},
	accounts.MailRegister: func(h *fixture, v *viewer.Viewer, address string) error {
		h = h.registering(accounts.RegistrationConfirmed)
		_, err := h.Register(h.t.Context(), v, accounts.RegisterInput{Email: address, Password: goodPassword})
		if problem.Is(err, problem.VerificationRequired) {
			return nil
		}
		return err
	},
	accounts.MailInvitation: func(h *fixture, v *viewer.Viewer, address string) error { // of an administrator for each network
		v = h.accountAt(v, fmt.Sprintf("root%s@example.com", strings.ReplaceAll(v.Origin.Address(), ":", "-")))
		h.exec(fmt.Sprintf(`UPDATE users SET roles = '["ADMIN", "USER"]' WHERE id = '%s'`, v.UserID))
		return h.inviteUser(v, address)
	},
}

// accountAt is the viewer of an account of an address, which is made when there is none, from where another one is. That
// counts as no attempt.
func (h *fixture) accountAt(v *viewer.Viewer, email string) *viewer.Viewer {
	h.t.Helper()
	free := h.instance(func(c *accounts.Config) { c.Throttle = nil })
	p, err := free.register(email, goodPassword)
	if err != nil {
		p, err = free.login(email, goodPassword)
	}
	account := *h.must(p, err).Viewer
	account.Origin = v.Origin
	return &account
}

// delay is how long a request for a mail has to wait; 0 when it is done.
func (h *fixture) delay(err error) time.Duration {
	if err == nil {
		return 0
	}
	return h.wait("a mail", nil, err)
}

// TestMails_FiveAnHourToOneMailbox: from however many networks, and however long after the mail before.
func TestMails_FiveAnHourToOneMailbox(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		for kind, request := range mailRequests {
			for i, quiet := range []time.Duration{time.Minute, 135 * time.Minute, 270 * time.Minute} {
				address, from := fmt.Sprintf("%s%d@example.com", kind, i), 0
				ask := func() time.Duration {
					from++
					return h.delay(request(h, at(fmt.Sprintf("198.51.%d.%d", i, from)), address))
				}
				ask()
				h.clock.move(quiet)
				var sent []time.Time
				for range 20 {
					if wait := ask(); wait > 0 {
						h.clock.move(wait)
						continue
					}
					sent = append(sent, h.clock.Now())
				}
				for i := range sent[:len(sent)-5] {
					if hour := sent[i+5].Sub(sent[i]); hour <= time.Hour {
						t.Errorf("%s after %v: six mails within %v", kind, quiet, hour)
					}
				}
			}
		}
	})
}

// TestMails_OneNetworkAsksForFew mailboxes.
func TestMails_OneNetworkAsksForFew(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		for kind, request := range mailRequests {
			n := 0
			for i := range 40 {
				if h.delay(request(h, at("203.0.113.9"), fmt.Sprintf("%s%d@example.com", kind, i))) == 0 {
					n++
				}
			}
			testenv.Equal(t, accounts.DefaultThrottle().Mail, n, "%s: mails of one network", kind)
			check(t, request(h, at("203.0.113.10"), string(kind)+"@example.com"))
			h.clock.move(24 * time.Hour)
		}
	})
}

// TestMails_AreRefusedWhereNoneIsSent, and nothing is written.
func TestMails_AreRefusedWhereNoneIsSent(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		off := h.instance(func(c *accounts.Config) { c.MailOff = true })
		for kind, request := range mailRequests {
			address := string(kind) + "@example.com"
			wantProblem(t, string(kind), request(off, anonymous, address), problem.MailOff, "")
			testenv.Equal(t, 0, h.rows("jobs"), "jobs")
			check(t, request(h, anonymous, address))
			testenv.Equal(t, 1, h.rows("jobs"), "jobs where mail is on")
			h.letters()
		}
	})
}

// TestMoves_AreNotMadeWhereNoMailTellsOfThem: neither a change of address nor its undo.
func TestMoves_AreNotMadeWhereNoMailTellsOfThem(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		off := h.instance(func(c *accounts.Config) { c.MailOff = true })
		p := h.verified(ada)
		link := h.changeEmail(p, ada2).Token
		wantProblem(t, "the change", off.confirmChange(anonymous, link), problem.MailOff, "")
		check(t, h.confirmChange(anonymous, link))
		undo := h.letter(accounts.MailUndoEmail, ada).Token
		wantProblem(t, "its undo", off.revertChange(undo), problem.MailOff, "")
		check(t, h.revertChange(undo))
	})
}

// TestLetter_ThatWaitedTooLongIsAnError, so that an operator sees it; one that a newer mail has replaced is not sent.
func TestLetter_ThatWaitedTooLongIsAnError(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for kind, request := range mailRequests {
			if kind == accounts.MailReset {
				h.accountAt(anonymous, string(kind)+"@example.com")
			}
			send := func() (*accounts.Letter, error) {
				j := h.db.Client.Job.Query().Order(ent.Asc(job.FieldID)).FirstX(t.Context())
				return h.Letter(t.Context(), j.ID, j.Args)
			}
			check(t, request(h, anonymous, string(kind)+"@example.com"))
			if l, err := send(); l == nil || err != nil {
				t.Errorf("%s, in time: %v, %v", kind, l, err)
			}
			h.clock.move(7 * 24 * time.Hour)
			if l, err := send(); l != nil || !errors.Is(err, accounts.ErrLinkExpired) {
				t.Errorf("%s, too late: %v, %v", kind, l, err)
			}
			h.exec("DELETE FROM jobs")
		}
	})
}

// TestLetter_OfWhatIsNoMail is an error, and no mail.
func TestLetter_OfWhatIsNoMail(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for _, args := range []string{"", "{}", `{"kind": "spam", "address": "` + ada + `"}`} {
			if l, err := h.Letter(t.Context(), uuid.New(), args); l != nil || err == nil {
				t.Errorf("%q: %+v, %v", args, l, err)
			}
		}
	})
}

// TestLetters_NameNobodyAtAnUnconfirmedAddress: anybody can register another person's address, or move their account to
// it, with a message for a name.
func TestLetters_NameNobodyAtAnUnconfirmedAddress(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		ctx, name := t.Context(), "Your account is closed"
		p := h.must(h.Register(ctx, anonymous, accounts.RegisterInput{Email: ada, Password: goodPassword, Name: &name}))
		named := map[string]string{}
		note := func(l *accounts.Letter) *accounts.Letter {
			named[fmt.Sprintf("%s to %s", l.Kind, l.To)] = l.Name
			return l
		}
		note(h.resetLetter(ada))
		check(t, h.verifyEmail(anonymous, byToken(note(h.verification(p)).Token)))
		want := map[string]string{"reset to " + ada: "", "verify to " + ada: ""}
		testenv.Equal(t, want, named, "before the address is confirmed")
		note(h.resetLetter(ada))
		check(t, h.confirmChange(anonymous, note(h.changeEmail(p, ada2)).Token))
		note(h.letter(accounts.MailUndoEmail, ada))
		want["reset to "+ada], want["change-email to "+ada2], want["undo-email to "+ada] = name, "", ""
		testenv.Equal(t, want, named, "afterwards")
		h.told = nil

		eve := "eve@example.com"
		h.must(h.Register(ctx, anonymous, accounts.RegisterInput{Email: eve, Password: goodPassword, Name: &name}))
		for _, want := range []string{"", name} { // a reset confirms the address
			h.must(h.resetPassword(h.resetLetter(eve).Token, otherPassword))
			h.letters()
			testenv.Equal(t, []string{want}, []string{h.told[0].Name}, "%s: the name in the notice", h.told[0].Kind)
			h.told = nil
		}
	})
}

// resetLetter is the mail of a reset that was just asked for.
func (h *fixture) resetLetter(email string) *accounts.Letter {
	h.t.Helper()
	check(h.t, h.requestReset(email))
	return h.letter(accounts.MailReset, email)
}
