package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	_ "github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

var dataBlock = regexp.MustCompile(`(?s)<script id="data" type="application/json">(.*)</script>`)

// accountDataOf returns what the page gives its script.
func accountDataOf(t *testing.T, page string) (data accountAppData) {
	t.Helper()
	block := dataBlock.FindStringSubmatch(page)
	if block == nil {
		t.Fatalf("the page has no data: %s", page)
	}
	testenv.Check(t, json.Unmarshal([]byte(block[1]), &data))
	return data
}

// TestAccountApp_IsWrittenForItsReader at both of its addresses, under a policy that allows nothing inline, and with
// nothing of the configuration as HTML.
func TestAccountApp_IsWrittenForItsReader(t *testing.T) {
	h := Account(AccountConfig{App: "</script><b>Example", Registration: "closed", GraceDays: 30})
	for address, base := range map[string]string{"/account": "account/", "/account/": ""} {
		for language, title := range map[string]string{"de": "Ihr Konto", "ja": "Your account"} {
			w := ask(h, "GET", address, "Accept-Language", language)
			page := w.Body.String()
			testenv.Equal(t, accountPolicy, w.Header().Get("Content-Security-Policy"), "Content-Security-Policy")
			testenv.Equal(t, "Accept-Language", w.Header().Get("Vary"), "Vary")
			if !strings.Contains(page, "<h1>"+title+"</h1>") || !strings.Contains(page, `href="`+base+`account.css"`) ||
				strings.Contains(page, "<b>") {
				t.Errorf("%s in %s: %s", address, language, page)
			}
			settings := accountDataOf(t, page).Settings
			testenv.Equal(t, accountAppSettings{App: "</script><b>Example", Registration: "closed", GraceDays: 30}, settings, "settings")
			testenv.Equal(t, strings.Contains(page, "make playground"), len(builtAccountFiles()) == 0, "says how it is built")
		}
	}
	below := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/account" + r.URL.Path
		h.ServeHTTP(w, r)
	})
	keepsToThePolicy(t, below, ask(below, "GET", "/").Body.String())
	if strings.Contains(accountPolicy, "unsafe") {
		t.Error("the policy allows what is inline")
	}
}

// TestAccount_HasTheOperatorsStyleLast, on each of the pages, and none where there is none.
func TestAccount_HasTheOperatorsStyleLast(t *testing.T) {
	const theme = ":root { --accent: #0a7d4f }"
	themed, plain := AccountConfig{Theme: []byte(theme)}, AccountConfig{}
	w := ask(Account(themed), "GET", "/account/theme.css")
	testenv.Equal(t, theme, w.Body.String(), "the style")
	testenv.Equal(t, "text/css; charset=utf-8", w.Header().Get("Content-Type"), "its type")
	testenv.Equal(t, 404, ask(Account(plain), "GET", "/account/theme.css").Code, "without one")
	testenv.Equal(t, len(plain.Files())+1, len(themed.Files()), "files")
	for _, page := range append(slices.Clone(AccountPages), "") {
		links := reference.FindAllString(ask(Account(themed), "GET", "/account/"+page).Body.String(), -1)
		styles := slices.DeleteFunc(links, func(link string) bool { return !strings.Contains(link, "stylesheet") })
		if len(styles) < 2 || !strings.Contains(styles[len(styles)-1], `href="theme.css"`) {
			t.Errorf("%q has the styles %q", page, styles)
		}
		if text := ask(Account(plain), "GET", "/account/"+page).Body.String(); strings.Contains(text, "theme.css") {
			t.Errorf("%q without a style: %s", page, text)
		}
	}
}

// TestAccountApp_SendsOnOnlyWhereTheServerAllows: the page has no other address.
func TestAccountApp_SendsOnOnlyWhereTheServerAllows(t *testing.T) {
	const allowed = "https://app.example.com/?a=<b>&c"
	for _, allow := range []func(string) bool{nil, func(to string) bool { return to == allowed }} {
		h := Account(AccountConfig{Redirect: allow})
		for to, want := range map[string]string{allowed: allowed, "https://evil.example": "", "": "", "javascript:alert(1)": ""} {
			if allow == nil {
				want = ""
			}
			page := ask(h, "GET", "/account?redirect="+strings.NewReplacer("&", "%26", "<", "%3C", ">", "%3E").Replace(to)).Body.String()
			testenv.Equal(t, want, accountDataOf(t, page).Settings.Redirect, "the address to which %q leads", to)
			if to != "" && want == "" && strings.Contains(html.UnescapeString(page), to) {
				t.Errorf("the page has %q", to)
			}
		}
	}
}

// TestAccountApp_EachTextIsThereInEachLanguage, with the same values in it, and is not the English one.
func TestAccountApp_EachTextIsThereInEachLanguage(t *testing.T) {
	english := textsOf(t, "account/app/texts/en.json")
	values := regexp.MustCompile(`\{\w+\}`)
	sorted := func(text string) string {
		return strings.Join(slices.Sorted(slices.Values(values.FindAllString(text, -1))), " ")
	}
	for _, language := range []string{"de", "fr", "es"} {
		words := textsOf(t, "account/app/texts/"+language+".json")
		testenv.Equal(t, slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(words)), "texts in %s", language)
		for name, text := range words {
			if text == "" || text == english[name] {
				t.Errorf("%s: %s is %q", language, name, text)
			}
			testenv.Equal(t, sorted(english[name]), sorted(text), "values in %s of %s", name, language)
		}
	}
	if len(english) < 200 {
		t.Errorf("%d texts", len(english))
	}
}

