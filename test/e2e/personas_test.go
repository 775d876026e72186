package e2e

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// persona is a kind of caller, and what a naive reader of the rules must know of it.
type persona struct {
	name   string
	token  func() string // a new one each time where something is granted, which is carried out and may end a session
	reason string        // why the caller is anonymous; "" for one who is signed in
	roles  []string
	stale  bool
	scope  string // restricts the token; " " is no scope at all
}

// isProgram reports whether the token is a personal access token.
func (p persona) isProgram() bool { return strings.Contains(p.name, "program") }

// personas is a running server whose key the test has, and an administrator.
type personas struct {
	*servertest.Process
	t   *testing.T
	key *servertest.SigningKey
	db  *sql.DB
}

func newPersonas(t *testing.T, databaseURL string, more ...string) *personas {
	t.Helper()
	key := servertest.NewSigningKey(t)
	environment := append(more, "GATEHOUSE_DATABASE_URL="+databaseURL, key.Setting)
	s := &personas{servertest.Start(t, environment...), t, key, nil}
	s.CreateAdmin()
	s.db = servertest.OpenDB(t, databaseURL)
	return s
}

func (s *personas) all() []persona {
	user := func() string { return s.Register().Access }
	after := func(operation string) func() string {
		return func() string {
			token := user()
			s.Must(token, operation)
			return token
		}
	}
	suspended := func() string {
		a := s.Register()
		s.Must(s.Admin(), `mutation { suspendUser(id: "`+a.ID+`") { user { id } } }`)
		return a.Access
	}
	remade := func(how string, token func() string) func() string {
		return func() string { return s.key.MustRemake(s.t, token(), how) }
	}
	one := sync.OnceValue[string] // of who is nobody, or a program: nothing is carried out for them that ends a token
	longAgo := func(token func() string) func() string {
		return func() string {
			made := token()
			ageSession(s.t, s.db, made)
			return made
		}
	}
	all := []persona{
		{name: "anonymous", token: func() string { return "" }, reason: "missing"},
		{name: "a forger", token: one(remade("forged", user)), reason: "invalid"},
		{name: "a late user", token: one(remade("expired", user)), reason: "expired"},
		{name: "a user who logged out", token: one(after("mutation { logout { success } }")), reason: "revoked"},
		{name: "a suspended user", token: one(suspended), reason: "revoked"},
		{name: "a deleted user", token: one(after("mutation { deleteAccount { success } }")), reason: "revoked"},
		{name: "a user", token: user, roles: []string{"USER"}},
		{name: "a user of long ago", token: longAgo(user), roles: []string{"USER"}, stale: true},
		{name: "an administrator", token: s.Admin, roles: []string{"ADMIN", "USER"}},
		{name: "an administrator of long ago", token: longAgo(s.Admin), roles: []string{"ADMIN", "USER"},
			stale: true},
		{name: "a user who claims to be an administrator", token: func() string { return s.claimAdmin(user()) },
			roles: []string{"USER"}},
		{name: "an administrator's token with a scope", token: s.scopedAdmin, roles: []string{"ADMIN", "USER"},
			scope: "read"},
	}
	for _, scope := range append(accounts.Scopes(), " ") {
		all = append(all,
			persona{name: "a user's program with " + string(scope), token: one(func() string { return s.program(user(), scope) }),
				roles: []string{"USER"}, scope: string(scope), stale: true},
			persona{name: "an administrator's program with " + string(scope), token: one(func() string { return s.program(s.otherAdmin(), scope) }),
				roles: []string{"ADMIN", "USER"}, scope: string(scope), stale: true})
	}
	return all
}

// otherAdmin signs another administrator in, whom no persona signs out.
func (s *personas) otherAdmin() string {
	s.t.Helper()
	a := s.Register()
	servertest.Exec(s.t, s.db, `UPDATE users SET roles = '["ADMIN","USER"]' WHERE id = '`+a.ID+`'`)
	return a.Access
}

// program makes a personal access token with a scope; " " takes its scope away, which no mutation does.
func (s *personas) program(access string, scope accounts.Scope) string {
	s.t.Helper()
	if scope != " " {
		return s.AccessToken(access, string(scope))
	}
	made := s.AccessToken(access, "account:read")
	servertest.Exec(s.t, s.db, fmt.Sprintf("UPDATE access_tokens SET scopes = '' WHERE session_id = '%s'", claimOf(s.t, access, "sid")))
	return made
}

// ageSession lets it be an hour ago that a token's session proved the password, before the token is used.
func ageSession(t *testing.T, db *sql.DB, token string) {
	t.Helper()
	hourAgo := time.Now().UTC().Add(-time.Hour).Format("2006-01-02 15:04:05+00:00")
	servertest.Exec(t, db,
		fmt.Sprintf("UPDATE sessions SET authenticated_at = '%s' WHERE id = '%s'", hourAgo, claimOf(t, token, "sid")))
}

// claimOf returns a claim of a token.
func claimOf(t *testing.T, token, name string) any {
	t.Helper()
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(token, claims)
	servertest.Check(t, err)
	return claims[name]
}

// scopedAdmin signs a token of the administrator that has a scope.
func (s *personas) scopedAdmin() string {
	s.t.Helper()
	made, err := s.key.Resign(s.Admin(), func(c jwt.MapClaims) { c["scope"] = "read" })
	servertest.Check(s.t, err)
	return made
}

// claimAdmin signs a token, rightly, whose roles are not those of the account any more.
func (s *personas) claimAdmin(token string) string {
	s.t.Helper()
	made, err := s.key.Resign(token, func(c jwt.MapClaims) { c["roles"] = []string{"ADMIN", "USER"} })
	servertest.Check(s.t, err)
	return made
}
