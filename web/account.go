package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"path"
	"slices"
)

// AccountConfig is what the pages at /account show of the server's configuration.
type AccountConfig struct {
	App          string                    // name of the product
	Registration string                    // who gets an account: the value of GATEHOUSE_REGISTRATION
	GraceDays    int                       // for how long a deleted account can be had again
	Theme        []byte                    // CSS behind that of the pages; nil: none
	Redirect     func(address string) bool // whether a signed-in user may be sent on to an address; nil: to none
}

//go:embed account/account.html account/account.js account/account.css account/texts
var accountFiles embed.FS

// AccountPages are the pages: each is /account/PAGE. But for forgot, which has a mail sent, links of mails lead to them.
var AccountPages = []string{"verify", "reset", "change-email", "undo-email", "secure", "invitation", "register", "export",
	"forgot"}

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
}

// accountPages serves the pages in each language.
type accountPages struct {
	files    handler   // that have no words
	pages    []handler // by language
	apps     []app     // by language
	redirect func(address string) bool
}

// appPolicy is stricter than policy: nothing inline, and no script can write HTML (Trusted Types). The data: image is the
// QR code of an authenticator app.
const appPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// Files are the files of the pages: each is /account/FILE.
func (c AccountConfig) Files() (names []string) {
	for name := range c.newFiles() {
		names = append(names, name[1:])
	}
	slices.Sort(names)
	return names
}

// newFiles returns what has no words: scripts, styles, and the licenses of what they are built from.
func (c AccountConfig) newFiles() handler {
	files := builtFiles("account")
	for file, content := range newHandler(accountFiles, "account") {
		if ext := path.Ext(file); ext == ".js" || ext == ".css" {
			files[file] = content
		}
	}
	if c.Theme != nil {
		files["/"+themeFile] = newFile(themeFile, c.Theme)
	}
	return files
}

// Account serves the page at /account, by which users sign in and look after their account, and those that links of
// mails lead to, in the language of the request, else in English, and their files. What a page does, it does when its
// button is pressed; to open it changes nothing.
func Account(c AccountConfig) http.Handler {
	a := &accountPages{files: c.newFiles(), redirect: c.Redirect}
	for _, name := range languages {
		a.pages = append(a.pages, accountPagesIn(name, c))
	}
	settings := appSettings{App: c.App, Registers: c.Registration != "closed", GraceDays: c.GraceDays}
	a.apps = newApps("account", settings, "account.css", c.Theme)
	return http.StripPrefix("/account", a)
}

// accountPagesIn writes the pages in a language. All is embedded, so an error is a fault of the build.
func accountPagesIn(name string, c AccountConfig) handler {
	html := template.Must(template.New("account.html").Option("missingkey=error").
		ParseFS(accountFiles, "account/account.html"))
	text, err := accountFiles.ReadFile("account/texts/" + name + ".json")
	var words accountTexts
	if err == nil {
		err = json.Unmarshal(text, &words)
	}
	pages := handler{}
	for _, page := range AccountPages {
		var b bytes.Buffer
		if err == nil {
			err = html.Execute(&b, accountPage{words, c.App, name, c.Theme != nil, words.Pages[page]})
		}
		pages["/"+page] = newFile(page+".html", b.Bytes())
	}
	if err != nil {
		panic("web: " + err.Error())
	}
	return pages
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
	a.pages[chosen].serve(w, r, appPolicy)
}

// app is the page at /account in a language. A reader is sent on by it only to an address that the server allows.
func (a *accountPages) app(r *http.Request, chosen int) app {
	page := a.apps[chosen]
	if to := r.URL.Query().Get("redirect"); to != "" && a.redirect != nil && a.redirect(to) {
		page.Data.Settings.Redirect = to
	}
	return page
}
