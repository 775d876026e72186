package accounts_test

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/passkey"
	"github.com/gatehouse/gatehouse/internal/passkey/passkeytest"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

const passkeyOrigin = "https://id.example.org"

func relyingParty() *passkey.RelyingParty {
	return must(passkey.New(passkey.Config{ID: "id.example.org", Name: "Gatehouse", Timeout: accounts.CeremonyTTL,
		AllowsOrigin: func(origin string) bool { return origin == passkeyOrigin }}))
}

// byHardware and bySoftware are what passkeys prove.
const (
	byHardware = token.HardwareKey | token.UserPresence | token.MultiFactor
	bySoftware = token.SoftwareKey | token.UserPresence | token.MultiFactor
)

// created is a passkey that was made for an account and not added yet.
func (h *fixture) created(v *viewer.Viewer) (*passkeytest.Passkey, any) {
	h.t.Helper()
	return passkeytest.Create(h.t, passkeyOrigin, must(h.StartPasskey(h.t.Context(), v)).Options)
}

// addPasskey gives an account a passkey, and returns it as its authenticator and as the account has it.
func (h *fixture) addPasskey(v *viewer.Viewer) (*passkeytest.Passkey, *accounts.AddPasskeyPayload) {
	h.t.Helper()
	key, response := h.created(v)
	p := must(h.AddPasskey(h.t.Context(), v, accounts.AddPasskeyInput{Response: response, Name: ptr("a phone")}))
	for _, code := range p.RecoveryCodes {
		h.note(code)
	}
	return key, p
}

// options are those by which a viewer uses a passkey.
func (h *fixture) options(v *viewer.Viewer) any {
	h.t.Helper()
	return must(h.StartPasskeyLogin(h.t.Context(), v)).Options
}

func (h *fixture) passkeyLogin(response any) (*accounts.AuthPayload, error) {
	return h.note("")(h.PasskeyLogin(h.t.Context(), anonymous, accounts.PasskeyLoginInput{Response: response}))
}

func (h *fixture) completeByPasskey(challenge string, response any) (*accounts.AuthPayload, error) {
	return h.completeWith(anonymous, accounts.CompleteLoginInput{Challenge: challenge, Passkey: response})
}

func (h *fixture) reauthenticateByPasskey(v *viewer.Viewer, response any) (*accounts.AuthPayload, error) {
	return h.Reauthenticate(h.t.Context(), v, accounts.ReauthenticateInput{Passkey: response})
}

// wantPasskeyRefused wants INVALID_CREDENTIALS, whose reason makes browsers delete a passkey.
func wantPasskeyRefused(t *testing.T, what, reason string, err error) {
	t.Helper()
	testenv.Equal(t, reason, wantProblem(t, what, err, problem.InvalidCredentials, "").Reason, "%s: the reason", what)
}

