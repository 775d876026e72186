package e2e

import (
	"database/sql"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/passkey/passkeytest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// audited says of each mutation which rows of the audit log it leaves when it succeeds, and with which arguments.
var audited = map[string]struct {
	kinds  string
	values map[string]string
	admin  bool
}{
	"register":                 {kinds: "account_created signed_in"},
	"login":                    {kinds: "signed_in"},
	"completeLogin":            {kinds: "signed_in"},
	"startTotp":                {kinds: ""}, // it changes nothing
	"confirmTotp":              {kinds: "factor_added"},
	"startPasskey":             {kinds: ""}, // it changes nothing
	"addPasskey":               {kinds: "factor_added"},
	"startPasskeyLogin":        {kinds: ""},
	"passkeyLogin":             {kinds: "signed_in"},
	"renameFactor":             {kinds: ""}, // it opens nothing
	"removeFactor":             {kinds: "factor_removed"},
	"regenerateRecoveryCodes":  {kinds: "recovery_codes_replaced"},
	"refresh":                  {kinds: ""}, // a row for each of them would say what lastUsedAt of the session says
	"logout":                   {kinds: "session_ended"},
	"revokeSession":            {kinds: "session_ended", values: map[string]string{"id": `"OTHER"`}},
	"revokeOtherSessions":      {kinds: "session_ended"},
	"updateProfile":            {kinds: "profile_changed", values: map[string]string{"name": `"Ann"`}},
	"reauthenticate":           {kinds: "reauthenticated"},
	"createAccessToken":        {kinds: "access_token_created"},
	"revokeAccessToken":        {kinds: "access_token_revoked"},
	"changePassword":           {kinds: "password_changed session_ended session_ended signed_in"},
	"requestEmailVerification": {kinds: "email_verification_requested"},
	"verifyEmail":              {kinds: "email_verified"},
	"requestPasswordReset":     {kinds: "password_reset_requested"},
	"resetPassword":            {kinds: "password_reset session_ended session_ended signed_in"},
	"changeEmail":              {kinds: "email_change_requested", values: map[string]string{"email": `"new-EMAIL"`}},
	"confirmEmailChange":       {kinds: "email_changed"},
	"revertEmailChange":        {kinds: "email_change_reverted session_ended session_ended"},
	"inviteUser":               {kinds: "user_invited", values: map[string]string{"email": `"new-EMAIL"`}, admin: true},
	"acceptInvitation":         {kinds: "account_created invitation_accepted signed_in"},
	"secureAccount":            {kinds: "account_secured session_ended"},
	"exportMyData":             {kinds: "export_requested"},
	"downloadMyData":           {kinds: "data_exported"},
	"deleteAccount":            {kinds: "account_deleted session_ended session_ended"},
	"setRoles": {kinds: "roles_changed session_ended session_ended", admin: true, values: map[string]string{
		"roles": "[USER, ADMIN]", "allowUnverifiedEmail": "true"}},
	"suspendUser":       {kinds: "account_suspended session_ended session_ended", admin: true},
	"reinstateUser":     {kinds: "account_reinstated", admin: true},
	"endSessions":       {kinds: "session_ended session_ended", admin: true},
	"deleteUser":        {kinds: "account_deleted session_ended session_ended", admin: true},
	"sendPasswordReset": {kinds: "password_reset_requested", admin: true},
}

// mailedTokens are the tokens that mutations take.
var mailedTokens = map[string]func(*links, servertest.Account) string{
	"verifyEmail":   func(l *links, a servertest.Account) string { return l.verify(a).Token(l.t) },
	"resetPassword": (*links).reset, "confirmEmailChange": (*links).change, "revertEmailChange": (*links).undo,
	"acceptInvitation": (*links).invitation,
	"secureAccount":    (*links).secure,
	"downloadMyData":   (*links).export,
}

// refusedTries are those of mutations that are open to everyone. All others are refused to a token with a scope.
var refusedTries = map[string]struct{ query, kinds string }{
	"register": {servertest.Registration("EMAIL"), ""}, // the address is taken: the throttle counts it, and refuses later ones
	"login":    {`mutation { login(input: {email: "EMAIL", password: "a wrong password"}) { tokenType } }`, "sign_in_failed"},
	// an audit row would say nothing: nobody made the challenge
	"completeLogin": {`mutation { completeLogin(input: {challenge: "x", code: "000000"}) { tokenType } }`, ""},
	"passkeyLogin":  {`mutation { passkeyLogin(input: {response: "x"}) { tokenType } }`, ""},
	// nobody is refused, and nobody is named
	"startPasskeyLogin": {`mutation { startPasskeyLogin { options } }`, ""},
	"refresh":           {`mutation { refresh(input: {refreshToken: "USED"}) { tokenType } }`, "refresh_late"},
	"logout":            {`mutation { logout { success } }`, ""}, // names no session: it is no try
	// a token that nobody made says nothing about anybody; the throttle counts it
	"verifyEmail":          {`mutation { verifyEmail(input: {token: "x"}) { success } }`, ""},
	"requestPasswordReset": {`mutation { requestPasswordReset(input: {email: "x"}) { success } }`, ""},
	"resetPassword":        {`mutation { resetPassword(input: {token: "x", newPassword: "battery horse correct"}) { tokenType } }`, ""},
	"confirmEmailChange":   {`mutation { confirmEmailChange(input: {token: "x"}) { success } }`, ""},
	"acceptInvitation":     {`mutation { acceptInvitation(input: {token: "x", password: "battery horse correct"}) { tokenType } }`, ""},
	"secureAccount":        {`mutation { secureAccount(input: {token: "x"}) { success } }`, ""},
	"downloadMyData":       {`mutation { downloadMyData(input: {token: "x"}) { json } }`, ""},
	"revertEmailChange":    {`mutation { revertEmailChange(input: {token: "x"}) { success } }`, ""},
}

// TestAuditLog_EachMutationLeavesItsRow runs each mutation of the schema so that it succeeds, and so that it is refused.
func TestAuditLog_EachMutationLeavesItsRow(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	dbtest.Each(t, func(t *testing.T, url string) {
		s := newPersonas(t, url, "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1/32")
		scoped, refusals := s.scopedAdmin(), []refusal{}
		for _, f := range schema.Mutation.Fields {
			c, ok := audited[f.Name]
			try, open := refusedTries[f.Name]
			if !ok || open != (f.Directives.ForName("public") != nil) {
				t.Errorf("%s: say in audited, and when it is public in refusedTries, which rows it leaves", f.Name)
				continue
			}
			a := newAudited(s)
			a.succeed(schema, f, a.note)
			a.want(f.Name+" succeeds", c.kinds)
			a = newAudited(s)
			a.refusing = true
			r := refusal{f.Name, "", a.fill(try.query), try.kinds}
			if !open {
				r = refusal{f.Name, scoped, a.fill("mutation { " + f.Name +
					servertest.Arguments(schema, f, a.values(c.values)) + leafOf(schema, f.Type) + " }"), "operation_denied"}
			}
			refusals = append(refusals, r)
		}
		for i, r := range refusals {
			if r.mutation == "refresh" { // now: its token is late for ten seconds
				refusals[i].query = newAudited(s).fill(refusedTries[r.mutation].query)
			}
		}
		s.wantRefused(refusals)
	})
}

// refusal is an operation that is refused, and the rows that it leaves.
type refusal struct{ mutation, token, query, kinds string }

// wantRefused asks for all of them, each from a network of its own, of which the log has few rows. What was refused is
// written a second later: then all rows are there, also those that none should have left.
func (s *personas) wantRefused(all []refusal) {
	s.t.Helper()
	before, want, got, mutations := auditedRows(s.t, s.db), map[string]string{}, map[string]string{}, map[string]string{}
	for i, r := range all {
		answer := s.Ask(r.token, r.query, "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i+1))
		mutations[answer.Header.Get("X-Request-Id")] = r.mutation
		if r.kinds != "" {
			want[r.mutation] = r.kinds
		}
	}
	var rows []auditedRow
	testenv.Eventually(s.t, "rows of what was refused", servertest.HangGuard, func() bool {
		rows = added(before, auditedRows(s.t, s.db))
		return len(rows) >= len(want)
	})
	for _, r := range rows {
		got[mutations[r.requestID]] += r.kind
		r.wantRequest(s.t)
	}
	testenv.Equal(s.t, want, got, "what is left of each refused mutation")
}

// auditedCase is a user with two sessions, and what the log had before.
type auditedCase struct {
	*personas
	ann, other servertest.Account
	used       string
	refusing   bool // its address is taken
	before     []auditedRow
}

type auditedRow struct{ id, kind, actor, operator, requestID string }

func newAudited(s *personas) *auditedCase {
	a := &auditedCase{personas: s, ann: s.Register()}
	a.other = s.Login(a.ann.Email, servertest.Password)
	a.used = a.other.Refresh
	a.other = s.Refresh(s.Refresh(a.used).Refresh) // the first token is late now
	return a
}

// succeed prepares what a mutation needs, calls ready, and runs the mutation.
func (a *auditedCase) succeed(schema *ast.Schema, f *ast.FieldDefinition, ready func()) {
	a.t.Helper()
	c, token := audited[f.Name], a.ann.Access
	if c.admin {
		token = a.Admin()
	}
	if f.Name == "reinstateUser" {
		a.Must(token, `mutation { suspendUser(id: "`+a.ann.ID+`") { user { id } } }`)
	}
	if mailed := mailedTokens[f.Name]; mailed != nil {
		c.values = map[string]string{"token": servertest.JSON(mailed(&links{s: a.Process, t: a.t}, a.ann))}
	}
	if prepare := factorValues[f.Name]; prepare != nil {
		c.values = prepare(a)
	}
	if f.Name == "revokeAccessToken" {
		a.AccessToken(token, "account:read")
		answer := a.Must(token, "{ me { accessTokens { id } } }")
		c.values = map[string]string{"id": servertest.JSON(answer.Field("id"))}
	}
	ready()
	a.Must(token, a.fill("mutation { "+f.Name+servertest.Arguments(schema, f, a.values(c.values))+leafOf(schema, f.Type)+" }"))
}

// factorValues set up what the mutations of second factors need, and return their arguments.
var factorValues = map[string]func(a *auditedCase) map[string]string{
	"completeLogin": func(a *auditedCase) map[string]string {
		app := a.AddAuthenticator(a.ann.Access)
		return map[string]string{"challenge": servertest.JSON(a.Challenge(a.ann.Email, servertest.Password)), "code": servertest.JSON(app.Code())}
	},
	"confirmTotp": func(a *auditedCase) map[string]string {
		app, err := servertest.NewAuthenticator(a.Must(a.ann.Access, "mutation { startTotp { secret } }").Field("secret"))
		servertest.Check(a.t, err)
		return map[string]string{"code": servertest.JSON(app.Code())}
	},
	"startPasskeyLogin": func(a *auditedCase) map[string]string {
		a.AddPasskey(a.ann.Access)
		return nil
	},
	"addPasskey": func(a *auditedCase) map[string]string {
		_, response := passkeytest.Create(a.t, servertest.PageOrigin, a.Options(a.ann.Access, "startPasskey"))
		return map[string]string{"response": servertest.Literal(response)}
	},
	"passkeyLogin": func(a *auditedCase) map[string]string {
		key := a.AddPasskey(a.ann.Access)
		return map[string]string{"response": servertest.Literal(key.Use(a.Options(a.ann.Access, "startPasskeyLogin")))}
	},
	"renameFactor": func(a *auditedCase) map[string]string {
		a.AddPasskey(a.ann.Access)
		return map[string]string{"id": servertest.JSON(a.Must(a.ann.Access, "{ me { factors { id } } }").Field("id"))}
	},
	"removeFactor": func(a *auditedCase) map[string]string {
		a.AddAuthenticator(a.ann.Access)
		return map[string]string{"id": servertest.JSON(a.Must(a.ann.Access, "{ me { factors { id } } }").Field("id"))}
	},
	"regenerateRecoveryCodes": func(a *auditedCase) map[string]string {
		a.AddAuthenticator(a.ann.Access)
		return nil
	},
}

func (a *auditedCase) values(more map[string]string) map[string]string {
	all := map[string]string{"id": `"ID"`, "userId": `"ID"`, "email": `"EMAIL"`, "password": servertest.JSON(servertest.Password),
		"currentPassword": servertest.JSON(servertest.Password), "newPassword": `"battery horse correct"`, "refreshToken": `"NEWEST"`,
		"name": `"Ann"`, "scopes": `["account:read"]`, "expiresAt": servertest.JSON(time.Now().Add(time.Hour).UTC().Format(time.RFC3339))}
	for name, value := range more {
		all[name] = value
	}
	return all
}

// fill writes the user's values into a document.
func (a *auditedCase) fill(document string) string {
	email := a.ann.Email
	if strings.Contains(document, "register(") && len(a.before) > 0 && !a.refusing {
		email = servertest.NewAddress()
	}
	return strings.NewReplacer(`"ID"`, servertest.JSON(a.ann.ID), `"OTHER"`, servertest.JSON(claimOf(a.t, a.other.Access, "sid")),
		"EMAIL", email, "NEWEST", a.other.Refresh, "USED", a.used).Replace(document)
}

func (a *auditedCase) note() { a.before = a.rows() }

func (a *auditedCase) rows() []auditedRow { return auditedRows(a.t, a.db) }

func auditedRows(t *testing.T, db *sql.DB) (all []auditedRow) {
	t.Helper()
	rows, err := db.Query(`SELECT id, kind, actor, coalesce(operator, ''), coalesce(request_id, '') FROM audit_events ORDER BY id`)
	servertest.Check(t, err)
	defer rows.Close()
	for rows.Next() {
		var r auditedRow
		servertest.Check(t, rows.Scan(&r.id, &r.kind, &r.actor, &r.operator, &r.requestID))
		all = append(all, r)
	}
	servertest.Check(t, rows.Err())
	return all
}

// wantRequest checks that a row says whose request it was.
func (r auditedRow) wantRequest(t *testing.T) {
	t.Helper()
	if r.requestID == "" || r.operator != "" || r.actor == "SYSTEM" || r.actor == "OPERATOR" {
		t.Errorf("%+v does not say whose request it was", r)
	}
}

// want waits for the rows that something has left, whose kinds are sorted.
func (a *auditedCase) want(what, kinds string) {
	a.t.Helper()
	var got []auditedRow
	testenv.Eventually(a.t, what+" leaves "+kinds, servertest.HangGuard, func() bool {
		got = slices.DeleteFunc(a.rows(), func(r auditedRow) bool { return slices.Contains(a.before, r) })
		return len(got) >= len(strings.Fields(kinds))
	})
	var names []string
	for _, r := range got {
		names = append(names, r.kind)
		r.wantRequest(a.t)
	}
	slices.Sort(names)
	testenv.Equal(a.t, kinds, strings.Join(names, " "), "what is left when %s", what)
}

// TestAuditLog_CommandsNameTheOperator runs each command that changes what the log tells of.
func TestAuditLog_CommandsNameTheOperator(t *testing.T) {
	t.Parallel()
	me, err := user.Current()
	servertest.Check(t, err)
	dbtest.Each(t, func(t *testing.T, url string) {
		former := "GATEHOUSE_SECRET=" + strings.Repeat("former", 10)
		p := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, former)
		db, ann := servertest.OpenDB(t, url), p.Register()
		for _, c := range []struct {
			args  string
			kinds string
		}{
			{"admin create root@example.com", "account_created"},
			{"admin promote " + ann.Email, "password_changed roles_changed session_ended"},
			{"admin reset " + ann.Email, "password_changed"},
			{"sessions end --all", "session_ended"},
			{"keys rotate", "keys_rotated"},
			{"keys rotate --revoke", "keys_revoked"},
		} {
			if strings.HasPrefix(c.args, "sessions") {
				p.Must("", signIn(ann.Email, ownersPassword))
			}
			before := auditedRows(t, db)
			p.Command(ownersPassword+"\n", strings.Fields(c.args)...)
			wantOperator(t, c.args, c.kinds, me.Username, added(before, auditedRows(t, db)))
		}
		before := auditedRows(t, db)
		testenv.Equal(t, len(before), strings.Count(p.Command("", "audit", "export"), `"kind":"`), "lines of the export")
		testenv.Equal(t, "", p.Command("", "audit", "export", "--until", "2020-01-01T00:00:00Z"), "lines of long ago")
		testenv.Equal(t, 2, p.RunCommand("", "audit", "export", "--since", "yesterday").Code, "a time that is none")
		o := servertest.Command(t, []string{"GATEHOUSE_DATABASE_URL=" + url, "GATEHOUSE_SECRET=" + strings.Repeat("newest", 10),
			strings.Replace(former, "SECRET=", "SECRET_PREVIOUS=", 1), servertest.Issuer}, "", "secret", "rotate")
		testenv.Equal(t, 0, o.Code, "secret rotate: %s", o.Stderr)
		wantOperator(t, "secret rotate", "secret_rotated", me.Username, added(before, auditedRows(t, db)))
	})
}

// TestAuditVerify_NamesTheRowThatWasChanged in the database of a server that sealed it.
func TestAuditVerify_NamesTheRowThatWasChanged(t *testing.T) {
	t.Parallel()
	url := dbtest.SQLite(t)
	p := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url)
	db := servertest.OpenDB(t, url)
	p.Register()
	testenv.Eventually(t, "a seal with rows", servertest.HangGuard, func() (sealed bool) {
		servertest.Check(t, db.QueryRow("SELECT count(*) > 0 FROM audit_seals WHERE length(members) > 0").Scan(&sealed))
		return sealed
	})
	said := strings.TrimSpace(p.Command("", "audit", "verify"))
	known := said[strings.LastIndex(said, "\n")+1:]
	testenv.Equal(t, said, strings.TrimSpace(p.Command("", "audit", "verify", "--known", known)), "verified again")
	testenv.Equal(t, 2, p.RunCommand("", "audit", "verify", "--known", "yesterday").Code, "a seal that is none")
	row := auditedRows(t, db)[0].id
	servertest.Exec(t, db, "UPDATE audit_events SET kind = 'roles_changed' WHERE id = '"+row+"'")
	o := p.RunCommand("", "audit", "verify")
	if o.Code != 1 || !strings.Contains(o.Stderr, "the row "+row+" of ") || !strings.Contains(o.Stderr, " was changed") {
		t.Errorf("exit code %d: %s", o.Code, o.Stderr)
	}
}

func added(before, after []auditedRow) []auditedRow {
	return slices.DeleteFunc(after, func(r auditedRow) bool { return slices.Contains(before, r) })
}

func wantOperator(t *testing.T, command, kinds, operator string, rows []auditedRow) {
	t.Helper()
	var names []string
	for _, r := range rows {
		names = append(names, r.kind)
		testenv.Equal(t, operator, r.operator, "%s: the operator of %s", command, r.kind)
		testenv.Equal(t, "OPERATOR", r.actor, "%s: the actor of %s", command, r.kind)
	}
	slices.Sort(names)
	testenv.Equal(t, kinds, strings.Join(names, " "), "what %s leaves", command)
}
