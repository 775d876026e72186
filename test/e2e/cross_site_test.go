package e2e

import (
	"bytes"
	"cmp"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// simpleRequests are the ways in which a page of another origin sends an operation without a question before (CORS's
// preflight), and the one, JSON, that a browser asks about.
func simpleRequests(t *testing.T, operation string) map[string]servertest.Request {
	t.Helper()
	body := servertest.JSON(map[string]string{"query": operation})
	form := url.Values{"query": {operation}, "operations": {body}}.Encode()
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	for name, value := range map[string]string{"query": operation, "operations": body, "map": "{}"} {
		servertest.Check(t, w.WriteField(name, value))
	}
	servertest.Check(t, w.Close())
	all := map[string]servertest.Request{}
	for name, r := range map[string][4]string{
		"form":             {"POST", "", "application/x-www-form-urlencoded", form},
		"form in UTF-8":    {"POST", "", "application/x-www-form-urlencoded; charset=UTF-8", form},
		"JSON as form":     {"POST", "", "application/x-www-form-urlencoded", body},
		"multipart":        {"POST", "", w.FormDataContentType(), parts.String()},
		"text":             {"POST", "", "text/plain", body},
		"text in UTF-8":    {"POST", "", "text/plain;charset=UTF-8", body},
		"text form":        {"POST", "", "text/plain", strings.TrimSuffix(body, "}") + `,"a":"="}`},
		"text, then JSON":  {"POST", "", "text/plain; application/json", body},
		"beacon":           {"POST", "", "", body}, // of a Blob without a type
		"form and address": {"POST", "?" + form, "application/x-www-form-urlencoded", ""},
		"text and address": {"POST", "?" + form, "text/plain", ""},
		"navigation":       {"GET", "?" + form, "", ""},
		"HEAD":             {"HEAD", "?" + form, "", ""},
		"JSON":             {"POST", "", "application/json", body},
	} {
		all[name] = servertest.Request{Method: r[0], Path: "/graphql" + r[1], Body: r[3],
			Header: []string{"Content-Type", cmp.Or(r[2], " ")}} // which is sent as none
	}
	return all
}

// TestCrossSite_NoMutationIsDoneForAForeignPage sends each mutation of the schema with a user's cookie, in each way
// that needs no leave, from pages of other sites and of another port of the same: the operation does not begin. From
// an origin that is allowed it does.
func TestCrossSite_NoMutationIsDoneForAForeignPage(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	const app = "http://127.0.0.1:3000"
	s := servertest.Start(t, "GATEHOUSE_ALLOWED_ORIGINS="+app)
	a := s.Ask("", strings.Replace(annRegisters, "refreshToken", "accessToken", 1), "Origin", app)
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	ann := a.Field("accessToken")
	eve := s.Register() // by whose session the attacker would have ann act
	state := func() string {
		return s.Must(ann, `{ me { email name locale updatedAt status pendingEmail sessions { id } factors { __typename }
			accessTokens { id } activity(first: 100) { edges { node { id } } } } }`).Body
	}
	before := state()
	send := func(r servertest.Request, header ...string) (int, http.Header, string) {
		r.Header = append(append(r.Header, "Cookie", cookie), header...)
		answer := s.Do(r)
		servertest.Check(t, answer.Err)
		return answer.Status, answer.Header, answer.Body
	}
	values := map[string]string{"cookie": "true", "email": servertest.JSON(eve.Email),
		"password": servertest.JSON(servertest.Password)}
	pages := map[string][]string{
		"another site":                 {"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"},
		"another port":                 {"Origin", "http://127.0.0.1:3001", "Sec-Fetch-Site", "same-site"},
		"a sandbox":                    {"Origin", "null", "Sec-Fetch-Site", "cross-site"},
		"another site, without Origin": {"Sec-Fetch-Site", "cross-site"},
		"another port, without Origin": {"Sec-Fetch-Site", "same-site"},
		"an old browser":               {},
	}
	sent, done := 0, 0
	for _, f := range schema.Mutation.Fields {
		operation := "mutation { " + f.Name + servertest.Arguments(schema, f, values) + " { __typename } }"
		for page, header := range pages {
			for way, r := range simpleRequests(t, operation) {
				sent++
				status, h, body := send(r, header...)
				if status < 400 || strings.Contains(body, `"data"`) || strings.Contains(body, `"path"`) ||
					h.Get("Set-Cookie") != "" || h.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s by %s, from %s: %d %v %s", f.Name, way, page, status, h, body)
				}
			}
		}
		if f.Name == "logout" {
			continue // below
		}
		_, h, body := send(simpleRequests(t, operation)["JSON"], "Origin", app, "Sec-Fetch-Site", "same-site")
		if strings.Contains(body, `"path":["`+f.Name+`"]`) || strings.Contains(body, `"`+f.Name+`":{`) {
			done++
		} else {
			t.Errorf("%s from an origin that is allowed: %s", f.Name, body)
		}
		if next := h.Get("Set-Cookie"); f.Name == "refresh" {
			if cookie, _, _ = strings.Cut(next, ";"); cookie == "" {
				t.Fatalf("refresh from an origin that is allowed gives no cookie: %s", body)
			}
		}
	}
	testenv.Equal(t, before, state(), "what ann has")
	leaves := simpleRequests(t, "mutation { logout { success } }")["JSON"]
	_, _, body := send(leaves, "Origin", app)
	if !strings.Contains(body, "true") || s.Code(ann, servertest.Me) != "UNAUTHENTICATED" {
		t.Errorf("logout from an origin that is allowed: %s", body)
	}
	t.Logf("%d requests of foreign pages; %d mutations begin from an allowed origin", sent, done)
}
