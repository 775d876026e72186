package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
)

// appFiles are the HTML and the words of the pages that are built with Preact, each from the folder of its name and from
// common. What their scripts and styles are built from is not in the program.
//
//go:embed common/app.html common/texts account/app/texts admin/app/texts
var appFiles embed.FS

// themeFile is the name of the operator's style.
const themeFile = "theme.css"

// app is a page that is built with Preact, in a language.
type app struct {
	App, Language, Title, NoScript string
	Base                           string   // what the addresses of files begin with
	Scripts, Styles                []string // the operator's style is the last
	Data                           appData
}

// appData is what the script of a page reads.
type appData struct {
	Settings appSettings                `json:"settings"`
	Texts    map[string]json.RawMessage `json:"texts"`
}

// appSettings is what the pages show of the server's configuration.
type appSettings struct {
	App       string   `json:"app"`
	Registers bool     `json:"registers,omitempty"` // whether the page makes accounts
	GraceDays int      `json:"graceDays"`
	Redirect  string   `json:"redirect,omitempty"`
	Pages     []string `json:"pages,omitempty"` // to which it links
}

var appHTML = template.Must(template.ParseFS(appFiles, "common/app.html"))

// builtFiles are the files that Vite builds for a page; none when it was not built.
func builtFiles(name string) handler {
	root := path.Join("dist", name)
	if _, err := fs.Stat(dist, root); err != nil {
		return handler{}
	}
	return newHandler(dist, root)
}

// themed adds the operator's style, if there is one.
func (h handler) themed(theme []byte) handler {
	if theme != nil {
		h["/"+themeFile] = newFile(themeFile, theme)
	}
	return h
}

// names are those of the files, in order.
func (h handler) names() (names []string) {
	for name := range h {
		names = append(names, name[1:])
	}
	slices.Sort(names)
	return names
}

// newApps reads a page in each language. Before the styles that are built comes base, unless it is "". All is embedded,
// so an error is a fault of the build.
func newApps(name string, settings appSettings, base string, theme []byte) (apps []app) {
	scripts, styles := []string{}, []string{}
	for file := range builtFiles(name) {
		switch path.Ext(file) {
		case ".js":
			scripts = append(scripts, file[1:])
		case ".css":
			styles = append(styles, file[1:])
		}
	}
	slices.Sort(scripts)
	slices.Sort(styles)
	if base != "" {
		styles = slices.Insert(styles, 0, base)
	}
	if theme != nil {
		styles = append(styles, themeFile)
	}
	for _, language := range languages {
		a := app{App: settings.App, Language: language, Scripts: scripts, Styles: styles}
		a.Data = appData{settings, appTexts(name, language)}
		if err := errors.Join(json.Unmarshal(a.Data.Texts["title"], &a.Title),
			json.Unmarshal(a.Data.Texts["noScript"], &a.NoScript)); err != nil {
			panic("web: " + err.Error())
		}
		apps = append(apps, a)
	}
	return apps
}

// appTexts are the words of a page, and of what pages have in common, in a language.
func appTexts(name, language string) map[string]json.RawMessage {
	texts := map[string]json.RawMessage{}
	for _, folder := range []string{"common", name + "/app"} {
		words := map[string]json.RawMessage{}
		file, err := appFiles.ReadFile(folder + "/texts/" + language + ".json")
		if err = errors.Join(err, json.Unmarshal(file, &words)); err != nil {
			panic("web: " + folder + ": " + err.Error())
		}
		maps.Copy(texts, words)
	}
	return texts
}

// serve writes the page for its two addresses, /NAME and /NAME/.
func (a app) serve(w http.ResponseWriter, r *http.Request, name string) {
	if r.URL.Path == "" {
		a.Base = name + "/"
	}
	var b bytes.Buffer
	if err := appHTML.Execute(&b, a); err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	setSecurityHeaders(w.Header())
	w.Header().Set("Content-Security-Policy", appPolicy)
	newFile("app.html", b.Bytes()).serve(w, r)
}