func TestPasskeyLogin_IsTwoFactorsInOne(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		key, added := h.addPasskey(p.Viewer)
		testenv.Equal(t, 10, len(added.RecoveryCodes), "recovery codes with the first factor")
		testenv.Equal(t, "a phone", *added.Factor.Name, "its name")
		testenv.Equal(t, "PASSKEY RECOVERY_CODES", h.kindsOfFactors(p.User), "factors")
		testenv.Equal(t, token.Password|byHardware, h.caller(p).AMR, "the session that has made it")

		response := key.Use(h.options(anonymous))
		in := h.must(h.passkeyLogin(response))
		h.wantAMR("a passkey", byHardware, in)
		wantRefused(t, "the same again", "used", errOf(h.passkeyLogin(response)))
		wantRefused(t, "the same options again", "used", errOf(h.passkeyLogin(response)))
		h.asked(h.login(ada, goodPassword))

		h.clock.move(accounts.CeremonyTTL)
		late := h.options(anonymous)
		h.clock.move(accounts.CeremonyTTL)
		wantRefused(t, "options that have expired", "expired", errOf(h.passkeyLogin(key.Use(late))))
		h.must(h.passkeyLogin(key.Use(h.options(anonymous))))
		for _, response := range []any{nil, "", map[string]any{}, []any{1}} {
			wantProblem(t, "no response", errOf(h.passkeyLogin(response)), problem.BadUserInput, "response")
		}
		wantRefused(t, "options that nobody made", "unknown",
			errOf(h.passkeyLogin(key.Use(map[string]any{"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}))))
		wantEqual(t, "last use", true, must(h.Factors(t.Context(), p.User))[0].(*accounts.Passkey).LastUsedAt != nil)
	})
}

// TestPasskeyLogin_OfASynchronizedPasskey proves a key that can leave its device. That it can does not change.
func TestPasskeyLogin_OfASynchronizedPasskey(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		options := must(h.StartPasskey(t.Context(), p.Viewer)).Options
		key, _ := passkeytest.Create(t, passkeyOrigin, options)
		key.Flags |= passkeytest.BackupEligible | passkeytest.BackedUp
		must(h.AddPasskey(t.Context(), p.Viewer, accounts.AddPasskeyInput{Response: key.Created(options)}))
		h.wantAMR("a synchronized passkey", bySoftware, h.must(h.passkeyLogin(key.Use(h.options(anonymous)))))
		key.Flags &^= passkeytest.BackedUp
		for range 2 { // the flag is stored with the first
			h.wantAMR("one that is on no other device now", bySoftware, h.must(h.passkeyLogin(key.Use(h.options(anonymous)))))
		}
		wantEqual(t, "backed up", false, must(h.Factors(t.Context(), p.User))[0].(*accounts.Passkey).BackedUp)
		key.Flags &^= passkeytest.BackupEligible
		wantPasskeyRefused(t, "not synchronized", "", errOf(h.passkeyLogin(key.Use(h.options(anonymous)))))
	})
}

// TestPasskey_CompletesASignInAndProvesAgain, for the account and the session that it belongs to.
func TestPasskey_CompletesASignInAndProvesAgain(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p, other := h.must(h.register(ada, goodPassword)), h.must(h.register("bob@example.com", goodPassword))
		key, _ := h.addPasskey(p.Viewer)
		bobs, _ := h.addPasskey(other.Viewer)
		challenge := h.asked(h.login(ada, goodPassword))
		wantPasskeyRefused(t, "another's passkey", "", errOf(h.completeByPasskey(challenge, bobs.Use(h.options(anonymous)))))
		response := key.Use(h.options(anonymous))
		h.wantAMR("password and passkey", token.Password|byHardware, h.must(h.completeByPasskey(challenge, response)))
		wantRefused(t, "the challenge again", "used", errOf(h.completeByPasskey(challenge, key.Use(h.options(anonymous)))))
		again := h.asked(h.login(ada, goodPassword))
		wantRefused(t, "the options again", "used", errOf(h.completeByPasskey(again, response)))
		in := accounts.CompleteLoginInput{Challenge: again, Code: ptr("123456"), Passkey: response}
		wantProblem(t, "two proofs", errOf(h.completeWith(anonymous, in)), problem.BadUserInput, "passkey")

		v, second := h.caller(p), h.must(h.passkeyLogin(key.Use(h.options(anonymous))))
		h.clock.move(time.Minute)
		ofSession := h.options(v)
		wantRefused(t, "in another session", "unknown", errOf(h.reauthenticateByPasskey(second.Viewer, key.Use(ofSession))))
		wantRefused(t, "without session", "unknown", errOf(h.passkeyLogin(key.Use(ofSession))))
		wantRefused(t, "options of nobody", "unknown", errOf(h.reauthenticateByPasskey(v, key.Use(h.options(anonymous)))))
		wantPasskeyRefused(t, "another's passkey", "", errOf(h.reauthenticateByPasskey(v, bobs.Use(h.options(v)))))
		proved := h.must(h.reauthenticateByPasskey(v, key.Use(ofSession)))
		wantEqual(t, "auth_time", h.clock.Now().UTC().Truncate(time.Microsecond), proved.Viewer.AuthTime)
		testenv.Equal(t, 1, h.count(accounts.Reauthenticated), "events")
		wantProblem(t, "without passkeys", errOf(h.StartPasskeyLogin(t.Context(), h.must(h.register("eve@example.com", goodPassword)).Viewer)),
			problem.NotFound, "")
	})
}

