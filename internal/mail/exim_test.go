package mail

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// eximConfig has Exim queue what it takes, below a folder, as a user.
const eximConfig = `primary_hostname = mail.example
spool_directory = %[1]s
log_file_path = %[1]s/%%slog
pid_file_path = %[1]s/pid
exim_user = %[2]s
exim_group = %[2]s
queue_only
keep_environment =
tls_advertise_hosts =
smtputf8_advertise_hosts = *
acl_smtp_rcpt = recipient
begin acl
recipient:
  deny local_parts = nobody
  defer local_parts = later
  accept
`

// TestSMTP_EximTakesIt: TEST_LONG=mail sends by a mail server that is not of Go.
func TestSMTP_EximTakesIt(t *testing.T) {
	if !testenv.Long("mail") {
		t.Skip("starts Exim: TEST_LONG=mail")
	}
	me, err := user.Current()
	testenv.Check(t, err)
	folder := t.TempDir()
	config := filepath.Join(folder, "config")
	testenv.Check(t, os.WriteFile(config, fmt.Appendf(nil, eximConfig, folder, me.Username), 0o644))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Check(t, err)
	testenv.Check(t, free.Close())
	port := free.Addr().(*net.TCPAddr).Port
	testenv.Start(t, "apt-get install exim4-daemon-light", "exim4", "-C", config, "-bdf", "-oX", free.Addr().String())
	unused := mailServer{Plain: true}
	sender := unused.start(t, func(c *SMTPConfig) { c.Server, c.Dial = Server{Host: "127.0.0.1", Port: port}, nil })
	testenv.Eventually(t, "Exim listens", testenv.HangGuard, func() bool {
		c, err := net.Dial("tcp", free.Addr().String())
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	for to, permanent := range map[string]bool{"nobody@example.com": true, "later@example.com": false} {
		if err := sender.Send(t.Context(), message(to)); err == nil || IsPermanent(err) != permanent {
			t.Errorf("%s: %v", to, err)
		}
	}
	for _, to := range []string{"ann@example.com", "δοκιμή@παράδειγμα.example"} {
		answer, err := sender.Deliver(t.Context(), message(to))
		_, id, _ := strings.Cut(answer, "id=")
		if err != nil || id == "" {
			t.Fatalf("%s: %q, %v", to, answer, err)
		}
		header, err := os.ReadFile(filepath.Join(folder, "input", id+"-H"))
		testenv.Check(t, err)
		for _, want := range []string{"Auto-Submitted: auto-generated", "-000000000001@id.example.com>", "multipart/alternative"} {
			if !strings.Contains(string(header), want) {
				t.Errorf("%s: no %s:\n%s", to, want, header)
			}
		}
	}
}
