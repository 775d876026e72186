package e2e

import (
	"os"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestAccountPage_DoesWhatTheLinkOfAMailIsFor, once, and only when its button is pressed.
func TestAccountPage_DoesWhatTheLinkOfAMailIsFor(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	if _, err := os.Stat("web/node_modules/axe-core"); err != nil {
		testenv.Missing(t, "axe-core", "run make playground")
	}
	s, mails := servertest.Start(t), servertest.Mailbox{}
	press := func(kind, to string) {
		t.Helper()
		link := mails.Next(t, kind, to, s.Client).Links[0]
		servertest.Execute(t, ".", "node", "web/test/account.mjs", link, "a password of the page", ".artifacts/account-"+kind+".png")
	}
	ann := s.RegisterAs("ann@example.com")
	s.Must(ann.Access, "mutation { requestEmailVerification { success } }")
	press("verify", "ann@example.com")
	if a := s.Must(ann.Access, "{ me { emailVerified } }"); !a.Has(`"emailVerified":true`) {
		t.Errorf("after the page: %v", a)
	}
	s.Must(ann.Access, `mutation { changeEmail(input: {email: "new@example.com"}) { user { id } } }`)
	press("change-email", "new@example.com")
	press("undo-email", "ann@example.com")
	press("reset", "ann@example.com")
	s.Login("ann@example.com", "a password of the page")
}
