package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// directly says, for each type that implements Node, which other field shows an object of an id, and where its answer
// has the object or a list with it.
var directly = map[string][]struct{ query, at string }{
	"User":                {{"{ me { id * } }", "me"}, {`{ user(id: "ID") { id * } }`, "user"}},
	"TotpFactor":          {{"{ me { factors { ... on TotpFactor { id * } } } }", "me.factors"}},
	"RecoveryCodes":       {{"{ me { factors { ... on RecoveryCodes { id * } } } }", "me.factors"}},
	"Session":             {{"{ me { sessions { id * } } }", "me.sessions"}},
	"PersonalAccessToken": {{"{ me { accessTokens { id * } } }", "me.accessTokens"}},
	"Passkey":             {{"{ me { factors { ... on Passkey { id * } } } }", "me.factors"}},
	"AuditEvent": {{"{ auditLog(first: 100) { edges { node { id * } } } }", "auditLog.edges.node"},
		{"{ me { activity(first: 100) { edges { node { id * } } } } }", "me.activity.edges.node"}},
}

// TestNode_ShowsWhatOtherFieldsShow asks node for every field of every type that it can return, as everybody, of their
// own objects, another's, and ended ones: it shows an object exactly when another field does, with the same values, and
// otherwise answers as for an id that nothing has, byte by byte. The shapes of a query for what is hidden take turns,
// unless TEST_LONG=matrix.
func TestNode_ShowsWhatOtherFieldsShow(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	dbtest.Each(t, func(t *testing.T, url string) {
		s := newPersonas(t, url)
		counts := map[bool]map[string]int{true: {}, false: {}} // of operations by the object's type: shown, hidden
		for _, p := range s.all() {
			if strings.HasSuffix(p.scope, "write") || p.scope == " " { // which open no field that has an object
				continue
			}
			token := p.token()
			objects := append(s.objects(token), s.objects(s.Register().Access)...)
			absent := map[string]string{} // answers for an id that nothing has
			for _, o := range objects {
				_, visible := s.direct(o, token, "")
				for _, typ := range nodeTypes(schema) {
					if visible && o.typ != typ.Name {
						continue
					}
					for _, field := range fieldsOf(schema, typ) {
						counts[visible][o.typ]++
						want := "null"
						if visible {
							want, _ = s.direct(o, token, field)
						}
						for i, query := range nodeShapes(typ.Name, field) {
							if !visible && i != counts[false][o.typ]%3 && !testenv.Long("matrix") {
								continue
							}
							got := s.node(token, query, o.id)
							if visible && got.object != want { // a refusal may have come into the log meanwhile
								want, _ = s.direct(o, token, field)
								got = s.node(token, query, o.id)
							}
							if !visible && absent[query] == "" {
								absent[query] = s.node(token, query, noID).body
							}
							if visible && got.object != want || !visible && (got.object != "null" || got.body != absent[query]) {
								t.Errorf("%s of %v as %s: %v; another field shows %s", query, o, p.name, got, want)
							}
						}
					}
				}
			}
		}
		for _, typ := range nodeTypes(schema) {
			if counts[true][typ.Name] == 0 || counts[false][typ.Name] == 0 {
				t.Errorf("no %s was shown, or none hidden; see directly and objects", typ.Name)
			}
		}
		t.Logf("shown %v, hidden %v", counts[true], counts[false])
	})
}

// nodeTypes are the types of objects that node can return.
func nodeTypes(schema *ast.Schema) (types []*ast.Definition) {
	for _, typ := range schema.PossibleTypes["Node"] {
		if typ.Kind == ast.Object { // and no interface that has it
			types = append(types, typ)
		}
	}
	return types
}

// fieldsOf selects each field of a type; those of an event, which all have one rule, together.
func fieldsOf(schema *ast.Schema, typ *ast.Definition) (all []string) {
	for _, f := range typ.Fields {
		all = append(all, f.Name+leafOf(schema, f.Type))
	}
	if typ.Name == "AuditEvent" {
		return []string{strings.Join(all, " ")}
	}
	return all
}

const noID = "01900000-0000-7000-8000-000000000000" // an id that nothing has

