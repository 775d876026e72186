package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"path"
	"strings"
)

// AccountConfig is what the pages at /account show of the server's configuration.
type AccountConfig struct {
	App          string                    // name of the product
	Registration string                    // who gets an account: the value of GATEHOUSE_REGISTRATION
	GraceDays    int                       // for how long a deleted account can be had again
	Theme        []byte                    // CSS behind that of the pages; nil: none
	Redirect     func(address string) bool // whether a signed-in user may be sent on to an address; nil: to none
	// Answer has an operation of GraphQL answered, as JSON both, to the client of a request: for nobody, or for whom an
	// access token names.
	Answer func(r *http.Request, operation []byte, accessToken string) []byte
}

//go:embed account/account.html account/account.js account/account.css account/texts
var accountFiles embed.FS

// accountTexts are the words of the pages in a language. Each language has the same names.
type accountTexts struct {
	Labels   map[string]string            // of what all pages have
	Messages map[string]string            // by what happened, or a code or reason of an error
	Pages    map[string]map[string]string // by the name of the page
}

// accountPage is what the template of the pages may name.
type accountPage struct {
	accountTexts
	App, Language string
	Themed        bool
	Page          map[string]string
	Action        accountAction

	// Of a form that was sent.
	Link, TypedName    string
	Said               []string
	Ended, ForgotShown bool
}

var accountHTML = template.Must(template.New("account.html").Option("missingkey=error").
	ParseFS(accountFiles, "account/account.html"))

// accountPages serves the pages in each language.
type accountPages struct {
	answer   func(r *http.Request, operation []byte, accessToken string) []byte
	files    handler                  // that have no words
	pages    []map[string]accountPage // by language, then by address
	opened   []handler                // the same, as they are opened
	apps     []app                    // by language
	redirect func(address string) bool
}

// appPolicy is stricter than policy: nothing inline, and no script can write HTML (Trusted Types). The data: image is the
// QR code of an authenticator app.
const appPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// formPolicy is of the pages with a form that browsers can send themselves.
var formPolicy = strings.Replace(appPolicy, "form-action 'none'", "form-action 'self'", 1)

// Files are the files of the pages: each is /account/FILE.
func (c AccountConfig) Files() []string { return c.newFiles().names() }

// newFiles returns what has no words: scripts, styles, and the licenses of what they are built from.
func (c AccountConfig) newFiles() handler {
	files := builtFiles("account").themed(c.Theme)
	for file, content := range newHandler(accountFiles, "account") {
		if ext := path.Ext(file); ext == ".js" || ext == ".css" {
			files[file] = content
		}
	}
	return files
}

// Account serves the page at /account, by which users sign in and look after their account, and those that links of
// mails lead to, in the language of the request, else in English, and their files. What a page does, it does when its
// button is pressed; to open it changes nothing.
func Account(c AccountConfig) http.Handler {
	a := &accountPages{answer: c.Answer, files: c.newFiles(), redirect: c.Redirect}
	for _, name := range languages {
		pages := accountPagesIn(name, c)
		a.pages, a.opened = append(a.pages, pages), append(a.opened, opened(pages))
	}
	settings := appSettings{App: c.App, Registers: c.Registration != "closed", GraceDays: c.GraceDays}
	a.apps = newApps("account", settings, "account.css", c.Theme)
	return http.StripPrefix("/account", a)
}

// accountPagesIn reads the pages in a language, by their addresses. All is embedded, so an error is a fault of the build.
func accountPagesIn(name string, c AccountConfig) map[string]accountPage {
	text, err := accountFiles.ReadFile("account/texts/" + name + ".json")
	var words accountTexts
	if err == nil {
		err = json.Unmarshal(text, &words)
	}
	if err != nil {
		panic("web: " + err.Error())
	}
	pages := map[string]accountPage{}
	for page, action := range accountActions {
		pages["/"+page] = accountPage{
			accountTexts: words, App: c.App, Language: name, Themed: c.Theme != nil, Page: words.Pages[page], Action: action,
		}
	}
	return pages
}

// opened writes the pages as they are when a link is opened.
func opened(pages map[string]accountPage) handler {
	h := handler{}
	for address, page := range pages {
		var b bytes.Buffer
		if err := accountHTML.Execute(&b, page); err != nil {
			panic("web: " + err.Error())
		}
		h[address] = newFile(address+".html", b.Bytes())
	}
	return h
}

func (a *accountPages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	isApp := r.URL.Path == "" || r.URL.Path == "/"
	if _, ok := a.pages[0][r.URL.Path]; !ok && !isApp {
		a.files.serve(w, r, appPolicy)
		return
	}
	chosen := chooseLanguage(w, r)
	if isApp {
		a.app(r, chosen).serve(w, r, "account")
		return
	}
	if r.Method == http.MethodPost {
		setSecurityHeaders(w.Header())
		w.Header().Set("Content-Security-Policy", formPolicy)
		a.serveForm(w, r, a.pages[chosen][r.URL.Path])
		return
	}
	a.opened[chosen].serve(w, r, formPolicy)
}

// app is the page at /account in a language. A reader is sent on by it only to an address that the server allows.
func (a *accountPages) app(r *http.Request, chosen int) app {
	page := a.apps[chosen]
	if to := r.URL.Query().Get("redirect"); to != "" && a.redirect != nil && a.redirect(to) {
		page.Data.Settings.Redirect = to
	}
	return page
}
