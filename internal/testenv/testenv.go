// Package testenv decides what a test does when a program it needs is not on the machine: skipped with a hint on
// a laptop, failed in CI (TEST_STRICT=1). `make test` prints the hints at its end (TEST_SKIPS names the file).
package testenv

import (
	"fmt"
	"os"
	"testing"
)

// Missing ends the test: what is not there, and how to get it.
func Missing(t testing.TB, what, hint string) {
	t.Helper()
	line := fmt.Sprintf("%s is not there: %s", what, hint)
	if os.Getenv("TEST_STRICT") == "1" {
		t.Fatalf("%s (TEST_STRICT=1: a skip is a failure)", line)
	}
	if name := os.Getenv("TEST_SKIPS"); name != "" {
		if f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
			fmt.Fprintln(f, line)
			f.Close()
		}
	}
	t.Skip(line)
}
