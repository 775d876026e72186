package e2e

import (
	"bufio"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// TestReadme_CommandsLiveThroughAnAccount runs the commands of README.md, and does in between what it tells its reader to
// do in a browser.
func TestReadme_CommandsLiveThroughAnAccount(t *testing.T) {
	t.Parallel()
	servertest.NeedProgram(t, "curl", "apt-get install curl")
	s, mails := servertest.Start(t, "GATEHOUSE_THROTTLE=on"), servertest.Mailbox{}
	use := func(mutation, kind, to string) func() {
		return func() {
			t.Helper()
			s.Must("", strings.ReplaceAll(mutation, "TOKEN", mails.Next(t, kind, to, s.Client).Token(t)))
		}
	}
	steps := []struct {
		has  string
		then func()
	}{
		{`{"data":{"me":{"id":"`, nil},
		{`"reason":"missing"`, nil},
		{`{"data":{"requestPasswordReset":{"success":true}}}`, use(
			`mutation { resetPassword(input: {token: "TOKEN", newPassword: "purple horse battery"}) { accessToken } }`,
			"reset", "ann@example.com")},
		{`{"email":"ann@example.com","pendingEmail":"ann@example.org"}`, use(
			`mutation { confirmEmailChange(input: {token: "TOKEN"}) { success } }`, "change-email", "ann@example.org")},
		{`{"me":{"email":"ann@example.org","activity":{"edges":[{`, func() {
			mails.Next(t, "undo-email", "ann@example.com", s.Client)
		}},
	}
	page := strings.ReplaceAll(servertest.ReadFile(t, "README.md"), "http://127.0.0.1:8080", s.URL)
	blocks := shellBlock.FindAllStringSubmatch(page, -1)
	if len(blocks) != len(steps) {
		t.Fatalf("%d blocks of commands, want %d", len(blocks), len(steps))
	}
	run := shell(t)
	for i, block := range blocks {
		if out := run(block[1]); !strings.Contains(out, steps[i].has) {
			t.Fatalf("%s\nanswers %s\nand not %s", block[1], out, steps[i].has)
		}
		if steps[i].then != nil {
			steps[i].then()
		}
	}
}

// shell starts a shell, and returns what runs commands in it, one after the other, and returns what they print.
func shell(t *testing.T) func(commands string) string {
	t.Helper()
	command := exec.Command("sh")
	stdin, err := command.StdinPipe()
	servertest.Check(t, err)
	stdout, err := command.StdoutPipe()
	servertest.Check(t, err)
	servertest.Check(t, command.Start())
	t.Cleanup(func() {
		stdin.Close()
		command.Wait()
	})
	lines := bufio.NewReader(stdout)
	return func(commands string) string {
		t.Helper()
		var out strings.Builder
		_, err := io.WriteString(stdin, commands+"\necho; echo :done:\n")
		for servertest.Check(t, err); !strings.HasSuffix(out.String(), "\n:done:\n"); {
			line, err := lines.ReadString('\n')
			servertest.Check(t, err)
			out.WriteString(line)
		}
		return out.String()
	}
}
