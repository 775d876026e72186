package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// kindsWithLink are the kinds of mail whose text has a link.
func kindsWithLink(t *testing.T) (kinds []string) {
	t.Helper()
	texts, err := filepath.Glob("internal/mail/templates/en/*.txt")
	servertest.Check(t, err)
	for _, path := range texts {
		if text := servertest.ReadFile(t, path); strings.Contains(text, "{{.Link}}") || strings.Contains(text, "{{with .Secure}}") {
			kinds = append(kinds, strings.TrimSuffix(filepath.Base(path), ".txt"))
		}
	}
	return kinds
}

// TestAccountPages_AreReachedFromTheInboxAndDoWhatTheirMailIsFor, in a browser, by a server with nothing configured: each
// kind of mail that has a link, each in another language and on another screen. TEST_LONG=pages has each in all of them.
// SCREENSHOTS=FOLDER has pictures of each step.
func TestAccountPages_AreReachedFromTheInboxAndDoWhatTheirMailIsFor(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	kinds := slices.DeleteFunc(kindsWithLink(t), func(kind string) bool {
		return kind == "register" || kind == "registered" || // not sent here; their pages are as those of invitation and reset
			strings.HasPrefix(kind, "factor_") || strings.HasPrefix(kind, "recovery_code") || // and these as that of new_device
			kind == "passkey_cloned"
	})
	args := []string{"web/test/pages.mjs", "", strings.Join(kinds, ",")}
	throttle := "on" // as it is by default; so many accounts as the long form has need a network for each thirty
	if testenv.Long("pages") {
		args, throttle = append(args, "all"), "account=9999,network=9999,register=9999,mail=9999"
	}
	s := servertest.Start(t, "GATEHOUSE_THROTTLE="+throttle)
	s.Command(servertest.Password, "admin", "create", "root@example.com")
	args[1] = s.URL + "/"
	servertest.Execute(t, ".", "node", args...)
}

// TestAccountPage_InABrowser goes through the page at /account with the keyboard alone, by a server with nothing
// configured. Each flow is on another screen. TEST_LONG=pages has each on all of them. SCREENSHOTS=FOLDER has pictures.
func TestAccountPage_InABrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	needPage(t, "account")
	s := servertest.Start(t, "GATEHOUSE_THROTTLE=account=999,network=999,register=999,mail=999,signin=9999,refresh=9999")
	s.Command(servertest.Password, "admin", "create", "root@example.com")
	servertest.Execute(t, ".", "node", onScreens("web/test/account.mjs", atLocalhost(s.URL),
		"signin,profile,factors,passkeys,sessions,data,markup")...)
}

// TestAccountPage_StatesInABrowser: addresses that are confirmed first, a server and a network that are away, proofs that
// are asked for again, attempts that must wait; and a server with closed registration and a logo that sends no mail.
func TestAccountPage_StatesInABrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	needPage(t, "account")
	database := dbtest.SQLite(t)
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+database, "GATEHOUSE_REGISTRATION=confirmed",
		"GATEHOUSE_THROTTLE=account=2,network=999,register=999,mail=999")
	db := servertest.OpenDB(t, database)
	control := http.NewServeMux()
	for name, do := range map[string]func(){
		"stop":  s.Stop,
		"start": s.Restart,
		"age": func() { // beneath a server that has cached no session
			s.Stop()
			servertest.Exec(t, db, "UPDATE sessions SET authenticated_at = '2026-01-01 00:00:00+00:00'")
			s.Restart()
		},
	} {
		control.HandleFunc("/"+name, func(http.ResponseWriter, *http.Request) { do() })
	}
	controls := httptest.NewServer(control)
	defer controls.Close()
	servertest.Execute(t, ".", "env", onScreens("CONTROL="+controls.URL, "node", "web/test/account.mjs", atLocalhost(s.URL),
		"confirmed,away,proofs,limited")...)

	theme := filepath.Join(t.TempDir(), "theme.css")
	servertest.Check(t, os.WriteFile(theme, []byte(":root { --logo-height: 40px; --logo: url(\"data:image/svg+xml,"+
		"%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 3 1'%3E%3Crect width='3' height='1'/%3E%3C/svg%3E\"); }"), 0o600))
	address := servertest.FreeAddress(t)
	closed := servertest.Start(t, "GATEHOUSE_ADDR="+address, "GATEHOUSE_THEME="+theme, "GATEHOUSE_ISSUER=https://id.example.com",
		"GATEHOUSE_ALLOWED_ORIGINS="+strings.TrimSuffix(atLocalhost("http://"+address), "/"), "GATEHOUSE_REGISTRATION=closed")
	closed.Command(servertest.Password, "admin", "create", "root@example.com")
	servertest.Execute(t, ".", "node", onScreens("web/test/account.mjs", atLocalhost(closed.URL), "closed")...)
}

// onScreens are the arguments of a script that opens pages: with TEST_LONG=pages, on all screens.
func onScreens(args ...string) []string {
	if testenv.Long("pages") {
		args = append(args, "all")
	}
	return args
}

// atLocalhost is the address of a server by the name that passkeys work at.
func atLocalhost(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) + "/" }

func needPage(t *testing.T, name string) {
	t.Helper()
	if entries, _ := filepath.Glob("web/dist/" + name + "/assets/*"); len(entries) == 0 {
		testenv.Missing(t, "the page at /"+name, "run make playground")
	}
}
