package accounts_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/passkey/passkeytest"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

func (h *fixture) addResponse(v *viewer.Viewer, response any) error {
	return errOf(h.AddPasskey(h.t.Context(), v, accounts.AddPasskeyInput{Response: response}))
}

// pendingCeremonies counts the challenges of a user's sessions that passkeys may answer.
func (h *fixture) pendingCeremonies(of *accounts.User) int {
	return h.db.Client.OneTimeToken.Query().Where(onetimetoken.UserID(of.ID), onetimetoken.UsedAtIsNil(),
		onetimetoken.PurposeIn(string(token.AddPasskey), string(token.UsePasskey)),
		onetimetoken.ExpiresAtGT(h.clock.Now())).CountX(h.t.Context())
}

// TestPasskeyCeremonies_EndWithEachRecovery: a thief of a session who waits with options has nothing of them afterwards,
// neither in that session nor in the database.
func TestPasskeyCeremonies_EndWithEachRecovery(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.root()
		n := 0
		waiting := func() (p *accounts.AuthPayload, added, used any) {
			n++
			p = h.thief(n)
			key, addedOptions := passkeytest.Create(t, passkeyOrigin, must(h.StartPasskey(t.Context(), p.Viewer)).Options)
			check(t, h.addResponse(p.Viewer, addedOptions))
			v := h.caller(p)
			_, added = h.created(v)
			used = key.Use(h.options(v))
			testenv.Equal(t, 2, h.pendingCeremonies(p.User), "ceremonies that have begun")
			h.exec("UPDATE users SET factor_generation = 0") // so that the recoveries need no factor
			return p, added, used
		}
		for name, recover := range recoveries {
			p, added, used := waiting()
			recover(h, p)
			wantProblem(t, name+": addPasskey", h.addResponse(p.Viewer, added), problem.Unauthenticated, "")
			wantProblem(t, name+": reauthenticate", errOf(h.reauthenticateByPasskey(p.Viewer, used)), problem.Unauthenticated, "")
			if got := h.pendingCeremonies(p.User); got != 0 {
				t.Errorf("%s: %d ceremonies go on", name, got)
			}
		}
		p, added, used := waiting()
		h.must(h.reauthenticateByPasskey(h.caller(p), used))
		check(t, h.addResponse(h.caller(p), added))
	})
}

// TestPasskeys_WithoutUserVerificationAreRefused everywhere: such a one proves possession alone, as a code of an app does.
func TestPasskeys_WithoutUserVerificationAreRefused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		key, _ := h.addPasskey(p.Viewer)
		v, challenge := h.caller(p), h.asked(h.login(ada, goodPassword))
		for _, verified := range []bool{false, true} {
			creation := must(h.StartPasskey(t.Context(), v)).Options
			made, _ := passkeytest.Create(t, passkeyOrigin, creation)
			if key.Flags |= passkeytest.UserVerified; !verified {
				key.Flags &^= passkeytest.UserVerified
				made.Flags &^= passkeytest.UserVerified
			}
			for name, err := range map[string]error{
				"passkeyLogin":   errOf(h.passkeyLogin(key.Use(h.options(anonymous)))),
				"completeLogin":  errOf(h.completeByPasskey(challenge, key.Use(h.options(anonymous)))),
				"reauthenticate": errOf(h.reauthenticateByPasskey(v, key.Use(h.options(v)))),
				"addPasskey":     h.addResponse(v, made.Created(creation)),
			} {
				if verified {
					check(t, err)
				} else {
					wantPasskeyRefused(t, name, "", err)
				}
			}
		}
	})
}