// TestPasskeyLogin_ACopyIsRefusedAndTold, only when the signature holds.
func TestPasskeyLogin_ACopyIsRefusedAndTold(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		h.exec("UPDATE users SET email_verified = true")
		key, _ := h.addPasskey(p.Viewer)
		for range 3 {
			h.must(h.passkeyLogin(key.Use(h.options(anonymous))))
		}
		h.notices()
		sessions, original := h.rows("sessions"), *key
		key.Count = 1
		wantPasskeyRefused(t, "a copy", "", errOf(h.passkeyLogin(key.Use(h.options(anonymous)))))
		testenv.Equal(t, "passkey_cloned", kindsOf(h.notices()), "notices")
		testenv.Equal(t, 1, h.count(accounts.PasskeyCloned), "events")
		testenv.Equal(t, sessions, h.rows("sessions"), "sessions")
		h.must(h.passkeyLogin(original.Use(h.options(anonymous)))) // which has gone on
		forged, _ := passkeytest.Create(t, passkeyOrigin, map[string]any{})
		forged.ID, forged.Handle, forged.RPID = key.ID, key.Handle, key.RPID
		wantPasskeyRefused(t, "another key", "", errOf(h.passkeyLogin(forged.Use(h.options(anonymous)))))
		testenv.Equal(t, 1, h.count(accounts.PasskeyCloned), "events, of which nobody can make more")
	})
}

// passkeyEnds end what opened an account; afterwards a passkey alone opens it no more, and beside the password it does.
var passkeyEnds = map[string]struct {
	end   func(h *fixture, p *accounts.AuthPayload) string // and returns the password
	alone bool
}{
	"nothing": {func(*fixture, *accounts.AuthPayload) string { return goodPassword }, true},
	"changePassword": {func(h *fixture, p *accounts.AuthPayload) string {
		h.must(h.changePassword(h.caller(p), goodPassword, otherPassword))
		return otherPassword
	}, true},
	"resetPassword": {func(h *fixture, p *accounts.AuthPayload) string {
		h.exec(provesEmail)
		h.asked(h.resetPassword(h.resetLink(ada), otherPassword))
		return otherPassword
	}, false},
	"admin reset": {func(h *fixture, p *accounts.AuthPayload) string {
		must(h.ResetAccount(h.t.Context(), p.User, otherPassword, false))
		return otherPassword
	}, false},
	"endSessions": {func(h *fixture, p *accounts.AuthPayload) string {
		must(h.EndUserSessions(h.t.Context(), h.root(), p.User.ID))
		return goodPassword
	}, true},
	"deleteAccount, reinstateUser": {func(h *fixture, p *accounts.AuthPayload) string {
		must(h.instance(func(c *accounts.Config) { c.DeletionGrace = time.Hour }).DeleteAccount(h.t.Context(), h.caller(p)))
		must(h.ReinstateUser(h.t.Context(), h.root(), p.User.ID))
		return goodPassword
	}, false},
	"suspendUser, reinstateUser": {func(h *fixture, p *accounts.AuthPayload) string {
		must(h.SuspendUser(h.t.Context(), h.root(), p.User.ID))
		must(h.ReinstateUser(h.t.Context(), h.root(), p.User.ID))
		return goodPassword
	}, false},
}

func TestPasskeyLogin_EndsWithWhatOpenedTheAccount(t *testing.T) {
	for name, c := range passkeyEnds {
		t.Run(name, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, h *fixture) {
				p := h.must(h.register(ada, goodPassword))
				key, _ := h.addPasskey(p.Viewer)
				pw := c.end(h, p)
				in, err := h.passkeyLogin(key.Use(h.options(anonymous)))
				if c.alone {
					h.wantAMR("alone", byHardware, h.must(in, err))
					return
				}
				wantPasskeyRefused(t, "alone", "", err)
				h.must(h.completeByPasskey(h.asked(h.login(ada, pw)), key.Use(h.options(anonymous))))
				h.must(h.passkeyLogin(key.Use(h.options(anonymous))))
			})
		})
	}
}

