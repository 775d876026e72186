package accounts_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/requestid"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

func (h *fixture) inviteUser(by *viewer.Viewer, email string, roles ...accounts.Role) error {
	return errOf(h.InviteUser(h.t.Context(), by, accounts.InviteUserInput{Email: email, Roles: roles}))
}

// invitation has an address invited, and returns the token of its mail.
func (h *fixture) invitation(by *viewer.Viewer, email string, roles ...accounts.Role) string {
	h.t.Helper()
	check(h.t, h.inviteUser(by, email, roles...))
	return h.letter(accounts.MailInvitation, email).Token
}

func (h *fixture) accept(link string) (*accounts.AuthPayload, error) {
	return h.note(goodPassword)(h.AcceptInvitation(h.t.Context(), anonymous,
		accounts.AcceptInvitationInput{Token: link, Password: goodPassword}))
}

func TestInvitation_MakesTheAccountOfTheMailbox(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		root := *h.administrator("root@example.com").Viewer
		root.Origin = viewer.Origin{IP: at("192.0.2.9").Origin.IP, Agent: "the administrator's", Language: "fr"}
		in := accounts.InviteUserInput{Email: " Ada@Example.com", Roles: []accounts.Role{accounts.RoleUser, accounts.RoleAdmin}}
		ctx := viewer.With(requestid.Ensure(t.Context()), &root)
		must(h.InviteUser(ctx, &root, in))
		l := h.letter(accounts.MailInvitation, ada)
		testenv.Equal(t, []string{"fr", "", "", "", "", ""}, []string{l.Locale, l.Code, l.Where, l.Device, l.Name, l.Email}, "the mail")
		testenv.Equal(t, h.clock.Now().Add(7*24*time.Hour).Truncate(time.Microsecond), l.Expires, "until")
		testenv.Equal(t, 1, h.rows("users"), "accounts, before it is accepted")
		in.Locale = ptr("de")
		h.clock.move(time.Hour)
		must(h.InviteUser(ctx, &root, in))
		newer := h.letter(accounts.MailInvitation, ada)
		testenv.Equal(t, "de", newer.Locale, "the language of the invited")
		wantRefused(t, "the one before", "expired", errOf(h.accept(l.Token)))

		for _, pw := range []string{"short", ada} {
			_, err := h.AcceptInvitation(t.Context(), anonymous, accounts.AcceptInvitationInput{Token: newer.Token, Password: pw})
			wantProblem(t, pw, err, problem.BadUserInput, "password")
		}
		p := h.must(h.note(goodPassword)(h.AcceptInvitation(t.Context(), anonymous,
			accounts.AcceptInvitationInput{Token: newer.Token, Password: goodPassword, Name: ptr("Ada")})))
		me := must(h.Me(t.Context(), h.caller(p)))
		wantEqual(t, "roles", []accounts.Role{accounts.RoleAdmin, accounts.RoleUser}, me.Roles)
		testenv.Equal(t, []any{ada, true, "Ada", "de"}, []any{me.Email, me.EmailVerified, *me.Name, *me.Locale}, "the account")
		testenv.Equal(t, "", kindsOf(h.notices()), "notices")
		h.clock.move(time.Hour)
		wantRefused(t, "again", "used", errOf(h.accept(newer.Token)))
		wantProblem(t, "an address with an account", h.inviteUser(&root, ada), problem.EmailTaken, "")
		h.must(h.login(ada, goodPassword))

		rows := h.auditLog(&accounts.AuditFilter{Kind: ptr("invitation_accepted")})
		invited := h.auditLog(&accounts.AuditFilter{Kind: ptr("user_invited")})
		testenv.Equal(t, []any{1, 2}, []any{len(rows), len(invited)}, "rows of the log")
		testenv.Equal(t, []any{"ADMIN USER", p.User.ID, p.User.ID, *invited[0].Detail},
			[]any{*rows[0].After, *rows[0].UserID, *rows[0].ActorID, *rows[0].Detail}, "accepted")
		testenv.Equal(t, []any{"ADMIN USER", root.UserID, (*uuid.UUID)(nil)},
			[]any{*invited[0].After, *invited[0].ActorID, invited[0].UserID}, "invited")
	})
}

// TestInvitation_ShowsThatTheInvitedReadTheMail: they need nobody to vouch for them.
func TestInvitation_ShowsThatTheInvitedReadTheMail(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com").Viewer
		p := h.must(h.accept(h.invitation(root, ada)))
		_, err := h.SetRoles(t.Context(), root, accounts.SetRolesInput{UserID: p.User.ID,
			Roles: []accounts.Role{accounts.RoleAdmin, accounts.RoleUser}})
		check(t, err)
	})
}

