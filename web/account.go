package web

import (
	"embed"
	"net/http"
)

//go:embed account
var accountFiles embed.FS

// AccountKinds are the mails whose links have a page: each is /account/KIND.
var AccountKinds = []string{"verify", "reset", "change-email", "undo-email"}

// Account serves the pages that links of mails lead to, and their files. What a page does, it does when its button is
// pressed; to open it changes nothing.
func Account() http.Handler {
	files := newHandler(accountFiles, "account")
	page := files["/account.html"]
	delete(files, "/account.html")
	for _, kind := range AccountKinds {
		files["/"+kind] = page
	}
	return http.StripPrefix("/account", files)
}
