package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
)

// accountAppFiles are the page's HTML and words. What its script and style are built from is not in the program.
//
//go:embed account/app.html account/app/texts
var accountAppFiles embed.FS

// AccountConfig is what the pages at /account show of the server's configuration.
type AccountConfig struct {
	App          string                    // name of the product
	Registration string                    // who gets an account: the value of GATEHOUSE_REGISTRATION
	GraceDays    int                       // for how long a deleted account can be had again
	Theme        []byte                    // CSS behind that of the pages; nil: none
	Redirect     func(address string) bool // whether a signed-in user may be sent on to an address; nil: to none
}

// themeFile is the name of the operator's style.
const themeFile = "theme.css"

// accountApp is the page at /account in a language.
type accountApp struct {
	App, Language, Title, NoScript string
	Base                           string   // what the addresses of files begin with
	Scripts, Styles                []string // the operator's style is the last
	Data                           accountAppData
}

// accountAppData is what the page's script reads.
type accountAppData struct {
	Settings accountAppSettings `json:"settings"`
	Texts    json.RawMessage    `json:"texts"`
}

type accountAppSettings struct {
	App          string `json:"app"`
	Registration string `json:"registration"`
	GraceDays    int    `json:"graceDays"`
	Redirect     string `json:"redirect,omitempty"`
}

var accountAppHTML = template.Must(template.ParseFS(accountAppFiles, "account/app.html"))

// builtAccountFiles are the files that Vite builds for the page at /account; none when it was not built.
func builtAccountFiles() handler {
	if _, err := fs.Stat(dist, "dist/account"); err != nil {
		return handler{}
	}
	return newHandler(dist, "dist/account")
}

// newAccountApp reads the page in a language. All is embedded, so an error is a fault of the build.
func newAccountApp(language string, c AccountConfig, built handler) accountApp {
	texts, err := accountAppFiles.ReadFile("account/app/texts/" + language + ".json")
	var words struct{ Title, NoScript string }
	if err == nil {
		err = json.Unmarshal(texts, &words)
	}
	if err != nil {
		panic("web: " + err.Error())
	}
	a := accountApp{App: c.App, Language: language, Title: words.Title, NoScript: words.NoScript}
	a.Data = accountAppData{accountAppSettings{App: c.App, Registration: c.Registration, GraceDays: c.GraceDays}, texts}
	for name := range built {
		switch path.Ext(name) {
		case ".js":
			a.Scripts = append(a.Scripts, name[1:])
		case ".css":
			a.Styles = append(a.Styles, name[1:])
		}
	}
	slices.Sort(a.Scripts)
	slices.Sort(a.Styles)
	if c.Theme != nil {
		a.Styles = append(a.Styles, themeFile)
	}
	return a
}

// serveApp writes the page for its two addresses, /account and /account/. A reader is sent on by it only to an address
// that the server allows.
func (a *accountPages) serveApp(w http.ResponseWriter, r *http.Request, app accountApp) {
	if r.URL.Path == "" {
		app.Base = "account/"
	}
	if to := r.URL.Query().Get("redirect"); to != "" && a.redirect != nil && a.redirect(to) {
		app.Data.Settings.Redirect = to
	}
	var b bytes.Buffer
	if err := accountAppHTML.Execute(&b, app); err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	setSecurityHeaders(w.Header())
	w.Header().Set("Content-Security-Policy", accountPolicy)
	newFile("app.html", b.Bytes()).serve(w, r)
}