// recoveries are what an administrator, another one or the operator does about a thief, by the function that ends
// sessions; each has to end the invitations that the thief may have sent. Which of them end one to be just a USER is in
// endsAny.
var recoveries = map[string]func(h *fixture, thief *accounts.AuthPayload){
	"Service.ChangePassword": func(h *fixture, p *accounts.AuthPayload) {
		own := h.must(h.login(p.User.Email, goodPassword))
		h.must(h.changePassword(own.Viewer, goodPassword, otherPassword))
	},
	"Service.resetCredential": func(h *fixture, p *accounts.AuthPayload) {
		h.must(h.resetPassword(h.resetLink(p.User.Email), otherPassword))
	},
	"Service.resetAccount": func(h *fixture, p *accounts.AuthPayload) {
		must(h.promote(p.User.Email, otherPassword))
	},
	"Service.setStatus": func(h *fixture, p *accounts.AuthPayload) {
		must(h.SuspendUser(h.t.Context(), h.root(), p.User.ID))
		must(h.ReinstateUser(h.t.Context(), h.root(), p.User.ID))
	},
	"Service.deleteHeld": func(h *fixture, p *accounts.AuthPayload) {
		must(h.DeleteAccount(h.t.Context(), h.must(h.login(p.User.Email, goodPassword)).Viewer))
	},
	"Service.SetRoles": func(h *fixture, p *accounts.AuthPayload) {
		check(h.t, h.setRoles(h.root(), p.User.ID, accounts.RoleUser))
		check(h.t, h.setRoles(h.root(), p.User.ID, accounts.RoleUser, accounts.RoleAdmin))
	},
	"Service.RevokeSession": func(h *fixture, p *accounts.AuthPayload) {
		own := h.must(h.login(p.User.Email, goodPassword))
		must(h.RevokeSession(h.t.Context(), own.Viewer, p.Viewer.SessionID))
	},
	"Service.RevokeOtherSessions": func(h *fixture, p *accounts.AuthPayload) {
		own := h.must(h.login(p.User.Email, goodPassword))
		must(h.RevokeOtherSessions(h.t.Context(), own.Viewer))
	},
	"Service.endNextSessions": func(h *fixture, p *accounts.AuthPayload) {
		must(h.EndSessions(h.t.Context(), p.User.ID, time.Time{}))
	},
	"Service.EndUserSessions": func(h *fixture, p *accounts.AuthPayload) {
		must(h.EndUserSessions(h.t.Context(), h.root(), p.User.ID))
	},
	"Service.exchange": func(h *fixture, p *accounts.AuthPayload) { // a copied refresh token is used
		next := h.must(h.exchange(*p.RefreshToken))
		h.must(h.exchange(*next.RefreshToken))
		h.clock.move(time.Minute)
		wantProblem(h.t, "a copy", errOf(h.exchange(*p.RefreshToken)), problem.InvalidToken, "")
	},
	"Service.lockOut": func(h *fixture, p *accounts.AuthPayload) {
		check(h.t, h.secure(h.secures))
		h.letters()
	},
	"lockOut, by RevertEmailChange": func(h *fixture, p *accounts.AuthPayload) {
		check(h.t, h.revertChange(h.undo))
		h.letters()
	},
}

// thief is the nth thief of an administrator's session, whose account each of the recoveries can be used on.
func (h *fixture) thief(n int) *accounts.AuthPayload {
	h.t.Helper()
	former, email := strings.Repeat("f", n)+"@example.com", strings.Repeat("a", n)+"@example.com"
	p := h.verified(former)
	h.undo = h.moved(p, former, email).Token
	h.exec("UPDATE users SET roles = '[\"ADMIN\",\"USER\"]' WHERE email = '" + email + "'")
	p = h.must(h.login(email, goodPassword))
	p = h.must(h.changePassword(p.Viewer, goodPassword, otherPassword))
	told := h.notices()
	h.secures = told[len(told)-1].Token
	return h.must(h.changePassword(p.Viewer, otherPassword, goodPassword))
}

// endsAny are the recoveries after which invitations to be just a USER are refused too: the credential was another's, or
// who invited is no administrator.
var endsAny = []string{"Service.resetCredential", "Service.resetAccount", "Service.setStatus", "Service.deleteHeld",
	"Service.SetRoles", "Service.lockOut", "lockOut, by RevertEmailChange"}

// mayLeaveInvitations are the functions that end sessions and no invitations.
var mayLeaveInvitations = []string{"Service.Logout", "Service.evictSessions"}