// nodeShapes are ways to ask node for a field of a type.
func nodeShapes(typ, field string) []string {
	return []string{
		"query ($id: ID!) { node(id: $id) { id ... on " + typ + " { " + field + " } } }",
		"query ($id: ID!) { node(id: $id) { ...A } } fragment A on Node { ...B id } fragment B on " + typ + " { " + field + " }",
		"query ($id: ID!) { node(id: $id) { ... on " + typ + " { ... on Node { id ... on " + typ + " { " + field + " } } } } }",
	}
}

type nodeAnswer struct{ object, body string }

func (s *personas) node(token, query, id string) nodeAnswer {
	s.t.Helper()
	a := s.Do(servertest.Request{Query: query, Token: token, Variables: map[string]string{"id": id}})
	var answer struct{ Data struct{ Node any } }
	if err := json.Unmarshal([]byte(a.Body), &answer); err != nil || strings.Contains(a.Body, "VALIDATION") {
		s.t.Fatalf("%s: %v", query, a)
	}
	return nodeAnswer{servertest.JSON(answer.Data.Node), a.Body}
}

// direct returns an object as another field shows it, and whether one does.
func (s *personas) direct(o object, token, field string) (shown string, visible bool) {
	s.t.Helper()
	for _, way := range directly[o.typ] {
		find := func(selection string) (string, bool) {
			query := strings.NewReplacer("ID", o.id, "*", selection).Replace(way.query)
			var answer struct{ Data any }
			json.Unmarshal([]byte(s.Ask(token, query).Body), &answer)
			return findObject(answer.Data, way.at, o.id)
		}
		if shown, ok := find(""); ok {
			if field != "" {
				shown, _ = find(field)
			}
			return shown, true
		}
	}
	return "null", false
}

// findObject returns the object of an id at a path of an answer, or in the list there; "null" when there is none.
func findObject(at any, path, id string) (text string, ok bool) {
	name, rest, _ := strings.Cut(path, ".")
	switch at := at.(type) {
	case []any:
		for _, one := range at {
			if text, ok := findObject(one, path, id); ok {
				return text, true
			}
		}
	case map[string]any:
		if path != "" {
			return findObject(at[name], rest, id)
		}
		if at["id"] == id {
			return servertest.JSON(at), true
		}
	}
	return "null", false
}

type object struct{ typ, id string }

// objects returns a caller, their sessions with one that has just ended, their programs and an event; nothing of nobody.
// What the caller may see of them does not matter.
func (s *personas) objects(token string) (all []object) {
	s.t.Helper()
	me := s.Ask(token, "{ me { id email } }")
	if !me.OK() {
		return nil
	}
	email, password := me.Field("email"), servertest.Password
	if email == servertest.AdminAddress {
		password = servertest.AdminPassword
	}
	ended := s.Login(email, password)
	s.AccessToken(ended.Access, "account:read")
	if email != servertest.AdminAddress && s.Ask(token, "mutation { startTotp { uri } }").OK() { // others signed in long ago
		s.AddAuthenticator(token)
		s.AddPasskey(token)
	}
	var answer struct {
		Data struct {
			Me struct {
				Factors []struct {
					Typename string `json:"__typename"`
					ID       string
				}
				Sessions, AccessTokens []struct{ ID string }
				Activity               struct {
					Edges []struct{ Node struct{ ID string } }
				}
			}
		}
	}
	json.Unmarshal([]byte(s.Must(ended.Access, "{ me { factors { __typename id } sessions { id } accessTokens { id } activity(first: 1) { edges { node { id } } } } }").Body), &answer)
	s.Logout(ended.Access)
	all = append(all, object{"User", me.Field("id")})
	for _, one := range answer.Data.Me.Sessions {
		all = append(all, object{"Session", one.ID})
	}
	for _, one := range answer.Data.Me.Factors {
		all = append(all, object{one.Typename, one.ID})
	}
	for _, one := range answer.Data.Me.AccessTokens {
		all = append(all, object{"PersonalAccessToken", one.ID})
	}
	for _, one := range answer.Data.Me.Activity.Edges {
		all = append(all, object{"AuditEvent", one.Node.ID})
	}
	for _, o := range all {
		if parsed, err := uuid.Parse(o.id); err != nil || parsed.Version() != 7 {
			s.t.Errorf("%v has no UUIDv7", o)
		}
	}
	return all
}
