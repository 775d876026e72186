package accounts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// registering returns an instance that registers in a mode, the same one each time, since it may count attempts itself.
func (h *fixture) registering(mode accounts.RegistrationMode) *fixture {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.modes == nil {
		h.modes = map[any]*fixture{}
	}
	key := [2]any{h.Service, mode}
	if h.modes[key] == nil {
		h.modes[key] = h.instance(func(c *accounts.Config) { c.Registration = mode })
	}
	return h.modes[key]
}

// hashless returns an instance on which hashing a password fails the test.
func (h *fixture) hashless() *fixture {
	made := false // the hasher makes one itself, of no user
	return h.instance(func(c *accounts.Config) {
		c.Passwords = hasher(h.t, password.Config{Derive: func(pw, salt []byte, c password.Cost) ([]byte, error) {
			if made {
				h.t.Error("a password was hashed")
			}
			return password.Argon2id(pw, salt, c), nil
		}})
		made = true
	})
}

// asksToRegister asks for a mail that confirms an address.
func (h *fixture) asksToRegister(email, pw string) {
	h.t.Helper()
	wantProblem(h.t, "register "+email, errOf(h.registering(accounts.RegistrationConfirmed).register(email, pw)),
		problem.VerificationRequired, "")
}

func (h *fixture) confirm(link, pw string) error {
	return h.verifyEmail(anonymous, accounts.VerifyEmailInput{Token: &link, Password: &pw})
}

// TestRegister_ConfirmedMakesTheAccountOfWhoReadsTheMail, with the password that they choose, and none before.
func TestRegister_ConfirmedMakesTheAccountOfWhoReadsTheMail(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		_, err := h.registering(accounts.RegistrationConfirmed).Register(t.Context(), anonymous, accounts.RegisterInput{
			Email: "Ada@Example.com", Password: otherPassword, Name: ptr("a stranger's text"), Locale: ptr("de")})
		wantProblem(t, "register", err, problem.VerificationRequired, "")
		l := h.letter(accounts.MailRegister, ada)
		testenv.Equal(t, []string{"de", "", "", ""}, []string{l.Locale, l.Code, l.Name, l.Email}, "the mail")
		testenv.Equal(t, []int{0, 0}, []int{h.rows("users"), h.rows("addresses")}, "rows")
		wantProblem(t, "login", errOf(h.login(ada, otherPassword)), problem.InvalidCredentials, "")

		wantProblem(t, "no password", h.verifyEmail(anonymous, byToken(l.Token)), problem.BadUserInput, "password")
		wantProblem(t, "the address", h.confirm(l.Token, ada), problem.BadUserInput, "password")
		check(t, h.confirm(l.Token, goodPassword))
		me := must(h.Me(t.Context(), h.must(h.login(ada, goodPassword)).Viewer))
		testenv.Equal(t, []any{ada, true, (*string)(nil), "de"}, []any{me.Email, me.EmailVerified, me.Name, *me.Locale}, "the account")
		wantProblem(t, "the password of the registration", errOf(h.login(ada, otherPassword)), problem.InvalidCredentials, "")
		wantRefused(t, "again", "used", h.confirm(l.Token, otherPassword))
		_, err = h.SetRoles(t.Context(), h.root(), accounts.SetRolesInput{UserID: me.ID,
			Roles: []accounts.Role{accounts.RoleAdmin, accounts.RoleUser}})
		check(t, err) // the link has shown that they read the mail
	})
}

// TestRegister_ConfirmedTellsOnlyTheOwnerThatAnAddressIsTaken, by a mail that changes nothing until they use its link.
func TestRegister_ConfirmedTellsOnlyTheOwnerThatAnAddressIsTaken(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		h.asksToRegister(ada, otherPassword)
		l := h.letter(accounts.MailRegistered, ada)
		h.wantActive("meanwhile", p)
		h.must(h.login(ada, goodPassword))
		wantRefused(t, "as a registration", "unknown", h.confirm(l.Token, otherPassword))
		h.must(h.resetPassword(l.Token, otherPassword))

		h.suspend(p.User.ID)
		h.asksToRegister(ada, otherPassword)
		testenv.Equal(t, 0, len(h.letters()), "mails to who may not use the account")
		h.moved(h.verified("bob@example.com"), "bob@example.com", "bob@second.example")
		h.asksToRegister("bob@example.com", otherPassword)
		testenv.Equal(t, 0, len(h.letters()), "mails to an address that an account can go back to")
	})
}

