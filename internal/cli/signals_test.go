package cli

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// signalled has the test's own program be one that waits for signals.
const signalled = "GATEHOUSE_TEST_SIGNALLED"

// TestUntilSignal_SecondSignalEndsTheProcess sends the second one as soon as the first has ended the context, and each
// pair of kinds.
func TestUntilSignal_SecondSignalEndsTheProcess(t *testing.T) {
	kinds := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}
	if order := os.Getenv(signalled); order != "" {
		var first, second int
		fmt.Sscan(order, &first, &second)
		ctx := UntilSignal()
		syscall.Kill(os.Getpid(), kinds[first])
		<-ctx.Done()
		if second >= 0 {
			syscall.Kill(os.Getpid(), kinds[second])
			time.Sleep(2 * time.Second)
		}
		fmt.Println("stopped orderly")
		os.Exit(0)
	}
	run := func(order string) (output string, err error) {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		c.Env = append(os.Environ(), signalled+"="+order)
		text, err := c.CombinedOutput()
		return string(text), err
	}
	for first := range kinds {
		if text, err := run(fmt.Sprint(first, " -1")); err != nil || !strings.Contains(text, "stopped orderly") {
			t.Errorf("after %v alone: %v, %s", kinds[first], err, text)
		}
		for second := range kinds {
			for range 10 {
				if text, err := run(fmt.Sprint(first, " ", second)); err == nil {
					t.Errorf("%v and then %v did not end the process: %s", kinds[first], kinds[second], text)
				}
			}
		}
	}
}
