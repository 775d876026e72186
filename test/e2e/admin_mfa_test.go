package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestAdminMFA_EveryFieldForAdministratorsWantsASecondFactor asks a server with GATEHOUSE_ADMIN_MFA=required for each
// root field whose rule names ADMIN. The matrix asks one without it: there the password is enough.
func TestAdminMFA_EveryFieldForAdministratorsWantsASecondFactor(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	dbtest.Each(t, func(t *testing.T, url string) {
		s := newPersonas(t, url, "GATEHOUSE_ADMIN_MFA=required")
		user, one, two := s.Register().Access, s.Admin(), s.provedAdmin()
		fields := 0
		for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
			for _, f := range root.Fields {
				if auth := f.Directives.ForName("auth"); auth == nil || !strings.Contains(writtenRule(auth), "ADMIN") {
					continue
				}
				fields++
				coordinate, o := root.Name+"."+f.Name, shapesOf(schema, root, f, leafOf(schema, f.Type))[0]
				for name, c := range map[string]struct{ token, want string }{
					"an administrator with one factor":  {one, "REAUTHENTICATION_REQUIRED"},
					"an administrator with two factors": {two, ""},
					"a user":                            {user, "FORBIDDEN"},
					"nobody":                            {"", "UNAUTHENTICATED missing"},
				} {
					if got := s.verdict(o, c.token, coordinate); got != c.want {
						t.Errorf("%s as %s: %q, want %q", coordinate, name, got, c.want)
					}
				}
			}
		}
		if fields < 10 {
			t.Errorf("only %d fields are for administrators", fields)
		}
	})
}

// TestAdminMFA_WhoLacksTheFactorLearnsIt and has all that a user has; the role is in no token of the session, and is
// there again with the factor.
func TestAdminMFA_WhoLacksTheFactorLearnsIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		s := newPersonas(t, url, "GATEHOUSE_ADMIN_MFA=required")
		other, one, two := s.Register(), s.Admin(), s.provedAdmin()
		refused := s.Do(servertest.Request{Query: `{ users { totalCount } }`, Token: one})
		if !refused.Has(`"code":"REAUTHENTICATION_REQUIRED","coordinate":"Query.users","mfa":true`) ||
			!strings.Contains(refused.Header.Get("WWW-Authenticate"), `error="insufficient_user_authentication"`) ||
			!strings.Contains(refused.Header.Get("WWW-Authenticate"), `acr_values="aal2"`) {
			t.Errorf("%+v", refused)
		}
		s.Must(one, `{ me { email roles sessions { id } } }`)
		node := `{ node(id: "` + other.ID + `") { ... on User { email } } }`
		if a := s.Ask(one, node); !a.Has(`"code":"NOT_FOUND"`) || a.Has(other.Email) {
			t.Errorf("another user, with one factor: %s", a.Body)
		}
		if a := s.Must(two, node); !a.Has(other.Email) {
			t.Errorf("another user, with two factors: %s", a.Body)
		}
		program := s.AccessToken(two, "users:read", "account:read")
		if a := s.Ask(program, node); !a.Has(`"code":"NOT_FOUND"`) || a.Has(other.Email) {
			t.Errorf("another user, by an administrator's program: %s", a.Body)
		}
		if a := s.Ask(program, `{ users { totalCount } }`); a.Code() == "" || a.Has("totalCount") {
			t.Errorf("users, by an administrator's program: %s", a.Body)
		}
		s.Must(program, servertest.Me)
		again := `mutation { reauthenticate(input: {password: "` + servertest.AdminPassword + `"}) { accessToken } }`
		testenv.Equal(t, "[USER]", fmt.Sprint(claimOf(t, s.Must(one, again).Field("accessToken"), "roles")), "roles with one factor")
		proved := s.Must(two, again).Field("accessToken")
		if roles := fmt.Sprint(claimOf(t, proved, "roles")); !strings.Contains(roles, "ADMIN") {
			t.Errorf("roles with two factors: %s", roles)
		}
		testenv.Equal(t, "aal2", fmt.Sprint(claimOf(t, proved, "acr")), "acr with two factors, which acr_values asks for")
		if a := s.Get("/access"); !strings.Contains(a.Body, "administrators with a second factor") {
			t.Error("the access page does not say that administrators need a second factor")
		}
	})
}

