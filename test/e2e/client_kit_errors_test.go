package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// kitCheck compiles if the kit's type of each error is what the server sends, and has no member that no error has.
const kitCheck = `import type { ApiError, ErrorCode } from %s;

const sent = %s as const satisfies readonly ApiError[];

type Keys<T> = T extends unknown ? keyof T : never;
type NeverSent = { [C in ErrorCode]: Exclude<
  Keys<Extract<ApiError, { code: C }>>, Keys<Extract<(typeof sent)[number], { code: C }>> | "path"> }[ErrorCode];
export const neverSent: NeverSent[] = [] as never[];
export const none: [NeverSent] extends [never] ? true : NeverSent = true;
`

// TestClientKit_TypesEachErrorAsTheServerSendsIt has the compiler hold errors of every code against the kit's types.
func TestClientKit_TypesEachErrorAsTheServerSendsIt(t *testing.T) {
	t.Parallel()
	needKit(t)
	errors := errorsOfEveryCode(t)
	sent, seen := []map[string]any{}, map[string]bool{}
	for _, e := range errors {
		literal := map[string]any{"message": e.Message}
		if e.Path != nil {
			literal["path"] = e.Path
		}
		maps.Copy(literal, e.Extensions)
		sent = append(sent, literal)
		seen[fmt.Sprint(e.Extensions["code"])] = true
	}
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	for _, code := range schema.Types["ErrorCode"].EnumValues {
		if !seen[code.Name] {
			t.Errorf("no error has the code %s: add a request to errorsOfEveryCode that is answered with it", code.Name)
		}
	}
	index, err := filepath.Abs(kit + "/src/index.js")
	servertest.Check(t, err)
	folder := t.TempDir()
	text := fmt.Sprintf(kitCheck, servertest.JSON(index), servertest.JSON(sent))
	servertest.Check(t, os.WriteFile(folder+"/sent.ts", []byte(text), 0o600))
	servertest.Execute(t, kit, "npx", "tsc", "--ignoreConfig", "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck",
		"--target", "es2023", "--module", "nodenext", "--types", "node", "--typeRoots", "node_modules/@types",
		folder+"/sent.ts")
}

// sentError is an error as it is on the wire.
type sentError struct {
	Message    string
	Path       []any
	Extensions map[string]any
}

// errorsOfEveryCode asks servers of several configurations for one error at least of every code, and of every member.
func errorsOfEveryCode(t *testing.T) (all []sentError) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL=sqlite:"+path, "GATEHOUSE_THROTTLE=account=2")
	db := servertest.OpenDB(t, "sqlite:"+path)
	take := func(a servertest.Answer) {
		t.Helper()
		var body struct{ Errors []sentError }
		if err := json.Unmarshal([]byte(a.Body), &body); err != nil || len(body.Errors) == 0 {
			t.Errorf("no errors: %v", a)
		}
		all = append(all, body.Errors...)
	}
	ask := func(token, query string) { t.Helper(); take(s.Ask(token, query)) }

	s.CreateAdmin()
	ann, root := s.Register(), s.Admin()
	ask("", servertest.Me)
	ask("x", servertest.Me)
	ask(ann.Access, `{ users { totalCount } }`)
	ask(ann.Access, `{ node(id: "`+claimOf(t, root, "sub").(string)+`") { id } }`)
	ask(root, `{ user(id: "`+ann.ID+`") { sessions { id } } }`)
	ask(s.AccessToken(ann.Access, "account:read"), `mutation { updateProfile(input: {name: "Ann"}) { __typename } }`)
	ask("", servertest.Registration(ann.Email))
	ask("", servertest.Registration("x"))
	ask("", strings.Replace(servertest.Registration("x@example.com"), servertest.Password, "short", 1))
	ask("", "mutation { refresh(input: {}) { tokenType } }")
	ask(root, "mutation { deleteAccount { success } }")
	ask("", "{ "+strings.Repeat("me { sessions { id } } ", 3000)+" }")
	ask("", "{")
	ask("", "{ nothing }")
	take(s.Do(servertest.Request{Body: `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}`}))
	take(s.Do(servertest.Request{Body: `{"query": 1}`}))

	other := s.Login(ann.Email, servertest.Password)
	s.AddAuthenticator(ann.Access)
	ask(other.Access, "mutation { regenerateRecoveryCodes { recoveryCodes } }") // has proved no factor
	ageSession(t, db, ann.Access)
	ask(ann.Access, "mutation { startTotp { secret } }")
	ask("", logsIn(ann.Email, servertest.Password))
	bob := s.Register()
	key := s.AddPasskey(bob.Access)
	s.Must(bob.Access, "mutation { deleteAccount { success } }")
	servertest.Exec(t, db, "DELETE FROM passkeys")
	ask("", "mutation { passkeyLogin(input: {response: "+servertest.Literal(key.Use(s.Options("", "startPasskeyLogin")))+
		"}) { tokenType } }")
	for range 4 {
		ask("", logsIn("nobody@example.com", "a wrong password"))
	}

	lock, err := servertest.OpenDB(t, "sqlite:"+path).Begin()
	servertest.Check(t, err)
	ask(other.Access, `mutation { updateProfile(input: {name: "Ann"}) { user { id } } }`)
	servertest.Check(t, lock.Rollback())
	servertest.Exec(t, db, "DROP TABLE passkeys")
	ask(other.Access, "{ me { factors { id } } }")

	network := servertest.Start(t, "GATEHOUSE_DATABASE_URL=sqlite:"+filepath.Join(t.TempDir(), "gatehouse.db"),
		"GATEHOUSE_ISSUER=https://accounts.example.com")
	take(network.Ask(network.Register().Access, "mutation { requestEmailVerification { success } }"))
	confirmed := servertest.Start(t, "GATEHOUSE_REGISTRATION=confirmed")
	take(confirmed.Ask("", servertest.Registration("ann@example.com")))
	return all
}

func logsIn(email, password string) string {
	return `mutation { login(input: {email: "` + email + `", password: "` + password + `"}) { tokenType } }`
}