// TestInvitation_EndsWithTheThiefWhoSentIt: else they would come back as an administrator after the session that they
// stole has ended.
func TestInvitation_EndsWithTheThiefWhoSentIt(t *testing.T) {
	for _, c := range sourceCalls(t) {
		if c.name == "revokeSessions" && recoveries[c.from] == nil && !slices.Contains(mayLeaveInvitations, c.from) {
			t.Errorf("%s ends sessions: add it to recoveries, which shows that it ends invitations that give ADMIN", c.from)
		}
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.root()
		n := 0
		thief := func() *accounts.AuthPayload {
			n++
			return h.thief(n)
		}
		invited := func(p *accounts.AuthPayload, roles ...accounts.Role) string {
			return h.invitation(p.Viewer, uuid.NewString()+"@example.com", roles...)
		}
		for name, recover := range recoveries {
			p := thief()
			admin, user := invited(p, accounts.RoleUser, accounts.RoleAdmin), invited(p)
			before := h.must(h.accept(invited(p, accounts.RoleUser, accounts.RoleAdmin)))
			recover(h, p)
			wantProblem(t, name, errOf(h.accept(admin)), problem.InvalidToken, "")
			if slices.Contains(endsAny, name) {
				wantProblem(t, name+", USER", errOf(h.accept(user)), problem.InvalidToken, "")
			} else {
				h.must(h.accept(user))
			}
			h.wantActive(name+": who had accepted", before)
		}
		for name, leave := range map[string]func(p *accounts.AuthPayload){
			"nothing": func(*accounts.AuthPayload) {},
			"logout":  func(p *accounts.AuthPayload) { must(h.Logout(t.Context(), p.Viewer, "")) },
			"another session is ended": func(p *accounts.AuthPayload) {
				other := h.must(h.login(p.User.Email, goodPassword))
				must(h.RevokeSession(t.Context(), p.Viewer, other.Viewer.SessionID))
			},
			"another administrator is suspended": func(*accounts.AuthPayload) {
				must(h.SuspendUser(t.Context(), h.root(), thief().User.ID))
			},
		} {
			p := thief()
			link := invited(p, accounts.RoleUser, accounts.RoleAdmin)
			leave(p)
			got := h.must(h.accept(link))
			testenv.Equal(t, 2, len(got.User.Roles), "%s: roles", name)
		}
	})
}

// TestInvitation_IsWithdrawnWhenTheAddressGetsAnAccount, and stays so when that account is gone.
func TestInvitation_IsWithdrawnWhenTheAddressGetsAnAccount(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com").Viewer
		for name, get := range map[string]func(address string) *accounts.AuthPayload{
			"register":     func(address string) *accounts.AuthPayload { return h.must(h.register(address, goodPassword)) },
			"admin create": func(address string) *accounts.AuthPayload { return h.administrator(address) },
			"changeEmail": func(address string) *accounts.AuthPayload {
				p := h.must(h.register(uuid.NewString()+"@example.com", goodPassword))
				check(t, h.confirmChange(anonymous, h.changeEmail(p, address).Token))
				return p
			},
			"another administrator's": func(address string) *accounts.AuthPayload {
				return h.must(h.accept(h.invitation(h.administrator("a"+address).Viewer, address)))
			},
		} {
			address := uuid.NewString() + "@example.com"
			link := h.invitation(root, address)
			p := get(address)
			wantRefused(t, name, "expired", errOf(h.accept(link)))
			must(h.DeleteAccount(t.Context(), p.Viewer))
			h.letters()
			wantRefused(t, name+", and it is gone", "unknown", errOf(h.accept(link)))
			h.must(h.accept(h.invitation(root, address)))
		}
	})
}

// TestInvitation_IsAcceptedOnce, also by two at the same time.
func TestInvitation_IsAcceptedOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		link := h.invitation(h.administrator("root@example.com").Viewer, ada)
		results := [4]error{}
		inParallel(len(results), func(i int) { results[i] = errOf(h.accept(link)) })
		done := 0
		for _, err := range results {
			if err == nil {
				done++
				continue
			}
			wantProblem(t, "another", err, problem.InvalidToken, "")
		}
		testenv.Equal(t, 1, done, "accepted")
		testenv.Equal(t, 2, h.rows("users"), "accounts")
	})
}

func TestInviteUser_IsForAdministrators(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p, root := h.must(h.register(ada, goodPassword)), h.administrator("root@example.com")
		wantProblem(t, "a user", h.inviteUser(p.Viewer, "new@example.com"), problem.Forbidden, "")
		wantProblem(t, "nobody", h.inviteUser(anonymous, "new@example.com"), problem.Unauthenticated, "")
		wantProblem(t, "no address", h.inviteUser(root.Viewer, "new"), problem.BadUserInput, "email")
		wantProblem(t, "no USER", h.inviteUser(root.Viewer, "new@example.com", accounts.RoleAdmin), problem.BadUserInput, "roles")
		check(t, h.inviteUser(root.Viewer, "new@example.com"))
		h.must(h.accept(h.letter(accounts.MailInvitation, "new@example.com").Token))
		wantProblem(t, "no link", errOf(h.accept("x")), problem.InvalidToken, "")
	})
}
