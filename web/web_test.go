package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

const script = "console.log('a script')"

// built is a Playground as Vite leaves it.
func built(t *testing.T) http.Handler {
	t.Helper()
	return newHandler(fstest.MapFS{
		"out/index.html":          {Data: []byte("<!doctype html>the page")},
		"out/licenses.md.gz":      {Data: gzipped(t, "# Licenses")},
		"out/assets/main-1.js.gz": {Data: gzipped(t, script)},
	}, "out")
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	testenv.Check(t, errors.Join(err, w.Close()))
	return b.Bytes()
}

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPathsAndMethods(t *testing.T) {
	h := built(t)
	const immutable = "public, max-age=31536000, immutable" // only files whose names change with their contents
	for _, tt := range []struct {
		method, path       string
		status             int
		contentType, cache string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/?query=x", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/assets/main-1.js", 200, "text/javascript; charset=utf-8", immutable},
		{"GET", "/licenses.md", 200, "text/plain; charset=utf-8", "no-cache"},
		{"POST", "/", 405, "text/plain; charset=utf-8", ""},
		{"OPTIONS", "/assets/main-1.js", 405, "text/plain; charset=utf-8", ""},
		{"GET", "/index.html", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/assets/", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/assets/main-1.js.gz", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/assets/main-2.js", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/.gitkeep", 404, "text/plain; charset=utf-8", ""},
		{"POST", "/elsewhere", 404, "text/plain; charset=utf-8", ""},
	} {
		w := ask(h, tt.method, tt.path)
		testenv.Equal(t, tt.status, w.Code, "%s %s", tt.method, tt.path)
		if allow := w.Header().Get("Allow"); (allow == "GET, HEAD") != (tt.status == 405) {
			t.Errorf("%s %s: Allow %q", tt.method, tt.path, allow)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Cache-Control": tt.cache,
			"Content-Type": tt.contentType,
		} {
			testenv.Equal(t, want, w.Header().Get(name), "%s %s: %s", tt.method, tt.path, name)
		}
	}
}

func TestUnchangedPageIsNotSentAgain(t *testing.T) {
	h := built(t)
	etag := ask(h, "GET", "/").Header().Get("ETag")
	if w := ask(h, "GET", "/", "If-None-Match", etag); etag == "" || w.Code != http.StatusNotModified {
		t.Errorf("ETag %q: status %d, want 304", etag, w.Code)
	}
	if w := ask(h, "GET", "/", "If-None-Match", `"another"`); w.Code != http.StatusOK {
		t.Errorf("another ETag: status %d, want 200", w.Code)
	}
}

func TestCompressedForThoseWhoAccept(t *testing.T) {
	h := built(t)
	for accept, want := range map[string]bool{
		"gzip": true, "br, GZIP": true, "gzip;q=0.5": true, "deflate,gzip; q=1.0": true,
		"": false, "br": false, "gzip;q=0": false, "gzip; q=0.000": false, "x-gzip": false, "gzip;q=much": false,
	} {
		w := ask(h, "GET", "/assets/main-1.js", "Accept-Encoding", accept)
		testenv.Equal(t, want, w.Header().Get("Content-Encoding") == "gzip",
			"compressed for Accept-Encoding %q", accept)
		testenv.Equal(t, "Accept-Encoding", w.Header().Get("Vary"), "Vary for Accept-Encoding %q", accept)
		testenv.Equal(t, script, text(t, w), "the body for Accept-Encoding %q", accept)
	}
}

func text(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body io.Reader = w.Body
	if w.Header().Get("Content-Encoding") == "gzip" {
		body = must(gzip.NewReader(w.Body))
	}
	return string(must(io.ReadAll(body)))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestUnbuiltPageSaysHowToBuild(t *testing.T) {
	h := newHandler(unbuilt, "unbuilt")
	page := text(t, ask(h, "GET", "/"))
	for _, want := range []string{
		"not built", "make playground", "npm ci &amp;&amp; npm run build", "curl", "{ me { id email } }",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	keepsToThePolicy(t, h, page)
}

// TestStylesheets_NameTheColourOfLinks: a page that is dark where its reader wants that does not leave the colour of its
// links to the browser, whose blue is too faint there. GraphiQL has its own way.
func TestStylesheets_NameTheColourOfLinks(t *testing.T) {
	links := regexp.MustCompile(`(?m)^a \{\n  color: `)
	pages := 0
	for _, name := range must(filepath.Glob("*/*.css")) {
		sheet := string(must(os.ReadFile(name)))
		if !strings.Contains(sheet, "\n  color-scheme: light dark;") || strings.HasPrefix(name, "src/") {
			continue
		}
		if pages++; !links.MatchString(sheet) {
			t.Errorf("%s has no rule for the colour of links", name)
		}
	}
	if pages < 4 {
		t.Errorf("found %d pages", pages)
	}
}

// What a checkout serves depends on whether the Playground was built in it; either way its page must hold together.
func TestPageOfThisCheckout(t *testing.T) {
	h := Handler()
	page := text(t, ask(h, "GET", "/"))
	if got := !strings.Contains(page, "not built"); got != Built() {
		t.Errorf("Built is %v, and the page says otherwise", Built())
	}
	keepsToThePolicy(t, h, page)
	for path, f := range h.(handler) {
		if f.contentType == "application/octet-stream" {
			t.Errorf("%s: no content type", path)
		}
		if w := ask(h, "GET", path); w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: status %d, %d bytes", path, w.Code, w.Body.Len())
		}
	}
}

var (
	inline    = regexp.MustCompile(`<style|<script>|\sstyle=|\son[a-z]+=|javascript:`)
	reference = regexp.MustCompile(`<(?:script|link)[^>]*\s(?:src|href)="([^"]*)"`)
)

func keepsToThePolicy(t *testing.T, h http.Handler, page string) {
	t.Helper()
	testenv.Equal(t, "", inline.FindString(page), "something inline in the page")
	references := reference.FindAllStringSubmatch(page, -1)
	if len(references) == 0 {
		t.Error("the page refers to no file")
	}
	for _, match := range references {
		if match[1] == "data:," { // no icon, and no request for one
			continue
		}
		path := "/" + strings.TrimPrefix(match[1], "./")
		if w := ask(h, "GET", path); w.Code != http.StatusOK {
			t.Errorf("the page refers to %q: status %d", match[1], w.Code)
		}
	}
}

func TestDependenciesArePinnedAndNameNoServer(t *testing.T) {
	lock := read("package-lock.json")
	if strings.Contains(lock, `"resolved"`) {
		t.Error("package-lock.json has download addresses: .npmrc's omit-lockfile-registry-resolved was not heeded")
	}
	if strings.Count(lock, `"integrity": "sha512-`) < 100 {
		t.Error("package-lock.json lacks integrity hashes")
	}
	if found := regexp.MustCompile(`": "[\^~><*][^"]*"`).FindString(dependencies(t)); found != "" {
		t.Errorf("package.json leaves a version open: %s", found)
	}
}

func read(name string) string { return string(must(os.ReadFile(name))) }

// dependencies is the part of package.json from "dependencies" on.
func dependencies(t *testing.T) string {
	t.Helper()
	_, after, found := strings.Cut(read("package.json"), `"dependencies"`)
	if !found {
		t.Fatal("package.json has no dependencies")
	}
	return after
}
