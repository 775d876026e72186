package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// appPages are the pages that are built with Preact, by their names, as a server with a configuration serves them.
var appPages = map[string]func(app string, theme []byte) http.Handler{
	"account": func(app string, theme []byte) http.Handler {
		return Account(AccountConfig{App: app, Registration: "closed", GraceDays: 30, Theme: theme})
	},
	"admin": func(app string, theme []byte) http.Handler {
		return Admin(AdminConfig{App: app, GraceDays: 30, Theme: theme, Pages: []string{"access"}})
	},
}

var dataBlock = regexp.MustCompile(`(?s)<script id="data" type="application/json">(.*)</script>`)

// appDataOf returns what the page gives its script.
func appDataOf(t *testing.T, page string) (data appData) {
	t.Helper()
	block := dataBlock.FindStringSubmatch(page)
	if block == nil {
		t.Fatalf("the page has no data: %s", page)
	}
	testenv.Check(t, json.Unmarshal([]byte(block[1]), &data))
	return data
}

// TestApps_AreWrittenForTheirReader at both of their addresses, under a policy that allows nothing inline, and with
// nothing of the configuration as HTML.
func TestApps_AreWrittenForTheirReader(t *testing.T) {
	const name = "</script><b>Example"
	want := map[string]appSettings{"account": {App: name, GraceDays: 30},
		"admin": {App: name, GraceDays: 30, Pages: []string{"access"}}}
	for page, serve := range appPages {
		h := serve(name, nil)
		for address, base := range map[string]string{"/" + page: page + "/", "/" + page + "/": ""} {
			for accept, language := range map[string]string{"de": "de", "fr-CA": "fr", "ja": "en"} {
				w := ask(h, "GET", address, "Accept-Language", accept)
				text := w.Body.String()
				testenv.Equal(t, appPolicy, w.Header().Get("Content-Security-Policy"), "Content-Security-Policy")
				testenv.Equal(t, "Accept-Language", w.Header().Get("Vary"), "Vary")
				testenv.Equal(t, language, w.Header().Get("Content-Language"), "Content-Language")
				title := textsOf(t, page+"/app/texts/"+language+".json")["title"]
				if !strings.Contains(text, "<h1>"+title+"</h1>") || strings.Contains(text, "<b>") {
					t.Errorf("%s in %s: %s", address, language, text)
				}
				for _, match := range reference.FindAllStringSubmatch(text, -1) {
					if match[1] != "data:," && !strings.HasPrefix(match[1], base) {
						t.Errorf("%s refers to %s", address, match[1])
					}
				}
				settings, _ := json.Marshal(appDataOf(t, text).Settings)
				wanted, _ := json.Marshal(want[page])
				testenv.Equal(t, string(wanted), string(settings), "settings")
				testenv.Equal(t, strings.Contains(text, "make playground"), len(builtFiles(page)) == 0, "says how it is built")
			}
		}
		below := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = "/" + page + r.URL.Path
			h.ServeHTTP(w, r)
		})
		keepsToThePolicy(t, below, ask(below, "GET", "/").Body.String())
		testenv.Equal(t, 404, ask(h, "GET", "/"+page+"/elsewhere").Code, "another address of %s", page)
	}
	if strings.Contains(appPolicy, "unsafe") {
		t.Error("the policy allows what is inline")
	}
}

// stylesOf are the links to styles of a page.
func stylesOf(h http.Handler, address string) []string {
	links := reference.FindAllString(ask(h, "GET", address).Body.String(), -1)
	return slices.DeleteFunc(links, func(link string) bool { return !strings.Contains(link, "stylesheet") })
}

// TestPages_HaveTheOperatorsStyleLast, and none where there is none.
func TestPages_HaveTheOperatorsStyleLast(t *testing.T) {
	const theme = ":root { --accent: #0a7d4f }"
	addresses := map[string][]string{"account": {""}, "admin": {""}}
	addresses["account"] = append(addresses["account"], AccountPages...)
	for page, serve := range appPages {
		themed, plain := serve("Example", []byte(theme)), serve("Example", nil)
		w := ask(themed, "GET", "/"+page+"/theme.css")
		testenv.Equal(t, theme, w.Body.String(), "the style")
		testenv.Equal(t, "text/css; charset=utf-8", w.Header().Get("Content-Type"), "its type")
		testenv.Equal(t, 404, ask(plain, "GET", "/"+page+"/theme.css").Code, "without one")
		for _, address := range addresses[page] {
			with, without := stylesOf(themed, "/"+page+"/"+address), stylesOf(plain, "/"+page+"/"+address)
			if len(with) != len(without)+1 || !strings.Contains(with[len(with)-1], `href="theme.css"`) {
				t.Errorf("%s %q has the styles %q, and without one %q", page, address, with, without)
			}
		}
	}
	testenv.Equal(t, len(AccountConfig{}.Files())+1, len(AccountConfig{Theme: []byte(theme)}.Files()), "files of /account")
	testenv.Equal(t, len(AdminConfig{}.Files())+1, len(AdminConfig{Theme: []byte(theme)}.Files()), "files of /admin")
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
			testenv.Equal(t, want, appDataOf(t, page).Settings.Redirect, "the address to which %q leads", to)
			if to != "" && want == "" && strings.Contains(html.UnescapeString(page), to) {
				t.Errorf("the page has %q", to)
			}
		}
	}
}

// TestApps_AreSmall: all that each page loads, compressed as it travels at best.
func TestApps_AreSmall(t *testing.T) {
	size := func(body []byte) int {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write(body)
		testenv.Check(t, err)
		testenv.Check(t, w.Close())
		return b.Len()
	}
	for name, serve := range appPages {
		if len(builtFiles(name)) == 0 {
			testenv.Missing(t, "the page at /"+name, "run make playground")
		}
		h := serve("Gatehouse", nil)
		page := ask(h, "GET", "/"+name, "Accept-Language", "fr").Body.String()
		total := size([]byte(page))
		for _, match := range reference.FindAllStringSubmatch(page, -1) {
			if file := strings.TrimPrefix(match[1], name+"/"); file != "data:," {
				total += size([]byte(text(t, ask(h, "GET", "/"+name+"/"+file))))
			}
		}
		if total < 10_000 || total > 60_000 {
			t.Errorf("/%s is %d bytes", name, total)
		}
		t.Logf("/%s: %d bytes", name, total)
	}
}
