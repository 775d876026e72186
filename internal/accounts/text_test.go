package accounts_test

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// TestUseCases_RefuseTextThatADatabaseWouldRefuse: Postgres takes neither NUL nor what is not UTF-8, SQLite takes both.
// The same answer on each, and never an error that has no code.
func TestUseCases_RefuseTextThatADatabaseWouldRefuse(t *testing.T) {
	bad := map[string]string{
		"NUL": "\x00", "latin-1": "\xe9", "cut short": "\xf0\x9f\x94", "overlong": "\xc0\x80", "surrogate": "\xed\xa0\x80", "beyond Unicode": "\xf4\x90\x80\x80",
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		ctx, token := t.Context(), *p.RefreshToken
		for name, x := range bad {
			for i, text := range []string{x, x + "a", "a" + x, "a" + x + "a"} {
				register := func(in accounts.RegisterInput) error { return errOf(h.Register(ctx, anonymous, in)) }
				login := func(in accounts.LoginInput) error { return errOf(h.Login(ctx, anonymous, in)) }
				for _, at := range []string{text + "@example.com", "a@" + text + "example.com", ada + text, text + ada} {
					wantProblem(t, name, register(accounts.RegisterInput{Email: at, Password: goodPassword}),
						problem.BadUserInput, "email")
					wantProblem(t, name, login(accounts.LoginInput{Email: at, Password: goodPassword}),
						problem.InvalidCredentials, "")
				}
				wantProblem(t, name, register(accounts.RegisterInput{Email: "b@example.com",
					Password: goodPassword + text}), problem.BadUserInput, "password")
				wantProblem(t, name, register(accounts.RegisterInput{Email: "b@example.com", Password: goodPassword,
					Name: &text}), problem.BadUserInput, "name")
				wantProblem(t, name, login(accounts.LoginInput{Email: ada, Password: goodPassword + text}),
					problem.InvalidCredentials, "")
				wantProblem(t, name, login(accounts.LoginInput{Email: "b@example.com",
					Password: goodPassword + text}), problem.InvalidCredentials, "")
				for _, refresh := range []string{text, token + text, text + token, token[:40] + text + token[40:], token[:40] + text + token[40+len(text):]} {
					wantProblem(t, name, errOf(h.exchange(refresh)), problem.InvalidToken, "")
				}
				_, err := h.UpdateProfile(ctx, p.Viewer, accounts.ProfileChange{Name: ptr(&text)})
				wantProblem(t, name, err, problem.BadUserInput, "name")
				if i == 0 {
					h.must(h.login(ada, goodPassword)) // the twin
				}
			}
		}
		h.must(h.exchange(token))
		wantEqual(t, "accounts", 1, h.db.Client.User.Query().CountX(ctx))
	})
}
