package e2e

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestMailCommand_SendsOneMailAndSaysWhatTheServerAnswered, and says how to mend what stands in the way.
func TestMailCommand_SendsOneMailAndSaysWhatTheServerAnswered(t *testing.T) {
	t.Parallel()
	server := servertest.StartMailServer(t)
	server.Refuse("nobody@example.com", 550)
	relay := []string{servertest.Secret, "GATEHOUSE_SMTP_URL=" + server.URL, "GATEHOUSE_MAIL_FROM=app@example.com", "GATEHOUSE_APP_NAME=Shop"}
	for name, c := range map[string]struct {
		env, args []string
		code      int
		says      string
	}{
		"sent":            {relay, []string{"ann@example.com"}, cli.ExitDone, "took the mail to ann@example.com: 2.0.0 OK"},
		"refused":         {relay, []string{"nobody@example.com"}, cli.ExitFailed, "550"},
		"no address":      {relay, []string{"ann"}, cli.ExitFailed, "not an e-mail address"},
		"nobody listens":  {append(relay, "GATEHOUSE_SMTP_URL=smtp://127.0.0.1:1"), []string{"ann@example.com"}, cli.ExitFailed, "refused"},
		"no server":       {[]string{servertest.Secret}, []string{"ann@example.com"}, cli.ExitFailed, "/inbox"},
		"mail is off":     {[]string{servertest.Secret, servertest.Issuer}, []string{"ann@example.com"}, cli.ExitFailed, "set GATEHOUSE_SMTP_URL"},
		"no templates":    {append(relay, "GATEHOUSE_MAIL_TEMPLATES=/nowhere"), []string{"ann@example.com"}, cli.ExitFailed, "GATEHOUSE_MAIL_TEMPLATES: "},
		"other templates": {append(relay, "GATEHOUSE_MAIL_TEMPLATES=docs"), []string{"ann@example.com"}, cli.ExitFailed, "is no template"},
		"nothing":         {relay, nil, cli.ExitUsage, "mail test EMAIL"},
	} {
		o := servertest.Command(t, c.env, "", append([]string{"mail", "test"}, c.args...)...)
		if o.Code != c.code || !strings.Contains(o.Stdout+o.Stderr, c.says) {
			t.Errorf("%s: %+v; want %d and %q", name, o, c.code, c.says)
		}
	}
	got := server.Messages()
	if len(got) != 1 || !strings.Contains(got[0], "To: <ann@example.com>\r\n") || !strings.Contains(got[0], `From: "Shop" <app@example.com>`) {
		t.Errorf("messages: %q", got)
	}
}

// TestMail_GoesByTheMailServer: one that it takes is delivered, and one that it refuses is given up and listed.
func TestMail_GoesByTheMailServer(t *testing.T) {
	t.Parallel()
	mails := servertest.StartMailServer(t)
	mails.Refuse("nobody@example.com", 550)
	environment := []string{servertest.Secret, "GATEHOUSE_SMTP_URL=" + mails.URL, "GATEHOUSE_MAIL_FROM=app@example.com",
		"GATEHOUSE_DATABASE_URL=" + dbtest.SQLite(t)}
	s := servertest.Start(t, environment...)
	for _, user := range []string{"nobody", "ann"} {
		s.Must("", `mutation { register(input: {email: "`+user+`@example.com", password: "correct horse battery"}) { accessToken } }`)
		s.Must("", `mutation { requestPasswordReset(input: {email: "`+user+`@example.com"}) { success } }`)
	}
	servertest.Eventually(t, "the mail of the one", servertest.HangGuard, func() bool { return len(mails.Messages()) > 0 })
	if got := mails.Messages()[0]; !strings.Contains(got, "To: <ann@example.com>\r\n") || !strings.Contains(got, "/account/reset#token=3D") {
		t.Errorf("the mail: %s", got)
	}
	servertest.Eventually(t, "the other is given up", servertest.HangGuard, func() bool {
		return strings.Contains(servertest.Command(t, environment, "", "mail", "list").Stdout, "550")
	})
}