// TestRegister_ConfirmedCostsTheSameForEveryAddress: statements with their order, no hash, and a mail each.
func TestRegister_ConfirmedCostsTheSameForEveryAddress(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		h.asksToRegister("asked@example.com", goodPassword)
		h.letters()
		confirmed, meter := h.registering(accounts.RegistrationConfirmed).hashless().metered()
		var want []string
		for i, address := range []string{"new@example.com", ada, "asked@example.com"} {
			var err error
			got := meter.count(func() { _, err = confirmed.registerAt(nth(i+1), address) })
			p := wantProblem(t, address, err, problem.VerificationRequired, "")
			testenv.Equal(t, "A mail is on its way to this address; it says how to go on.", p.Message, "%s: message", address)
			testenv.Equal(t, 1, len(h.letters()), "%s: mails", address)
			if want == nil {
				want = got
			}
			testenv.Equal(t, strings.Join(want, "\n"), strings.Join(got, "\n"), "%s: statements", address)
			if strings.Contains(strings.Join(got, "\n"), "users") {
				t.Errorf("%s: the accounts are asked", address)
			}
		}
	})
}

// TestRegister_ConfirmedIsNotTakenOverByWhoAskedFirst: an attacker registers another's address, before or after its owner.
// Whichever link the owner follows, the account opens to the password that they choose there, and to no other, and the
// other links end.
func TestRegister_ConfirmedIsNotTakenOverByWhoAskedFirst(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		const another = "the password of another"
		for followed := range 2 {
			address := uuid.NewString() + "@example.com"
			h.asksToRegister(address, another)
			h.asksToRegister(address, goodPassword)
			links := h.letters()
			testenv.Equal(t, 2, len(links), "mails")
			check(t, h.confirm(links[followed].Token, goodPassword))
			h.must(h.login(address, goodPassword))
			wantProblem(t, "the attacker", errOf(h.login(address, another)), problem.InvalidCredentials, "")
			wantRefused(t, "the other link", "expired", h.confirm(links[1-followed].Token, another))
		}
	})
}

// TestRegister_ConfirmedLinkEnds after a day, with an account of the address however it came, and where registration is
// closed since.
func TestRegister_ConfirmedLinkEnds(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com").Viewer
		link := func(address string) string {
			h.asksToRegister(address, goodPassword)
			return h.letter(accounts.MailRegister, address).Token
		}
		for name, happen := range map[string]func(address string){
			"register":   func(address string) { h.must(h.register(address, goodPassword)) },
			"invitation": func(address string) { h.must(h.accept(h.invitation(root, address))) },
			"changeEmail": func(address string) {
				p := h.must(h.register(uuid.NewString()+"@example.com", goodPassword))
				check(t, h.confirmChange(anonymous, h.changeEmail(p, address).Token))
			},
			"a day": func(string) { h.clock.move(24 * time.Hour) },
		} {
			address := uuid.NewString() + "@example.com"
			l := link(address)
			happen(address)
			wantRefused(t, name, "expired", h.confirm(l, otherPassword))
		}
		l := link(ada)
		wantProblem(t, "closed", h.registering(accounts.RegistrationClosed).confirm(l, goodPassword), problem.Forbidden, "")
		check(t, h.inviteUser(root, ada)) // which leaves the link of a registration alone
		h.letters()
		results := [3]error{}
		inParallel(len(results), func(i int) { results[i] = h.confirm(l, goodPassword) })
		done := 0
		for _, err := range results {
			if err == nil {
				done++
			} else {
				wantProblem(t, "another at the same time", err, problem.InvalidToken, "")
			}
		}
		testenv.Equal(t, 1, done, "accounts made by one link")
	})
}

// TestRegister_ConfirmedLinkOpensItsOwnPlaceOnly, and no other link makes an account there.
func TestRegister_ConfirmedLinkOpensItsOwnPlaceOnly(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.asksToRegister(ada, goodPassword)
		link := h.letter(accounts.MailRegister, ada).Token
		for name, err := range map[string]error{
			"resetPassword":      errOf(h.resetPassword(link, goodPassword)),
			"acceptInvitation":   errOf(h.accept(link)),
			"confirmEmailChange": h.confirmChange(anonymous, link),
			"revertEmailChange":  h.revertChange(link),
			"an invitation":      h.confirm(h.invitation(h.root(), "bob@example.com"), goodPassword),
		} {
			wantRefused(t, name, "unknown", err)
		}
		check(t, h.confirm(link, goodPassword))
	})
}

// TestRegister_ClosedIsRefusedWithoutAnyWork; those who are invited come in.
func TestRegister_ClosedIsRefusedWithoutAnyWork(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com").Viewer
		closed, meter := h.registering(accounts.RegistrationClosed).hashless().metered()
		var err error
		sent := meter.count(func() { _, err = closed.register(ada, goodPassword) })
		wantProblem(t, "register", err, problem.Forbidden, "")
		testenv.Equal(t, 0, len(sent), "statements")
		h.must(h.registering(accounts.RegistrationClosed).accept(h.invitation(root, ada)))
	})
}
