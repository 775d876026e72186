package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/passkey/passkeytest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

// variants are lists of arguments for a field: those it requires, each value of each other one, and each search with
// each filter, in each order. Values in capitals are those of recorder.signIn.
func (r *recorder) variants(schema *ast.Schema, f *ast.FieldDefinition) (all []string) {
	values := map[string]string{"id": `"USERID"`, "userId": `"USERID"`, "email": `"ADDRESS"`, "roles": "[USER]",
		"password": `"` + secretPW + `"`, "currentPassword": `"` + secretPW + `"`, "newPassword": `"battery horse correct"`,
		"refreshToken": `"REFRESH"`, "scopes": `["account:read"]`,
		"expiresAt": servertest.JSON(time.Now().Add(time.Hour).UTC().Format(time.RFC3339))}
	switch f.Name {
	case "revokeSession":
		values["id"] = `"SESSION"`
	case "revokeAccessToken":
		values["id"] = `"ACCESSTOKEN"`
	case "register", "changeEmail", "inviteUser":
		values["email"] = `"NEW"`
	case "resetPassword":
		values["token"] = `"RESETLINK"`
	case "verifyEmail":
		values["token"] = `"VERIFYLINK"`
	case "confirmEmailChange":
		values["token"] = `"CHANGELINK"`
	case "revertEmailChange":
		values["token"] = `"UNDOLINK"`
	case "acceptInvitation":
		values["token"] = `"INVITATIONLINK"`
	case "secureAccount":
		values["token"] = `"SECURELINK"`
	case "completeLogin":
		values["challenge"], values["code"] = `"CHALLENGE"`, `"CODE"`
	case "confirmTotp":
		values["code"] = `"CODE"`
	case "removeFactor", "renameFactor":
		values["id"] = `"FACTOR"`
	case "addPasskey", "passkeyLogin":
		values["response"] = "RESPONSE"
	case "downloadMyData":
		values["token"] = `"EXPORTLINK"`
	}
	all = append(all, servertest.Arguments(schema, f, values))
	searches := []string{"", `search: "u"`, `search: "nobody"`, `search: "newu"`, `search: "u1@ex"`, `search: "u1@bü.ex"`}
	if f.Arguments.ForName("search") == nil {
		searches = searches[:1]
	}
	for _, a := range f.Arguments {
		if a.Type.NonNull || a.Name == "search" {
			continue
		}
		for _, value := range each(schema, a.Type) {
			if f.Name == "users" && value == auditCursor {
				value = `"CURSOR"`
			}
			if f.Name == "renameFactor" {
				all = append(all, servertest.Arguments(schema, f, map[string]string{"id": values["id"], a.Name: value}))
				continue
			}
			for _, search := range searches {
				all = append(all, "("+a.Name+": "+value+" "+search+")")
				if a.Name == "filter" && f.Arguments.ForName("orderBy") != nil {
					all = append(all, "("+a.Name+": "+value+" orderBy: {field: EMAIL} "+search+")")
				}
			}
		}
	}
	for _, search := range searches[1:] {
		all = append(all, "("+search+")")
	}
	return all
}

// auditCursor is a cursor of auditLog.
const auditCursor = `"AAAAAQAAcACAAAAAAAAAAA"`

// each returns a value of each kind that a type has: the values of an enum, and an input object for each of its fields.
func each(schema *ast.Schema, typ *ast.Type) (all []string) {
	switch def := schema.Types[typ.Name()]; def.Kind {
	case ast.Enum:
		for _, v := range def.EnumValues {
			all = append(all, v.Name)
		}
	case ast.InputObject:
		for _, f := range def.Fields {
			for _, value := range each(schema, f.Type) {
				all = append(all, "{"+f.Name+": "+value+"}")
			}
		}
	}
	switch typ.Name() {
	case "Int":
		return []string{"10"}
	case "ID":
		return []string{`"USERID"`}
	case "Time":
		return []string{`"2026-01-01T00:00:00Z"`, `"2100-01-01T00:00:00Z"`}
	case "Boolean":
		return []string{"false", "true"}
	case "String":
		return []string{auditCursor}
	}
	return all
}

// selection selects all fields of a type that need no arguments, so deep.
func selection(schema *ast.Schema, typ *ast.Type, depth int) string {
	def := schema.Types[typ.Name()]
	if def.IsLeafType() {
		return ""
	}
	fields := "__typename"
	for _, f := range def.Fields {
		ofOwner := f.Name == "sessions" || f.Name == "accessTokens" || f.Name == "factors" // denied to an administrator
		if leaf := schema.Types[f.Type.Name()].IsLeafType(); len(f.Arguments) == 0 && (leaf || depth > 1 && !ofOwner) {
			fields += " " + f.Name + selection(schema, f.Type, depth-1)
		}
	}
	return " { " + fields + " }"
}

// statement is what was sent to the database.
type statement struct {
	text string
	args any
}

// recordingDriver is a decorator that remembers statements.
type recordingDriver struct {
	dialect.Driver
	mu         sync.Mutex
	statements []statement
	step       func(ctx context.Context, text string) // called before each statement, BEGIN and COMMIT, and after a COMMIT; nil: nothing is
}

func (d *recordingDriver) decorate(below dialect.Driver) dialect.Driver {
	d.Driver = below
	return d
}

// query runs a statement and takes back what it changes.
func (d *recordingDriver) query(t *testing.T, text string, args any) []string {
	t.Helper()
	tx, err := d.Driver.Tx(t.Context())
	testenv.Check(t, err)
	defer tx.Rollback()
	rows := &entsql.Rows{}
	if err := tx.Query(t.Context(), text, args, rows); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return lastColumns(t, rows)
}

func (d *recordingDriver) take(ctx context.Context, text string) {
	if d.step != nil {
		d.step(ctx, text)
	}
}

