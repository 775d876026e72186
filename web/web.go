// Package web serves the pages. / is the Playground: GraphiQL, which web/package.json builds into dist/playground.
// Without that folder it is a page that says how to build it. /access is the access table, /inbox the mails that were
// not sent, /account the page by which users look after their account, and those that links in mails lead to, /admin
// the page of administrators; both are built into the folders of dist that have their names. The package does not know
// the API. No page sends requests to another server, and the Content-Security-Policy forbids it.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Without "all:" the pattern would match no file, and fail, where only .gitkeep is there.
//
//go:embed all:dist
var dist embed.FS

//go:embed unbuilt
var unbuilt embed.FS

// policy allows what comes from this server only. The exceptions are for Monaco, GraphiQL's editor: it writes <style>
// elements and style attributes, for which it takes no nonce, and underlines mistakes with a data: image. The rest
// bounds what an injected style could do: it cannot load anything from another server.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; worker-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Built reports whether the Playground was built before this program was compiled.
func Built() bool {
	_, err := fs.Stat(dist, "dist/playground/index.html")
	return err == nil
}

// Handler serves the page at / and its files beside it; every other path is not found. The page links to the others
// that are named, of access, account, admin and inbox.
func Handler(pages ...string) http.Handler {
	if !Built() {
		return newHandler(unbuilt, "unbuilt")
	}
	h := newHandler(dist, "dist/playground")
	links := []byte(`data-pages="` + strings.Join(pages, " ") + `"`)
	h["/"] = newFile("index.html", bytes.Replace(h["/"].body, []byte(`data-pages=""`), links, 1))
	return h
}

type file struct {
	body        []byte
	compressed  bool // body is gzip
	contentType string
	cache       string
	etag        string
}

type handler map[string]file

// newHandler reads the folder root of fsys. The folder is embedded, so an error is a fault of the build.
func newHandler(fsys fs.FS, root string) handler {
	files := handler{}
	err := fs.WalkDir(fsys, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		files[urlPath(strings.TrimPrefix(name, root))] = newFile(name, body)
		return err
	})
	if err != nil {
		panic("web: " + err.Error())
	}
	return files
}

func urlPath(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), "index.html")
}

func newFile(name string, body []byte) file {
	plain, compressed := strings.CutSuffix(name, ".gz")
	f := file{body: body, compressed: compressed, contentType: contentType(plain), cache: "no-cache"}
	if strings.Contains(name, "/assets/") { // Vite names them after their contents
		f.cache = "public, max-age=31536000, immutable"
	}
	sum := sha256.Sum256(body)
	f.etag = strconv.Quote(hex.EncodeToString(sum[:16]))
	return f
}

// contentType does not use the mime package, whose answers depend on the machine.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".ttf":
		return "font/ttf"
	case ".md":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve(w, r, policy) }

// serve answers with a file, under a Content-Security-Policy.
func (h handler) serve(w http.ResponseWriter, r *http.Request, policy string) {
	setSecurityHeaders(w.Header())
	w.Header().Set("Content-Security-Policy", policy)
	f, ok := h[r.URL.Path]
	switch {
	case !ok:
		http.NotFound(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "use GET or HEAD", http.StatusMethodNotAllowed)
	default:
		f.serve(w, r)
	}
}

func setSecurityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", f.contentType)
	w.Header().Set("Cache-Control", f.cache)
	if f.compressed {
		w.Header().Set("Vary", "Accept-Encoding")
		if !acceptsGzip(r.Header.Get("Accept-Encoding")) {
			f.serveExpanded(w)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("ETag", f.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
}

// serveExpanded sends no ETag: f.etag names the compressed form.
func (f file) serveExpanded(w http.ResponseWriter) {
	body, err := gzip.NewReader(bytes.NewReader(f.body))
	if err != nil {
		http.Error(w, "the file was not built completely", http.StatusInternalServerError)
		return
	}
	_, _ = io.Copy(w, body) // an error means that the client went away
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, 12.5.3), of which only gzip by its name matters here.
func acceptsGzip(header string) bool {
	for _, coding := range strings.Split(header, ",") {
		name, weight, weighted := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";q=")
		if !strings.EqualFold(name, "gzip") {
			continue
		}
		q, err := strconv.ParseFloat(weight, 64)
		return !weighted || err == nil && q > 0
	}
	return false
}
