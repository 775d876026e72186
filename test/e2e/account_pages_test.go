package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
	if entries, _ := filepath.Glob("web/dist/account/assets/*"); len(entries) == 0 {
		testenv.Missing(t, "the page at /account", "run make playground")
	}
	s := servertest.Start(t, "GATEHOUSE_THROTTLE=account=999,network=999,register=999,mail=999,signin=9999,refresh=9999")
	s.Command(servertest.Password, "admin", "create", "root@example.com")
	page := strings.Replace(s.URL, "127.0.0.1", "localhost", 1) + "/"
	args := []string{"web/test/account.mjs", page, "signin,profile,factors,passkeys,sessions,data"}
	if testenv.Long("pages") {
		args = append(args, "all")
	}
	servertest.Execute(t, ".", "node", args...)
}