func (d *recordingDriver) record(ctx context.Context, text string, args any) {
	d.take(ctx, text)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.statements = append(d.statements, statement{strings.TrimSpace(text), args})
}

func (d *recordingDriver) Exec(ctx context.Context, query string, args, v any) error {
	d.record(ctx, query, args)
	return d.Driver.Exec(ctx, query, args, v)
}

func (d *recordingDriver) Query(ctx context.Context, query string, args, v any) error {
	d.record(ctx, query, args)
	return d.Driver.Query(ctx, query, args, v)
}

func (d *recordingDriver) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	d.record(ctx, query, args)
	return d.Driver.(execContexter).ExecContext(ctx, query, args...)
}

func (d *recordingDriver) Tx(ctx context.Context) (dialect.Tx, error) {
	d.take(ctx, "BEGIN")
	tx, err := d.Driver.Tx(ctx)
	if err != nil {
		return nil, err
	}
	return recordingTx{tx, d}, nil
}

type execContexter interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

type recordingTx struct {
	dialect.Tx
	driver *recordingDriver
}

func (x recordingTx) Exec(ctx context.Context, query string, args, v any) error {
	x.driver.record(ctx, query, args)
	return x.Tx.Exec(ctx, query, args, v)
}

func (x recordingTx) Query(ctx context.Context, query string, args, v any) error {
	x.driver.record(ctx, query, args)
	return x.Tx.Query(ctx, query, args, v)
}

func (x recordingTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	x.driver.record(ctx, query, args)
	return x.Tx.(execContexter).ExecContext(ctx, query, args...)
}

func (x recordingTx) Commit() error {
	defer x.driver.take(context.Background(), "COMMIT")
	x.driver.take(context.Background(), "COMMIT")
	return x.Tx.Commit()
}

// addFactors sets up an authenticator app of the user of a token as a mutation needs it, and returns its arguments.
func (r *recorder) addFactors(mutation, token, email string) map[string]string {
	r.t.Helper()
	if values := r.addPasskey(mutation, token); values != nil {
		return values
	}
	if !slices.Contains([]string{"confirmTotp", "completeLogin", "removeFactor", "regenerateRecoveryCodes"}, mutation) {
		return nil
	}
	begun := r.post(token, "mutation { it: startTotp { secret } }")["it"].(map[string]any)
	app, err := servertest.NewAuthenticator(begun["secret"].(string))
	testenv.Check(r.t, err)
	values := map[string]string{"CODE": app.Code()}
	if mutation == "confirmTotp" {
		return values
	}
	done := r.post(token, `mutation { it: confirmTotp(input: {code: "`+values["CODE"]+`"}) { factor { id } } }`)["it"].(map[string]any)
	values["FACTOR"] = done["factor"].(map[string]any)["id"].(string)
	if mutation == "completeLogin" {
		login := fmt.Sprintf("mutation { login(input: {email: %q, password: %q}) { tokenType } }", email, secretPW)
		answer := r.send(r.t.Context(), "", login).Body.String()
		values["CHALLENGE"], values["CODE"] = servertest.Between(r.t, answer, `"challenge":"`, `"`), app.Code()
	}
	return values
}

// addPasskey is addFactors for the mutations of passkeys.
func (r *recorder) addPasskey(mutation, token string) map[string]string {
	r.t.Helper()
	if !slices.Contains([]string{"addPasskey", "startPasskeyLogin", "passkeyLogin", "renameFactor"}, mutation) {
		return nil
	}
	options := func(field string) any {
		return r.post(token, "mutation { it: "+field+" { options } }")["it"].(map[string]any)["options"]
	}
	key, response := passkeytest.Create(r.t, servertest.PageOrigin, options("startPasskey"))
	values := map[string]string{"RESPONSE": servertest.Literal(response)}
	if mutation == "addPasskey" {
		return values
	}
	done := r.post(token, "mutation { it: addPasskey(input: {response: "+values["RESPONSE"]+"}) { factor { id } } }")["it"]
	values["FACTOR"] = done.(map[string]any)["factor"].(map[string]any)["id"].(string)
	if mutation == "passkeyLogin" {
		values["RESPONSE"] = servertest.Literal(key.Use(options("startPasskeyLogin")))
	}
	return values
}

// links returns a token of each purpose, of an account and to an address.
func (r *recorder) links(user uuid.UUID, email string) map[string]string {
	r.t.Helper()
	secret, err := token.ParseSecret(recorderSecret)
	testenv.Check(r.t, err)
	secrets, err := token.NewSecrets(secret)
	testenv.Check(r.t, err)
	tokens, err := token.NewOneTimeTokens(secrets)
	testenv.Check(r.t, err)
	pending, all := "c"+email, map[string]string{}
	r.exec(fmt.Sprintf("UPDATE users SET pending_email = '%s' WHERE id = '%s'", pending, user))
	for name, to := range map[token.OneTimePurpose]string{
		token.ResetAccess: email, token.VerifyEmail: email, token.ChangeEmail: pending, token.UndoEmail: "f" + email,
		token.Invitation: "i" + email, token.SecureAccount: email, token.Export: email,
	} {
		link, err := tokens.New(name, user, uuid.New())
		testenv.Check(r.t, err)
		now := time.Now().UTC()
		testenv.Check(r.t, r.db.Client.OneTimeToken.Create().SetID(link.ID).SetUserID(user).SetPurpose(string(name)).
			SetDigest(link.Digest()).SetAddress(to).SetCreatedAt(now).SetExpiresAt(now.Add(time.Hour)).Exec(r.t.Context()))
		what, _, _ := strings.Cut(string(name), "-")
		all[strings.ToUpper(what)+"LINK"] = link.Text()
	}
	return all
}
