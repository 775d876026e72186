package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestReadSecret_NothingTakesTheFilesPlaceWhereThereAreNoLinks: a file system that removes the file before it renames
// another to it lets a second process create a second secret.
func TestReadSecret_NothingTakesTheFilesPlaceWhereThereAreNoLinks(t *testing.T) {
	for answer, link := range links() {
		dir := t.TempDir()
		path := filepath.Join(dir, "s")
		watch, err := syscall.InotifyInit1(syscall.IN_NONBLOCK)
		testenv.Check(t, err)
		_, err = syscall.InotifyAddWatch(watch, dir, syscall.IN_MOVE)
		testenv.Check(t, err)
		_, err = load(t, "GATEHOUSE_SECRET_FILE="+path).ReadSecretBy(link)
		testenv.Check(t, err)
		if n, err := syscall.Read(watch, make([]byte, 4096)); n > 0 || !errors.Is(err, syscall.EAGAIN) {
			t.Errorf("%s: a file was renamed to it (%v)", answer, err)
		}
		testenv.Check(t, os.Rename(path, path+"2"))
		if n, err := syscall.Read(watch, make([]byte, 4096)); n <= 0 {
			t.Errorf("a rename is not noticed: %v", err)
		}
		testenv.Check(t, syscall.Close(watch))
	}
}
