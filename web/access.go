package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

//go:embed access
var accessFiles embed.FS

// AccessPage is what the page of the access table shows.
type AccessPage struct {
	Personas []AccessPersona
	Lines    []AccessLine // those that are open to the chosen persona
	Total    int          // lines of the whole table
}

// AccessPersona is a kind of caller by which the table can be filtered.
type AccessPersona struct {
	Name   string // in the address: ?as=NAME
	Label  string
	Chosen bool
}

// AccessLine is one place of the schema.
type AccessLine struct{ What, Who string }

// Access serves the page of the access table, as /access, and its style. It has no script: to filter is to follow a
// link. The function page returns what is open to a persona; the name may be unknown.
func Access(page func(as string) AccessPage) http.Handler {
	files := newHandler(accessFiles, "access")
	html := template.Must(template.ParseFS(accessFiles, "access/access.html"))
	mux := http.NewServeMux()
	mux.Handle("GET /access.css", files)
	mux.HandleFunc("GET /access", func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		if err := html.Execute(&b, page(r.URL.Query().Get("as"))); err != nil {
			http.Error(w, "the page cannot be made", http.StatusInternalServerError)
			return
		}
		setSecurityHeaders(w.Header())
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(b.Bytes()) // an error means that the client went away
	})
	return mux
}