// TestPasskeys_OfAnotherAreRefused in each place, whatever a response says that its signature does not cover: the id of the
// passkey, and whose it is.
func TestPasskeys_OfAnotherAreRefused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p, other := h.must(h.register(ada, goodPassword)), h.must(h.register("bob@example.com", goodPassword))
		key, _ := h.addPasskey(p.Viewer)
		bobs, _ := h.addPasskey(other.Viewer)
		v := h.caller(p)
		uses := map[string]func(*passkeytest.Passkey) (*accounts.AuthPayload, error){
			"passkeyLogin": func(k *passkeytest.Passkey) (*accounts.AuthPayload, error) {
				return h.passkeyLogin(k.Use(h.options(anonymous)))
			},
			"completeLogin": func(k *passkeytest.Passkey) (*accounts.AuthPayload, error) {
				return h.completeByPasskey(h.asked(h.login(ada, goodPassword)), k.Use(h.options(anonymous)))
			},
			"reauthenticate": func(k *passkeytest.Passkey) (*accounts.AuthPayload, error) {
				return h.reauthenticateByPasskey(v, k.Use(h.options(v)))
			},
		}
		for _, name := range slices.Sorted(maps.Keys(uses)) {
			for _, id := range [][]byte{bobs.ID, key.ID} {
				for _, handle := range []string{bobs.Handle, key.Handle, ""} {
					sent := *bobs
					sent.ID, sent.Handle = id, handle
					if name == "passkeyLogin" && handle == bobs.Handle && slices.Equal(id, bobs.ID) {
						continue // bob signs in
					}
					wantPasskeyRefused(t, fmt.Sprintf("%s: id %.4x, handle %.4q", name, id, handle), "", errOf(uses[name](&sent)))
				}
			}
			for _, handle := range []string{key.Handle, ""} { // the controls
				sent := *key
				sent.Handle = handle
				in, err := uses[name](&sent)
				key.Count = sent.Count
				if handle == "" && name == "passkeyLogin" {
					wantPasskeyRefused(t, "passkeyLogin of nobody", "", err)
					continue
				}
				testenv.Equal(t, p.User.ID, h.must(in, err).User.ID, "%s: who it is", name)
			}
		}
	})
}

// TestResetPassword_TakesAStrangersPasskeyAway, as it does an app of theirs.
func TestResetPassword_TakesAStrangersPasskeyAway(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		key, _ := h.addPasskey(p.Viewer)
		own := h.must(h.resetPassword(h.resetLink(ada), otherPassword))
		testenv.Equal(t, "", h.kindsOfFactors(own.User), "factors")
		testenv.Equal(t, 0, h.rows("passkeys"), "passkeys")
		wantPasskeyRefused(t, "the passkey", "unknown", errOf(h.passkeyLogin(key.Use(h.options(anonymous)))))
		h.must(h.login(ada, otherPassword))
	})
}

// useOf is where a one-time token of a purpose is used up. One without a row of its own here has a test that fails.
var useOf = map[token.OneTimePurpose]func(h *fixture, v *viewer.Viewer, key *passkeytest.Passkey, text string) error{
	token.VerifyEmail: func(h *fixture, v *viewer.Viewer, _ *passkeytest.Passkey, text string) error {
		return h.verifyEmail(v, accounts.VerifyEmailInput{Token: &text})
	},
	token.ResetAccess: func(h *fixture, _ *viewer.Viewer, _ *passkeytest.Passkey, text string) error {
		return errOf(h.resetPassword(text, otherPassword))
	},
	token.ChangeEmail: func(h *fixture, v *viewer.Viewer, _ *passkeytest.Passkey, text string) error {
		return errOf(h.ConfirmEmailChange(h.t.Context(), v, accounts.ConfirmEmailChangeInput{Token: &text}))
	},
	token.UndoEmail: func(h *fixture, _ *viewer.Viewer, _ *passkeytest.Passkey, text string) error {
		return h.revertChange(text)
	},
	token.SecureAccount: func(h *fixture, _ *viewer.Viewer, _ *passkeytest.Passkey, text string) error {
		return h.secure(text)
	},
	token.Invitation: func(h *fixture, _ *viewer.Viewer, _ *passkeytest.Passkey, text string) error {
		return errOf(h.AcceptInvitation(h.t.Context(), anonymous,
			accounts.AcceptInvitationInput{Token: text, Password: otherPassword}))
	},
	token.Registration: func(h *fixture, _ *viewer.Viewer, _ *passkeytest.Passkey, text string) error {
		return h.verifyEmail(anonymous, accounts.VerifyEmailInput{Token: &text})
	},
	token.Export: func(h *fixture, v *viewer.Viewer, _ *passkeytest.Passkey, text string) error {
		return errOf(h.downloadAs(v, text))
	},
	token.SecondFactor: func(h *fixture, _ *viewer.Viewer, key *passkeytest.Passkey, text string) error {
		return errOf(h.completeByPasskey(text, key.Use(h.options(anonymous))))
	},
	token.AddPasskey: func(h *fixture, v *viewer.Viewer, key *passkeytest.Passkey, text string) error {
		made, _ := passkeytest.Create(h.t, passkeyOrigin, map[string]any{"challenge": text})
		made.RPID, made.Handle = key.RPID, key.Handle
		return h.addResponse(v, made.Created(map[string]any{"challenge": text}))
	},
	token.UsePasskey: func(h *fixture, v *viewer.Viewer, key *passkeytest.Passkey, text string) error {
		return errOf(h.reauthenticateByPasskey(v, key.Use(map[string]any{"challenge": text})))
	},
}