// sources are the files that the page's script is built from, by their names.
func sources() map[string]string {
	files := map[string]string{}
	for _, name := range append(must(filepath.Glob("account/app/*.jsx")), must(filepath.Glob("account/app/*.js"))...) {
		files[name] = read(name)
	}
	return files
}

// TestAccountApp_HasEachTextThatItNames, and names each that it has; those with a part that is computed by their
// beginning.
func TestAccountApp_HasEachTextThatItNames(t *testing.T) {
	english := textsOf(t, "account/app/texts/en.json")
	named := map[string]bool{}
	beginnings := []string{}
	name := regexp.MustCompile("[^a-z]t\\((?:[\\w.]+ \\? )?(?:'([\\w.]+)'(?: : '([\\w.]+)')?|`([\\w.]*)\\$\\{)")
	for file, text := range sources() {
		for _, found := range name.FindAllStringSubmatch(text, -1) {
			for _, text := range found[1:3] {
				if named[text] = true; text != "" && english[text] == "" {
					t.Errorf("%s: there is no text %s", file, text)
				}
			}
			if found[3] != "" {
				beginnings = append(beginnings, found[3])
			}
		}
	}
	for text := range english {
		computed := slices.ContainsFunc(beginnings, func(beginning string) bool { return strings.HasPrefix(text, beginning) })
		section := strings.HasSuffix(text, ".title") // of a link to a part of the page
		if !named[text] && !computed && !section && text != "title" && text != "noScript" {
			t.Errorf("nothing names the text %s", text)
		}
	}
	if len(named) < 100 {
		t.Errorf("found %d texts", len(named))
	}
}

// TestAccountApp_SaysEachErrorAndEventOfTheSchema in words for its readers; but errors that only a wrong client gets.
func TestAccountApp_SaysEachErrorAndEventOfTheSchema(t *testing.T) {
	schema := accountSchema(t)
	english := textsOf(t, "account/app/texts/en.json")
	ours := []string{"LIMIT_EXCEEDED", "PERSISTED_QUERY_NOT_SUPPORTED", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "INTERNAL"}
	for _, enum := range []string{"ErrorCode", "InputProblem"} {
		for _, value := range schema.Types[enum].EnumValues {
			if !slices.Contains(ours, value.Name) && english["problems."+value.Name] == "" {
				t.Errorf("there is no text for %s", value.Name)
			}
		}
	}
	for _, value := range schema.Types["FactorKind"].EnumValues {
		for _, name := range []string{"secondFactor.why.", "secondFactor.by."} {
			if english[name+value.Name] == "" {
				t.Errorf("there is no text %s%s", name, value.Name)
			}
		}
	}
	kind := regexp.MustCompile(`EventKind = "(\w+)"`)
	ofTheServer := []string{"account_erased", "keys_rotated", "keys_revoked", "secret_rotated"} // not of an account
	for _, found := range kind.FindAllStringSubmatch(read("../internal/accounts/events.go"), -1) {
		if !slices.Contains(ofTheServer, found[1]) && english["activity.kinds."+found[1]] == "" {
			t.Errorf("there is no text for the event %s", found[1])
		}
	}
}

// TestAccountApp_OperationsAreOfTheSchema, so that a change of the schema is noticed here.
func TestAccountApp_OperationsAreOfTheSchema(t *testing.T) {
	schema := accountSchema(t)
	text := read("account/app/operations.js")
	session := "accessToken expiresIn refreshToken device"
	operation := regexp.MustCompile("(?s)export const \\w+ = (?:'([^']*)'|`([^`]*)`);")
	found := operation.FindAllStringSubmatch(text, -1)
	testenv.Equal(t, strings.Count(text, "export const"), len(found), "operations")
	for _, match := range found {
		document := strings.ReplaceAll(match[1]+match[2], "${session}", session)
		query, err := parser.ParseQuery(&ast.Source{Input: document})
		if err != nil {
			t.Errorf("%s: %v", document, err)
			continue
		}
		if errs := validator.ValidateWithRules(schema, query, nil); len(errs) > 0 {
			t.Errorf("%s: %v", document, errs)
		}
	}
}

func accountSchema(t *testing.T) *ast.Schema {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: read("../schema.graphql")})
	testenv.Check(t, err)
	return schema
}

// TestAccountApp_IsSmall: all that the page at /account loads, compressed as it travels at best.
func TestAccountApp_IsSmall(t *testing.T) {
	if len(builtAccountFiles()) == 0 {
		testenv.Missing(t, "the page at /account", "run make playground")
	}
	h := Account(AccountConfig{App: "Gatehouse"})
	size := func(body []byte) int {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write(body)
		testenv.Check(t, err)
		testenv.Check(t, w.Close())
		return b.Len()
	}
	page := ask(h, "GET", "/account", "Accept-Language", "fr").Body.String()
	total := size([]byte(page))
	for _, match := range reference.FindAllStringSubmatch(page, -1) {
		if name := strings.TrimPrefix(match[1], "account/"); name != "data:," {
			total += size([]byte(text(t, ask(h, "GET", "/account/"+name))))
		}
	}
	if total < 10_000 || total > 60_000 {
		t.Errorf("the page is %d bytes", total)
	}
	t.Logf("%d bytes", total)
}
