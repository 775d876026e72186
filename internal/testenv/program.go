package testenv

import (
	"os/exec"
	"testing"
	"time"
)

// until ends a program when its standard input ends, which the kernel closes however the test's process ends.
const until = `"$@" & cat >/dev/null; kill $!; wait`

// Start runs a program in the foreground for as long as the test lasts. What it says goes to the test's log when the
// test fails. Missing decides what happens when the program is not on this machine.
func Start(t testing.TB, hint, program string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program) // Debian's place, not on every PATH
	}
	if err != nil {
		Missing(t, program, hint)
	}
	command := exec.Command("/bin/sh", append([]string{"-c", until, "sh", path}, args...)...)
	said := &Buffer{}
	command.Stdout, command.Stderr = said, said
	command.WaitDelay = 5 * time.Second
	input, err := command.StdinPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		command.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", program, said)
		}
	})
}
