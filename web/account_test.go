package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

var tags = regexp.MustCompile(`<[^>]*>|\{\{[^}]*\}\}`)

// TestAccount_PagesAreInTheLanguageOfTheirReader, or in English; and nothing of them is in another.
func TestAccount_PagesAreInTheLanguageOfTheirReader(t *testing.T) {
	h := Account(AccountConfig{App: "Example"})
	for accept, want := range map[string]string{
		"de": "de", "fr-CH, fr;q=0.9, en;q=0.8": "fr", "es-419": "es", "en-GB,de;q=0.5": "en", "": "en", "ja": "en", "x": "en",
		"\xff": "en", "*": "en", strings.Repeat("de-", 5000): "en", "ja, de;q=0.5": "de",
	} {
		words := accountTextsOf(t, want)
		for _, page := range AccountPages {
			w := ask(h, "GET", "/account/"+page, "Accept-Language", accept)
			html := w.Body.String()
			testenv.Equal(t, want, w.Header().Get("Content-Language"), "Content-Language for %q", accept)
			testenv.Equal(t, "Accept-Language", w.Header().Get("Vary"), "Vary")
			if title := words["pages."+page+".title"]; title == "" || !strings.Contains(html, `lang="`+want+`"`) ||
				!strings.Contains(html, "<h1>"+title+"</h1>") {
				t.Errorf("%s for %q: %s", page, accept, html)
			}
		}
	}
	below := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/account" + r.URL.Path
		h.ServeHTTP(w, r)
	})
	for _, page := range AccountPages {
		keepsToThePolicy(t, below, ask(below, "GET", "/"+page).Body.String())
	}
	testenv.Equal(t, "·", strings.Join(strings.Fields(tags.ReplaceAllString(read("account/account.html"), "")), " "),
		"words of the template")
}

// TestAccount_EachTextIsThereInEachLanguage, and is not the English one.
func TestAccount_EachTextIsThereInEachLanguage(t *testing.T) {
	english := accountTextsOf(t, "en")
	files := must(accountFiles.ReadDir("account/texts"))
	for _, file := range files {
		language := strings.TrimSuffix(file.Name(), ".json")
		words := accountTextsOf(t, language)
		testenv.Equal(t, slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(words)), "texts in %s", language)
		if w := ask(Account(AccountConfig{}), "GET", "/account/verify", "Accept-Language", language); w.Header().Get("Content-Language") != language {
			t.Errorf("no page is in %s", language)
		}
		for name, text := range words {
			if text == "" || language != "en" && text == english[name] {
				t.Errorf("%s: %s is %q", language, name, text)
			}
			if strings.Count(text, "{seconds}") != strings.Count(english[name], "{seconds}") {
				t.Errorf("%s: %s has not what the English one has", language, name)
			}
		}
	}
	if len(files) < 4 || len(english) < 40 {
		t.Errorf("%d languages, %d texts", len(files), len(english))
	}
}

var (
	mutation = regexp.MustCompile(`^mutation\([^)]*\) \{ (\w+)\(`)
	doc      = regexp.MustCompile(`(?s)"""([^"]*)"""\s+(\w+)\(`)
	code     = regexp.MustCompile("`([A-Z_]+)`")
)

// TestAccount_EachErrorOfItsMutationsHasAText: the reader is not told in words for developers, nor in English.
func TestAccount_EachErrorOfItsMutationsHasAText(t *testing.T) {
	errorsOf := map[string]string{}
	for _, found := range doc.FindAllStringSubmatch(read("../schema.graphql"), -1) {
		_, list, _ := strings.Cut(found[1], "Errors:")
		errorsOf[found[2]], _, _ = strings.Cut(list, ";")
	}
	words := accountTextsOf(t, "en")
	more := map[string][]string{ // texts in place of that of the code
		"INVALID_TOKEN":          {"missing", "used", "expired", "revoked", "unknown"},
		"BAD_USER_INPUT":         {"REQUIRED", "TOO_SHORT", "TOO_LONG", "TOO_COMMON", "SAME_AS_EMAIL", "MALFORMED"},
		"SECOND_FACTOR_REQUIRED": {}, // resetPassword has changed the password, and the page says that it is done
	}
	for _, action := range accountActions {
		m := mutation.FindStringSubmatch(action.Document)
		codes := code.FindAllStringSubmatch(errorsOf[m[1]], -1)
		if len(codes) == 0 {
			t.Errorf("the schema names no errors of %s", m[1])
		}
		for _, c := range codes {
			names := more[c[1]]
			if names == nil {
				names = []string{c[1]}
			}
			for _, name := range names {
				if words["messages."+name] == "" {
					t.Errorf("%s of %s has no text", name, m[1])
				}
			}
		}
	}
}

// accountTextsOf are the texts in a language by their paths.
func accountTextsOf(t *testing.T, language string) map[string]string {
	t.Helper()
	return textsOf(t, "account/texts/"+language+".json")
}

func textsOf(t *testing.T, file string) map[string]string {
	t.Helper()
	var tree any
	testenv.Check(t, json.Unmarshal(must(os.ReadFile(file)), &tree))
	texts := map[string]string{}
	var walk func(path string, node any)
	walk = func(path string, node any) {
		if text, ok := node.(string); ok {
			texts[path[1:]] = text
			return
		}
		for name, child := range node.(map[string]any) {
			walk(path+"."+name, child)
		}
	}
	walk("", tree)
	return texts
}