// TestOneTimeTokens_OfNoPurposeStandForAnother: each kind of token, with a row that could be used now, in each place where
// one is used, refused as unknown, and so is its text in a database whose row says another purpose.
func TestOneTimeTokens_OfNoPurposeStandForAnother(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		key, _ := h.addPasskey(p.Viewer)
		v := h.caller(p)
		issue := func(purpose token.OneTimePurpose) string {
			id := must(uuid.NewV7())
			o := must(h.config.OneTime.New(purpose, p.User.ID, id))
			create := h.db.Client.OneTimeToken.Create().SetID(id).SetUserID(p.User.ID).SetPurpose(string(purpose)).
				SetDigest(o.Digest()).SetAddress(ada).SetCreatedAt(h.clock.Now()).SetExpiresAt(h.clock.Now().Add(time.Minute)).
				SetSessionID(v.SessionID).SetCredentialGeneration(0).SetAmr(token.Password.String())
			check(t, create.Exec(t.Context()))
			return o.Text()
		}
		for _, purpose := range token.OneTimePurposes() {
			use := useOf[purpose]
			if use == nil {
				t.Fatalf("%s: say in useOf where it is used", purpose)
			}
			for _, other := range token.OneTimePurposes() {
				if mails := []token.OneTimePurpose{token.VerifyEmail, token.Registration}; other == purpose ||
					slices.Contains(mails, other) && slices.Contains(mails, purpose) { // verifyEmail takes both
					continue
				}
				wantRefused(t, fmt.Sprintf("%s as %s", other, purpose), "unknown", use(h, v, key, issue(other)))
			}
		}
		for _, purpose := range []token.OneTimePurpose{token.SecondFactor, token.AddPasskey, token.UsePasskey} { // the controls
			check(t, useOf[purpose](h, v, key, issue(purpose)))
			text := issue(purpose)
			h.exec("UPDATE one_time_tokens SET purpose = 'export' WHERE used_at IS NULL")
			wantRefused(t, string(purpose)+", in a row of another purpose", "unknown", useOf[purpose](h, v, key, text))
		}
	})
}

