package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"path"
	"slices"

	"golang.org/x/text/language"
)

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
	files     handler // that have no words
	languages []string
	pages     []handler    // by language
	apps      []accountApp // by language
	matcher   language.Matcher
	redirect  func(address string) bool
}

// accountPolicy is stricter than policy: nothing inline, and no script can write HTML (Trusted Types). The data: image
// is the QR code of an authenticator app.
const accountPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
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
	files := builtAccountFiles()
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
	built := builtAccountFiles()
	tags := []language.Tag{}
	for _, name := range []string{"en", "de", "fr", "es"} { // the first is for those whose own language there is none of
		a.languages, tags = append(a.languages, name), append(tags, language.Make(name))
		a.pages = append(a.pages, accountPagesIn(name, c))
		a.apps = append(a.apps, newAccountApp(name, c, built))
	}
	a.matcher = language.NewMatcher(tags)
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
	chosen := a.language(r.Header.Get("Accept-Language"))
	isApp := r.URL.Path == "" || r.URL.Path == "/"
	if _, ok := a.pages[chosen][r.URL.Path]; !ok && !isApp {
		a.files.serve(w, r, accountPolicy)
		return
	}
	w.Header().Set("Content-Language", a.languages[chosen])
	w.Header().Set("Vary", "Accept-Language")
	if isApp {
		a.serveApp(w, r, a.apps[chosen])
		return
	}
	a.pages[chosen].serve(w, r, accountPolicy)
}

// maxAcceptLanguageLen bounds what is read of an Accept-Language, in bytes.
const maxAcceptLanguageLen = 200

// language returns the place of the language that is for a reader.
func (a *accountPages) language(accept string) int {
	tags, _, err := language.ParseAcceptLanguage(accept[:min(len(accept), maxAcceptLanguageLen)])
	if err != nil {
		return 0
	}
	_, index, confidence := a.matcher.Match(tags...)
	if confidence <= language.Low { // as Chinese in one script for readers of the other
		return 0
	}
	return index
}