// TestAdminMFA_AnAdministratorWithoutAFactorSetsOneUp and is not locked out: the session that set it up has proved it, others
// of the account prove it by a code, and the next sign-in asks for it.
func TestAdminMFA_AnAdministratorWithoutAFactorSetsOneUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_ADMIN_MFA=required")
		other, token := s.CreateAdmin(), s.Admin()
		const users = `{ users { totalCount } }`
		wants := func(what, token string, refused bool) {
			t.Helper()
			if a := s.Ask(token, users); a.Has(`"mfa":true`) != refused || a.Has(`"totalCount"`) == refused {
				t.Errorf("%s: %s", what, a.Body)
			}
		}
		wants("with the password", token, true)
		app := s.AddAuthenticator(token)
		wants("in the session that has set the factor up", token, false)
		wants("in another session", other, true)
		s.Must(other, `mutation { reauthenticate(input: {code: "`+app.Code()+`"}) { accessToken } }`)
		wants("in another session, with a code", other, false)
		challenge := s.Challenge(servertest.AdminAddress, servertest.AdminPassword)
		complete := `mutation { completeLogin(input: {challenge: "` + challenge + `", recoveryCode: "` + app.Recovery[0] +
			`"}) { accessToken } }`
		wants("signed in with a recovery code", s.Must("", complete).Field("accessToken"), false)
	})
}

// TestAdminMFA_OtherServicesLetTheNewAdministratorIn, with the roles that each session has: no token is refused because the
// role was given, and none shows it without a second factor.
func TestAdminMFA_OtherServicesLetTheNewAdministratorIn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		s := newPersonas(t, url, "GATEHOUSE_ADMIN_MFA=required", offersFeed)
		user := s.Register()
		one, program := s.Login(user.Email, servertest.Password), s.AccessToken(user.Access, "account:read")
		s.AddAuthenticator(user.Access)
		two := s.Refresh(user.Refresh)
		servertest.Exec(t, s.db, confirmAddresses)
		config := servertest.WithFeed(s.URL)
		config.PersonalAccessTokens = true
		service := servertest.NewRelyingService(t, config)
		servertest.Eventually(t, "the service is connected", servertest.HangGuard, func() bool {
			return service.Accepts(one.Access)
		})
		wants := func(when, token, roles string) {
			t.Helper()
			if a := service.GetAs(token, "/"); !a.Has(roles) {
				t.Errorf("%s: %v, want %s", when, a, roles)
			}
		}
		changes := func(roles, withTwo string) {
			setRoles(s.Client, s.provedAdmin(), user.ID, roles)
			servertest.Eventually(t, roles+" is known", servertest.HangGuard, func() bool {
				return service.GetAs(two.Access, "/").Has(withTwo)
			})
			one, two = s.Refresh(one.Refresh), s.Refresh(two.Refresh)
			wants("two factors, with "+roles, two.Access, withTwo)
			wants("one factor, with "+roles, one.Access, `["USER"]`)
			wants("a program, with "+roles, program, `["USER"]`)
		}
		before := one.Access
		changes("[USER, ADMIN]", `["ADMIN","USER"]`)
		wants("one factor, with an old token", before, `["USER"]`)
		before = two.Access
		changes("[USER]", `["USER"]`)
		wants("two factors, with an old token", before, `["USER"]`)
	})
}

// provedAdmin returns a token of the administrator whose session has proved a second factor.
func (s *personas) provedAdmin() string {
	s.t.Helper()
	made := s.Admin()
	servertest.Exec(s.t, s.db, fmt.Sprintf("UPDATE sessions SET amr = 'pwd otp mfa' WHERE id = '%s'", claimOf(s.t, made, "sid")))
	return made
}

// writtenRule returns the arguments of a directive as they are written.
func writtenRule(d *ast.Directive) string {
	var all []string
	for _, a := range d.Arguments {
		all = append(all, a.Name+": "+a.Value.String())
	}
	return strings.Join(all, ", ")
}
