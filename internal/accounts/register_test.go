package accounts_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

func TestRegister_CreatesAnAccountAndSignsIn(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := must(h.note(goodPassword)(h.Register(t.Context(), anonymous, accounts.RegisterInput{
			Email: " Ada@Example.COM ", Password: goodPassword, Name: ptr("  Ada e\u0301 "),
		})))
		now := startTime.Truncate(time.Microsecond)
		want := &accounts.User{
			ID: p.User.ID, Email: ada, Name: ptr("Ada \u00e9"), Roles: []accounts.Role{"USER"}, Status: "ACTIVE",
			CreatedAt: now, UpdatedAt: now,
		}
		wantEqual(t, "user", want, p.User, account)
		me := must(h.Me(t.Context(), h.caller(p)))
		wantEqual(t, "me", want, me, account)
		if p.User.ID.Version() != 7 || p.Viewer.SessionID.Version() != 7 {
			t.Errorf("ids of version %d and %d, want 7", p.User.ID.Version(), p.Viewer.SessionID.Version())
		}
		checkTokens(t, h, p, now)
	})
}

// checkTokens checks what a sign-in at a moment gives.
func checkTokens(t *testing.T, h *fixture, p *accounts.AuthPayload, now time.Time) {
	t.Helper()
	if p.TokenType != "Bearer" || p.ExpiresIn != int(accessTTL/time.Second) || p.RefreshToken == nil {
		t.Errorf("%s, %d s, refresh token %v", p.TokenType, p.ExpiresIn, p.RefreshToken != nil)
	}
	claims := must(h.access.Verify(p.AccessToken))
	second := now.Truncate(time.Second)
	want := token.Claims{
		UserID: p.User.ID, SessionID: p.Viewer.SessionID, ID: claims.ID, Roles: []string{"USER"},
		AuthenticatedAt: second, AMR: token.Password, IssuedAt: second, ExpiresAt: second.Add(accessTTL),
	}
	wantEqual(t, "claims", want, claims)
	made := &viewer.Viewer{UserID: p.User.ID, SessionID: claims.SessionID, Roles: []string{"USER"}, AuthTime: now,
		AMR: token.Password}
	wantEqual(t, "the viewer that the tokens make", made, p.Viewer, cmpopts.EquateComparable(netip.Addr{}))
	wantEqual(t, "the viewer of the access token", made, h.caller(p), cmpopts.EquateComparable(netip.Addr{}))
	row := h.db.Client.Session.GetX(t.Context(), claims.SessionID)
	if row.RefreshGeneration != 0 || !row.AuthenticatedAt.Equal(now) || !row.IdleExpiresAt.Equal(second.Add(refreshTTL)) || !row.ExpiresAt.Equal(second.Add(sessionTTL)) {
		t.Errorf("session %+v", row)
	}
}

// TestRegister_RefusesWithCodeAndField gives each bad value and, beside it, a good one that differs only there.
func TestRegister_RefusesWithCodeAndField(t *testing.T) {
	long := strings.Repeat("n", 100)
	cases := []struct {
		name, field string
		bad, good   func(in *accounts.RegisterInput)
	}{
		{"no address", "email", email("ada.example.com"), email("ada@example.com")},
		{"empty address", "email", email(""), email("e@example.com")},
		{"address of a megabyte", "email", email(strings.Repeat("a", 1<<20) + "@example.com"), email("m@example.com")},
		{"two addresses", "email", email("a@example.com,b@example.com"), email("a+b@example.com")},
		{"7 characters", "password", pass("kxq4vz!"), pass("kxq4vz!t")},
		{"129 characters", "password", pass(strings.Repeat("kxq4vz!t", 16) + "k"),
			pass(strings.Repeat("kxq4vz!t", 16))},
		{"empty password", "password", pass(""), pass("        ")},
		{"common password", "password", pass("sunshine"), pass("sunshine-of-K")},
		{"common password in capitals", "password", pass("SUNSHINE"), pass("SUNSHINE-of-K")},
		{"the address", "password", both("i@example.com", "i@example.com"), both("i@example.com", "i@example.org")},
		{"the address as typed", "password", both("I@Bücher.Example", "i@bücher.example"),
			both("i@bücher.example", "i@buecher.example")},
		{"the address folded", "password", both("Straße@Example.com", "strasse@example.com"),
			both("straße@example.com", "ztrasse@example.com")},
		{"empty name", "name", name(""), name("A")},
		{"blank name", "name", name(" \t\u00a0 "), name(" A ")},
		{"101 characters", "name", name(long + "n"), name(long)},
		{"101 wide characters", "name", name(strings.Repeat("\U0001f511", 101)),
			name(strings.Repeat("\U0001f511", 100))},
		{"name of a megabyte", "name", name(strings.Repeat("n", 1<<20)), name("n")},
		{"line break", "name", name("Ada\nLovelace"), name("Ada Lovelace")},
		{"line separator", "name", name("Ada\u2028Lovelace"), name("Ada\u00a0Lovelace")},
		{"paragraph separator", "name", name("Ada\u2029Lovelace"), name("Ada\u2003Lovelace")},
		{"escape", "name", name("\x1b[31mAda"), name("[31mAda")},
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for i, c := range cases {
			in := accounts.RegisterInput{Email: fmt.Sprintf("u%d@example.com", i), Password: goodPassword}
			bad, good := in, in
			c.bad(&bad)
			c.good(&good)
			_, err := h.note(bad.Password)(h.Register(t.Context(), anonymous, bad))
			wantProblem(t, c.name, err, problem.BadUserInput, c.field)
			if _, err := h.note(good.Password)(h.Register(t.Context(), anonymous, good)); err != nil {
				t.Errorf("the twin of %s: %v", c.name, err)
			}
		}
		testenv.Equal(t, len(cases), h.db.Client.User.Query().CountX(t.Context()), "accounts, one for each twin")
	})
}