// TestPasskeyLogin_OfAClosedAccount is refused, and its passkey is not one to be deleted.
func TestPasskeyLogin_OfAClosedAccount(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		key, added := h.addPasskey(p.Viewer)
		must(h.SuspendUser(t.Context(), h.root(), p.User.ID))
		wantPasskeyRefused(t, "suspended", "", errOf(h.passkeyLogin(key.Use(h.options(anonymous)))))
		must(h.ReinstateUser(t.Context(), h.root(), p.User.ID))
		in := h.must(h.completeByPasskey(h.asked(h.login(ada, goodPassword)), key.Use(h.options(anonymous))))
		must(h.RemoveFactor(t.Context(), h.caller(in), added.Factor.ID))
		wantPasskeyRefused(t, "removed", "unknown", errOf(h.passkeyLogin(key.Use(h.options(anonymous)))))
		testenv.Equal(t, 0, h.rows("passkeys")+h.rows("recovery_codes"), "rows of factors")
		h.must(h.login(ada, goodPassword))
	})
}

func TestAddPasskey_IsForTheSessionThatBegan(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		second, other := h.must(h.login(ada, goodPassword)), h.must(h.register("bob@example.com", goodPassword))
		add := func(v *viewer.Viewer, response any) error {
			return errOf(h.AddPasskey(t.Context(), v, accounts.AddPasskeyInput{Response: response}))
		}
		_, response := h.created(p.Viewer)
		wantRefused(t, "another session", "unknown", add(second.Viewer, response))
		wantRefused(t, "another user", "unknown", add(other.Viewer, response))
		check(t, add(p.Viewer, response))
		v := h.caller(p)
		wantRefused(t, "again", "used", add(v, response))
		_, before := h.created(v)
		key, newest := h.created(v)
		wantRefused(t, "options that others have replaced", "expired", add(v, before))
		key.Origin = "https://evil.example"
		wantProblem(t, "a name of no character", errOf(h.AddPasskey(t.Context(), v,
			accounts.AddPasskeyInput{Response: newest, Name: ptr("")})), problem.BadUserInput, "name")
		check(t, add(v, newest))
		evil, _ := h.created(v)
		evil.Origin = "https://evil.example"
		options := must(h.StartPasskey(t.Context(), v)).Options
		wantPasskeyRefused(t, "a page of another site", "", add(v, evil.Created(options)))
		wantRefused(t, "the options of a refused one", "used", add(v, key.Created(options)))

		bob := h.caller(other)
		taken := must(h.StartPasskey(t.Context(), bob)).Options
		wantPasskeyRefused(t, "a passkey that an account has", "", add(bob, key.Created(taken)))
		testenv.Equal(t, "", h.kindsOfFactors(other.User), "factors of who did not add one")
		wantProblem(t, "who has proved no factor", errOf(h.StartPasskey(t.Context(), second.Viewer)),
			problem.ReauthenticationRequired, "")
	})
}

// TestStartPasskey_NamesTheAccountForEver, and the passkeys that it has, of which there are twenty at most.
func TestStartPasskey_NamesTheAccountForEver(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		first, added := h.addPasskey(p.Viewer)
		v := h.caller(p)
		must(h.RemoveFactor(t.Context(), v, added.Factor.ID))
		second, _ := h.addPasskey(h.caller(p))
		testenv.Equal(t, first.Handle, second.Handle, "how authenticators name the account")
		v = h.caller(p)
		for range 19 {
			h.addPasskey(v)
		}
		wantProblem(t, "one more", errOf(h.StartPasskey(t.Context(), v)), problem.Forbidden, "")
		none := h.instance(func(c *accounts.Config) { c.Passkeys = nil })
		wantProblem(t, "without a domain", errOf(none.StartPasskey(t.Context(), v)), problem.Forbidden, "")
		wantProblem(t, "without a domain", errOf(none.StartPasskeyLogin(t.Context(), anonymous)), problem.Forbidden, "")
	})
}

