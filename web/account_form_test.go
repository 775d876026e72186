package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// graphqlServer answers the first document with one answer, and keeps what it was asked.
type graphqlServer struct {
	answer string
	asked  []string          // documents
	tokens []string          // with which they were
	sent   map[string]string // variables of the first
}

func (g *graphqlServer) respond(_ *http.Request, operation []byte, accessToken string) []byte {
	var body struct {
		Query     string
		Variables map[string]string
	}
	if json.Unmarshal(operation, &body) != nil {
		panic("no JSON")
	}
	g.asked, g.tokens = append(g.asked, body.Query), append(g.tokens, accessToken)
	if len(g.asked) == 1 {
		g.sent = body.Variables
		return []byte(g.answer)
	}
	return []byte(`{"data": {"logout": {"success": true}}}`)
}

// send sends the form of a page as a browser without scripts does.
func send(g *graphqlServer, page string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/account/"+page, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	Account(AccountConfig{App: "Example", Answer: g.respond}).ServeHTTP(w, r)
	return w
}

var filled = url.Values{
	"link": {" https://id.example.com/account/x#token=abc.def-_ "}, "email": {"ann@example.com"}, "password": {"a password"}, "name": {"Ann"},
}

// said are the sentences of the page's answer.
func said(html string) string {
	_, status, _ := strings.Cut(html, `<div role="status" tabindex="-1">`)
	status, _, _ = strings.Cut(status, "</div>")
	return strings.TrimSpace(strings.NewReplacer("<p>", "", "</p>", "|", "&#39;", "'").Replace(status))
}

// TestAccountForm_DoesWhatTheScriptDoes for each page: it sends the page's document with what was typed, for nobody, and
// says what came of it.
func TestAccountForm_DoesWhatTheScriptDoes(t *testing.T) {
	words := accountTextsOf(t, "en")
	for page, action := range accountActions {
		field := mutation.FindStringSubmatch(action.Document)[1]
		g := &graphqlServer{answer: fmt.Sprintf(`{"data": {%q: {"accessToken": "T1", "success": true}}}`, field)}
		w := send(g, page, filled)
		want := map[string]string{"token": "abc.def-_", "email": "ann@example.com", "password": "a password", "name": "Ann"}
		for name := range want {
			if !strings.Contains(action.Document, "$"+name) {
				delete(want, name)
			}
		}
		testenv.Equal(t, want, g.sent, "variables of %s", page)
		testenv.Equal(t, []string{action.Document, "mutation { logout { success } }"}, g.asked, "documents of %s", page)
		testenv.Equal(t, []string{"", "T1"}, g.tokens, "who asks for %s, and logs out", page)
		testenv.Equal(t, words["pages."+page+".done"]+"|", said(w.Body.String()), "what %s says", page)
		testenv.Equal(t, "no-store", w.Header().Get("Cache-Control"), "Cache-Control")
		if strings.Contains(w.Body.String(), "<form") || strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%s can be sent again: %s", page, w.Body)
		}
	}
}

func TestAccountForm_SaysWhatWasRefused(t *testing.T) {
	words := accountTextsOf(t, "en")
	for page, action := range accountActions {
		message := func(name string) string { return words["messages."+name] + "|" }
		ended := func(name string) string { return message(name) + words["pages."+page+".again"] + "|" }
		for extensions, want := range map[string]struct {
			says  string
			again bool // whether the form is there again
		}{
			`"code": "INVALID_TOKEN", "reason": "used"`:            {ended("used"), false},
			`"code": "INVALID_TOKEN", "reason": "new"`:             {ended("unknown"), false},
			`"code": "BAD_USER_INPUT", "reason": "TOO_COMMON"`:     {message("TOO_COMMON"), true},
			`"code": "RATE_LIMITED", "retryAfter": 7`:              {strings.ReplaceAll(message("RATE_LIMITED"), "{seconds}", "7"), true},
			`"code": "UNAVAILABLE"`:                                {message("UNAVAILABLE"), true},
			`"code": "OF_A_LATER_VERSION", "reason": "of another"`: {message("failed"), true},
			`"code": "SECOND_FACTOR_REQUIRED"`:                     {words["pages."+page+".done"] + "|", false},
		} {
			html := send(&graphqlServer{answer: `{"data": null, "errors": [{"message": "no", "extensions": {` + extensions + `}}]}`},
				page, filled).Body.String()
			testenv.Equal(t, want.says, said(html), "%s: %s", page, extensions)
			testenv.Equal(t, want.again, strings.Contains(html, "<form"), "the form of %s after %s", page, extensions)
			if want.again && (strings.Contains(html, "a password") || !action.Open && !strings.Contains(html, "abc.def-_")) {
				t.Errorf("%s gives a password back, or takes the link away: %s", page, html)
			}
		}
		html := send(&graphqlServer{answer: "<h1>502</h1>"}, page, filled).Body.String()
		testenv.Equal(t, message("failed"), said(html), "%s without an answer", page)
	}
}

func TestAccountForm_WithoutALinkAsksNobody(t *testing.T) {
	for page, action := range accountActions {
		g := &graphqlServer{answer: `{"data": {"x": {"success": true}}}`}
		html := send(g, page, url.Values{"link": {" "}}).Body.String()
		if asked := len(g.asked) > 0; asked != action.Open {
			t.Errorf("%s without a link: %v, %s", page, g.asked, said(html))
		}
	}
}

func TestAccountForm_TypedTextIsText(t *testing.T) {
	g := &graphqlServer{answer: `{"errors": [{"message": "no", "extensions": {"code": "UNAVAILABLE"}}]}`}
	html := send(g, "invitation", url.Values{
		"link": {`"><script>alert(1)</script>`}, "name": {`"><img src=x>`}, "password": {"x"},
	}).Body.String()
	if strings.Contains(html, "<script>") || strings.Contains(html, "<img") || !strings.Contains(html, "&lt;img") {
		t.Error(html)
	}
}

func TestAccountForm_GivesTheDataAsAFile(t *testing.T) {
	w := send(&graphqlServer{answer: `{"data": {"downloadMyData": {"json": "{\"users\":[]}"}}}`}, "export", filled)
	testenv.Equal(t, "{\n  \"users\": []\n}", w.Body.String(), "file")
	testenv.Equal(t, `attachment; filename="my-data.json"`, w.Header().Get("Content-Disposition"), "Content-Disposition")
}

func TestAccountForm_IsBounded(t *testing.T) {
	g := &graphqlServer{}
	w := send(g, "verify", url.Values{"link": {strings.Repeat("a", maxFormLen)}})
	testenv.Equal(t, http.StatusBadRequest, w.Code, "status")
	testenv.Equal(t, 0, len(g.asked), "documents")
}
