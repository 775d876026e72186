package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// ailing is a server whose SQLite file can be harmed. Reading goes on all the while; writing is unavailable, and half of
// nothing is written.
type ailing struct {
	*patient
	path string
	done int // registrations that were answered
}

func newAiling(t *testing.T, folder string, environment ...string) *ailing {
	t.Helper()
	a := &ailing{path: filepath.Join(folder, "gatehouse.db")}
	s := hurried(t, append(environment, "GATEHOUSE_DATABASE_URL=sqlite:"+a.path)...)
	a.patient = &patient{stage: &stage{t: t, url: s.URL}, s: s}
	a.token = between(t, a.must("", a.registration()), `"accessToken":"`, `"`)
	a.done = 1
	return a
}

// write registers somebody, and returns whether that was done.
func (a *ailing) write() bool {
	a.t.Helper()
	switch o := a.ask("", a.registration()); {
	case o.fine():
		a.done++
		return true
	case !o.unavailable():
		a.t.Errorf("neither done nor unavailable: %+v", o)
	}
	return false
}

func (a *ailing) ready() bool {
	status, _ := get(a.t, a.s.URL+"/readyz")
	return status == http.StatusOK
}

// endure checks what is left during a fault, ends it, and checks that all is as before.
func (a *ailing) endure(end func() error) {
	a.t.Helper()
	if a.write() {
		a.t.Error("a write was answered as done")
	}
	if o := a.ask(a.token, "{ me { id } }"); !o.fine() {
		a.t.Errorf("a read: %+v", o)
	}
	soon(a.t, "readiness turns", 5*time.Second, func() bool { return !a.ready() })
	if err := end(); err != nil {
		a.t.Fatal(err)
	}
	took := soon(a.t, "all is as before", backWithin, func() bool { return a.write() && a.ready() })
	a.t.Logf("back after %v", took)
	db, err := sql.Open("sqlite", a.path)
	if err != nil {
		a.t.Fatal(err)
	}
	defer db.Close()
	var users, sessions int
	var sound string
	if err := db.QueryRow("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions), (SELECT * FROM pragma_integrity_check)").Scan(&users, &sessions, &sound); err != nil {
		a.t.Fatal(err)
	}
	if users != a.done || sessions != a.done || sound != "ok" {
		a.t.Errorf("%d registered, %d users, %d sessions, integrity %s", a.done, users, sessions, sound)
	}
}

// TestAFullDiskIsUnavailableAndPasses is R-007, on a file system of 2 MiB that root can make.
func TestAFullDiskIsUnavailableAndPasses(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=2m"); err != nil {
		testenv.Missing(t, "a small file system", err.Error()+"; run as root")
	}
	t.Cleanup(func() { syscall.Unmount(folder, syscall.MNT_DETACH) })
	a := newAiling(t, folder)
	ballast, err := os.Create(filepath.Join(folder, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer ballast.Close()
	if _, err := io.Copy(ballast, zeros{}); err == nil {
		t.Fatal("the disk is not full")
	}
	for i := 0; a.write(); i++ { // there is room within the write-ahead log
		if i == 5000 {
			t.Fatal("the disk never fills")
		}
	}
	a.endure(func() error { return ballast.Truncate(0) })
}

// TestALockOfAnotherProcessIsUnavailableAndPasses is R-009: a process that keeps the write lock for longer than
// anybody waits. It is this program again.
func TestALockOfAnotherProcessIsUnavailableAndPasses(t *testing.T) {
	if path := os.Getenv("LOCK_THIS"); path != "" {
		db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
		if err == nil {
			_, err = db.Begin()
		}
		fmt.Println("locked", err)
		io.Copy(io.Discard, os.Stdin)
		return
	}
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	a := newAiling(t, t.TempDir())
	other := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	other.Env = append(os.Environ(), "LOCK_THIS="+a.path)
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Process.Kill() })
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "locked <nil>\n" {
		t.Fatal(line)
	}
	a.endure(func() error { in.Close(); return other.Wait() })
}

// TestAFileThatMayNotBeWrittenIsUnavailableAndPasses is R-008: the file is made immutable beneath the server.
func TestAFileThatMayNotBeWrittenIsUnavailableAndPasses(t *testing.T) {
	a := newAiling(t, t.TempDir())
	files := []string{a.path, a.path + "-wal"}
	thaw := func() error { return exec.Command("chattr", append([]string{"-i"}, files...)...).Run() }
	if out, err := exec.Command("chattr", append([]string{"+i"}, files...)...).CombinedOutput(); err != nil {
		testenv.Missing(t, "immutable files", strings.TrimSpace(string(out))+": run as root on ext4 or xfs, with chattr")
	}
	t.Cleanup(func() { thaw() })
	a.endure(thaw)
}

// TestAFileThatIsGoneIsUnavailableAndPasses is R-008: what is written to a file without a name would be lost.
func TestAFileThatIsGoneIsUnavailableAndPasses(t *testing.T) {
	a := newAiling(t, t.TempDir())
	if err := os.Rename(a.path, a.path+".away"); err != nil {
		t.Fatal(err)
	}
	a.endure(func() error { return os.Rename(a.path+".away", a.path) })
	if _, err := os.Stat(a.path + ".away"); err == nil {
		t.Error("there are two files")
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