// ceremonyRaces are what a hundred parallel calls do with one ceremony. Each returns a call, and says what there may be
// one of.
var ceremonyRaces = map[string]func(h *fixture, p *accounts.AuthPayload, key *passkeytest.Passkey) (
	call func(at *fixture, i int) error, rows string,
){
	"addPasskey": func(h *fixture, p *accounts.AuthPayload, _ *passkeytest.Passkey) (func(*fixture, int) error, string) {
		v := h.caller(p)
		options := must(h.StartPasskey(h.t.Context(), v)).Options
		responses := make([]any, racers) // of a hundred authenticators
		for i := range responses {
			_, responses[i] = passkeytest.Create(h.t, passkeyOrigin, options)
		}
		return func(at *fixture, i int) error {
			return errOf(at.AddPasskey(h.t.Context(), v, accounts.AddPasskeyInput{Response: responses[i]}))
		}, "passkeys"
	},
	"completeLogin": func(h *fixture, p *accounts.AuthPayload, key *passkeytest.Passkey) (func(*fixture, int) error, string) {
		options, responses, challenges := h.options(anonymous), make([]any, racers), make([]string, racers)
		for i := range responses {
			responses[i], challenges[i] = key.Use(options), h.asked(h.login(ada, goodPassword))
		}
		return func(at *fixture, i int) error { return errOf(at.completeByPasskey(challenges[i], responses[i])) }, "sessions"
	},
	"reauthenticate": func(h *fixture, p *accounts.AuthPayload, key *passkeytest.Passkey) (func(*fixture, int) error, string) {
		v := h.caller(p)
		options, responses := h.options(v), make([]any, racers)
		for i := range responses {
			responses[i] = key.Use(options)
		}
		return func(at *fixture, i int) error { return errOf(at.reauthenticateByPasskey(v, responses[i])) },
			"one_time_tokens WHERE purpose = 'use-passkey' AND used_at IS NOT NULL"
	},
}

const racers = 100

// TestPasskeyCeremonies_OneOfAHundredParallelAnswersCounts, on two instances: what they answer is used up by one of them.
func TestPasskeyCeremonies_OneOfAHundredParallelAnswersCounts(t *testing.T) {
	for name, race := range ceremonyRaces {
		t.Run(name, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, h *fixture) {
				p := h.must(h.register(ada, goodPassword))
				key, _ := h.addPasskey(p.Viewer)
				call, counted := race(h, p, key)
				before, errs := h.rows(counted), make([]error, racers)
				instances := []*fixture{h, h.instance(func(*accounts.Config) {})}
				inParallel(racers, func(i int) { errs[i] = call(instances[i%2], i) })
				done := 0
				for _, err := range errs {
					if err == nil {
						done++
					} else if !problem.Is(err, problem.InvalidToken) {
						t.Errorf("%v", err)
					}
				}
				testenv.Equal(t, 1, done, "that succeeded")
				testenv.Equal(t, before+1, h.rows(counted), counted)
			})
		})
	}
}

// TestChangePassword_BringsNoOldPasskeyBack: one that must be used beside the password first must so afterwards.
func TestChangePassword_BringsNoOldPasskeyBack(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		old, _ := h.addPasskey(p.Viewer)
		other, _ := h.addPasskey(h.caller(p))
		must(h.ResetAccount(t.Context(), p.User, otherPassword, false))
		in := h.must(h.completeByPasskey(h.asked(h.login(ada, otherPassword)), other.Use(h.options(anonymous))))
		h.must(h.changePassword(in.Viewer, otherPassword, goodPassword))
		wantPasskeyRefused(t, "the old one", "", errOf(h.passkeyLogin(old.Use(h.options(anonymous)))))
		h.must(h.passkeyLogin(other.Use(h.options(anonymous))))
	})
}

// onePending is the newest challenge of a purpose.
func (h *fixture) onePending(purpose token.OneTimePurpose) *ent.OneTimeToken {
	return h.db.Client.OneTimeToken.Query().Where(onetimetoken.Purpose(string(purpose))).
		Order(ent.Desc(onetimetoken.FieldID)).FirstX(h.t.Context())
}

// TestStartPasskeyLogin_OfNobodyNamesNobody: its row has no account and no session, and goes when it has expired.
func TestStartPasskeyLogin_OfNobodyNamesNobody(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.options(anonymous)
		row := h.onePending(token.UsePasskey)
		testenv.Equal(t, row.ID, row.UserID, "its user")
		testenv.Equal(t, true, row.SessionID == nil && row.Address == "", "no session, no address")
		h.clock.move(accounts.CeremonyTTL + 25*time.Hour)
		check(t, h.DeleteOldOneTimeTokens(t.Context()))
		testenv.Equal(t, 0, h.rows("one_time_tokens"), "rows")
	})
}