func email(text string) func(*accounts.RegisterInput) {
	return func(in *accounts.RegisterInput) { in.Email = text }
}

func pass(text string) func(*accounts.RegisterInput) {
	return func(in *accounts.RegisterInput) { in.Password = text }
}

func name(text string) func(*accounts.RegisterInput) {
	return func(in *accounts.RegisterInput) { in.Name = &text }
}

func both(email, pw string) func(*accounts.RegisterInput) {
	return func(in *accounts.RegisterInput) { in.Email, in.Password = email, pw }
}

func TestRegister_AddressIsTakenInEverySpelling(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		first := h.must(h.register("Änne@Bücher.example", goodPassword))
		for _, spelling := range []string{
			"änne@bücher.example", " ÄNNE@BÜCHER.EXAMPLE\n", "a\u0308nne@bu\u0308cher.example", "änne@xn--bcher-kva.example",
			"änne@ＢÜＣＨＥＲ．example", "änne@bücher。example",
		} {
			wantProblem(t, spelling, errOf(h.register(spelling, otherPassword)), problem.EmailTaken, "")
			p := h.must(h.login(spelling, goodPassword))
			testenv.Equal(t, first.User.ID, p.User.ID, "the account of %q", spelling)
		}
		if other := h.must(h.register("anne@bücher.example", otherPassword)); other.User.ID == first.User.ID {
			t.Error("another address got the same account")
		}
	})
}

// TestRegister_OneOfParallelRegistrationsWins: the unique index decides, and nobody sees anything else. Half
// of them hesitate before they write, so that a check before the write is too late.
func TestRegister_OneOfParallelRegistrationsWins(t *testing.T) {
	spellings := []string{"straße@bücher.example", "STRASSE@BÜCHER.EXAMPLE", "Stra\u1e9ee@xn--bcher-kva.example",
		" strasse@bu\u0308cher.example", "\u017ftra\u017f\u017fe@bücher.example"}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		const n = 50
		slow, m := h.metered()
		m.before = func(_ int, statement string) error {
			if strings.HasPrefix(statement, "INSERT") && strings.Contains(statement, "users") {
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}
		payloads, errs := make([]*accounts.AuthPayload, n), make([]error, n)
		inParallel(n, func(i int) {
			payloads[i], errs[i] = []*fixture{h, slow}[i%2].register(spellings[i%len(spellings)],
				fmt.Sprintf("%s-%d", goodPassword, i))
		})
		won := -1
		for i, err := range errs {
			switch {
			case err != nil:
				wantProblem(t, "one that lost", err, problem.EmailTaken, "")
			case won >= 0:
				t.Error("two won")
			default:
				won = i
			}
		}
		if won < 0 {
			t.Fatal("none won")
		}
		wantEqual(t, "accounts", 1, h.db.Client.User.Query().CountX(t.Context()))
		wantEqual(t, "sessions", 1, h.db.Client.Session.Query().CountX(t.Context()))
		h.wantActive("the winner", payloads[won])
		h.must(h.login(spellings[0], fmt.Sprintf("%s-%d", goodPassword, won)))
	})
}

// TestRegister_IDsAreNeverReused: a deleted account's tokens are not those of who comes after it.
func TestRegister_IDsAreNeverReused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		first := h.must(h.register(ada, goodPassword))
		h.db.Client.User.DeleteOneID(first.User.ID).ExecX(t.Context())
		second := h.must(h.register(ada, goodPassword))
		if first.User.ID == second.User.ID || first.User.ID == uuid.Nil {
			t.Error("the id was given again")
		}
		h.wantRevoked("the deleted account", first)
		h.wantActive("the new account", second)
	})
}
