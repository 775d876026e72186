package web

import "net/http"

// AdminConfig is what the page at /admin shows of the server's configuration.
type AdminConfig struct {
	App       string   // name of the product
	GraceDays int      // for how long a deleted account can be had again
	Theme     []byte   // CSS behind that of the page; nil: none
	Pages     []string // other pages that the server has, of access
}

// Files are the files of the page: each is /admin/FILE.
func (c AdminConfig) Files() []string { return c.newFiles().names() }

func (c AdminConfig) newFiles() handler { return builtFiles("admin").themed(c.Theme) }

// Admin serves the page at /admin, by which administrators look after users, in the language of the request, else in
// English, and its files. Everyone may load it: what it shows, the API decides.
func Admin(c AdminConfig) http.Handler {
	files := c.newFiles()
	apps := newApps("admin", appSettings{App: c.App, GraceDays: c.GraceDays, Pages: c.Pages}, "", c.Theme)
	return http.StripPrefix("/admin", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "" && r.URL.Path != "/" {
			files.serve(w, r, appPolicy)
			return
		}
		apps[chooseLanguage(w, r)].serve(w, r, "admin")
	}))
}