func TestRenameFactor_NamesPasskeysAlone(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p, other := h.must(h.register(ada, goodPassword)), h.must(h.register("bob@example.com", goodPassword))
		_, added := h.addPasskey(p.Viewer)
		h.addTotp(h.caller(p))
		v := h.caller(p)
		named := must(h.RenameFactor(t.Context(), v, added.Factor.ID, ptr(" a key ")))
		testenv.Equal(t, "a key", *named.Factor.Name, "its name")
		testenv.Equal(t, true, must(h.RenameFactor(t.Context(), v, added.Factor.ID, nil)).Factor.Name == nil, "no name")
		wantProblem(t, "another's", errOf(h.RenameFactor(t.Context(), other.Viewer, added.Factor.ID, nil)), problem.NotFound, "")
		app := must(h.Factors(t.Context(), p.User))[0]
		wantProblem(t, "an app", errOf(h.RenameFactor(t.Context(), v, app.NodeID(), nil)), problem.NotFound, "")
		wantProblem(t, "a wrong name", errOf(h.RenameFactor(t.Context(), v, added.Factor.ID, ptr("\n"))), problem.BadUserInput, "name")
	})
}

// TestPasskeyLogin_OfOneCeremonyOneSignIn: a hundred parallel answers to the same options, on two instances.
func TestPasskeyLogin_OfOneCeremonyOneSignIn(t *testing.T) {
	const n = 100
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		key, _ := h.addPasskey(p.Viewer)
		options := h.options(anonymous)
		responses := make([]any, n)
		for i := range responses {
			responses[i] = key.Use(options)
		}
		before := h.rows("sessions")
		instances, errs := []*fixture{h, h.instance(func(*accounts.Config) {})}, make([]error, n)
		inParallel(n, func(i int) { _, errs[i] = instances[i%2].passkeyLogin(responses[i]) })
		done := 0
		for _, err := range errs {
			if err == nil {
				done++
			} else if !problem.Is(err, problem.InvalidToken) {
				t.Errorf("%v", err)
			}
		}
		testenv.Equal(t, 1, done, "sign-ins")
		testenv.Equal(t, before+1, h.rows("sessions"), "sessions")
	})
}

// TestStartPasskeyLogin_IsThrottled by network, and by session.
func TestStartPasskeyLogin_IsThrottled(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		h.addPasskey(p.Viewer)
		for name, v := range map[string]*viewer.Viewer{"network": at("192.0.2.8"), "session": p.Viewer} {
			for range accounts.DefaultThrottle().Refresh {
				must(h.StartPasskeyLogin(t.Context(), v))
			}
			h.wait(name, nil, errOf(h.StartPasskeyLogin(t.Context(), v)))
		}
		must(h.StartPasskeyLogin(t.Context(), at("192.0.2.9")))
	})
}

// TestPasskeyLogin_IsThrottled by passkey: each sign-in costs a session.
func TestPasskeyLogin_IsThrottled(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		key, _ := h.addPasskey(h.must(h.registerAt(at("192.0.2.7"), ada)).Viewer)
		bobs, _ := h.addPasskey(h.must(h.registerAt(at("192.0.2.8"), "bob@example.com")).Viewer)
		signIn := func(v *viewer.Viewer, k *passkeytest.Passkey) (*accounts.AuthPayload, error) {
			response := k.Use(must(h.StartPasskeyLogin(t.Context(), v)).Options)
			return h.PasskeyLogin(t.Context(), v, accounts.PasskeyLoginInput{Response: response})
		}
		for range accounts.DefaultThrottle().SignIn {
			must(signIn(at("192.0.2.9"), key))
		}
		_, err := signIn(at("192.0.2.10"), key)
		h.wait("one more", nil, err)
		must(signIn(at("192.0.2.10"), bobs))
	})
}
