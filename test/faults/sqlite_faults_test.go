package faults

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// sqliteServer is a server whose SQLite file can be harmed. Reading goes on all the while; writing is unavailable, and
// nothing is written by half.
type sqliteServer struct {
	*faultServer
	path string
}

// lockTimeout is how long a writer to SQLite waits for another process: the busy_timeout of package database.
const lockTimeout = 5 * time.Second

func newSQLiteServer(t *testing.T, folder string, environment ...string) *sqliteServer {
	t.Helper()
	path := filepath.Join(folder, "gatehouse.db")
	s := newServer(t, append(environment, "GATEHOUSE_DATABASE_URL=sqlite:"+path)...)
	s.waits = lockTimeout
	return &sqliteServer{s, path}
}

// write makes an account, and returns whether that was done.
func (s *sqliteServer) write() bool {
	s.t.Helper()
	a := s.register()
	if !a.OK() && !a.Unavailable() && !a.Interrupted() {
		s.t.Errorf("neither done nor unavailable: %v", a)
	}
	return a.OK()
}

// runFault checks what is left during a fault, ends it, and checks that all is as before.
func (s *sqliteServer) runFault(end func() error) {
	s.t.Helper()
	if s.write() {
		s.t.Error("a write was answered as done")
	}
	if a := s.read(); !a.OK() {
		s.t.Errorf("a read: %v", a)
	}
	servertest.Eventually(s.t, "readiness turns", 5*time.Second, func() bool { return !s.Ready() })
	servertest.Check(s.t, end())
	took := servertest.Eventually(s.t, "all is as before", recoveryTime, func() bool { return s.write() && s.Ready() })
	s.t.Logf("back after %v", took)
	var users, sessions int64
	var integrity string
	if err := servertest.OpenDB(s.t, "sqlite:"+s.path).QueryRow(`SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions),
		(SELECT * FROM pragma_integrity_check)`).Scan(&users, &sessions, &integrity); err != nil {
		s.t.Fatal(err)
	}
	if n := s.registered.Load(); users != n || sessions != n || integrity != "ok" {
		s.t.Errorf("%d registered, %d users, %d sessions, integrity %s", n, users, sessions, integrity)
	}
}

// TestFullDisk_IsUnavailableAndPasses, on a file system of 2 MiB that root can make.
func TestFullDisk_IsUnavailableAndPasses(t *testing.T) {
	withAndWithoutTraces(t, func(t *testing.T, environment ...string) {
		folder := t.TempDir()
		if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=2m"); err != nil {
			testenv.Missing(t, "a small file system", err.Error()+"; run as root")
		}
		t.Cleanup(func() { syscall.Unmount(folder, syscall.MNT_DETACH) })
		s := newSQLiteServer(t, folder, environment...)
		ballast, err := os.Create(filepath.Join(folder, "ballast"))
		servertest.Check(t, err)
		defer ballast.Close()
		if _, err := io.Copy(ballast, zeros{}); err == nil {
			t.Fatal("the disk does not fill")
		}
		for i := 0; s.write(); i++ { // there is room within the write-ahead log
			if i == 5000 {
				t.Fatal("the disk never fills")
			}
		}
		s.runFault(func() error { return ballast.Truncate(0) })
	})
}

// TestLockOfAnotherProcess_IsUnavailableAndPasses: another process, which is the test's, keeps the write lock for
// longer than the server waits.
func TestLockOfAnotherProcess_IsUnavailableAndPasses(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	child := servertest.StartChild(t, "GATEHOUSE_DATABASE_URL=sqlite:"+path)
	s := &sqliteServer{&faultServer{t: t, Process: child, token: child.Register().Access, waits: lockTimeout}, path}
	s.registered.Store(1)
	lock, err := servertest.OpenDB(t, "sqlite:"+path).Begin()
	servertest.Check(t, err)
	s.runFault(lock.Rollback)
}

// TestFileThatMayNotBeWritten_IsUnavailableAndPasses: the file is made immutable beneath the server.
func TestFileThatMayNotBeWritten_IsUnavailableAndPasses(t *testing.T) {
	withAndWithoutTraces(t, func(t *testing.T, environment ...string) {
		s := newSQLiteServer(t, t.TempDir(), environment...)
		files := []string{s.path, s.path + "-wal"}
		thaw := func() error { return exec.Command("chattr", append([]string{"-i"}, files...)...).Run() }
		if out, err := exec.Command("chattr", append([]string{"+i"}, files...)...).CombinedOutput(); err != nil {
			testenv.Missing(t, "immutable files", strings.TrimSpace(string(out))+": run as root on ext4 or xfs, with chattr")
		}
		t.Cleanup(func() { thaw() })
		s.runFault(thaw)
	})
}

// TestFileThatIsGone_IsUnavailableAndPasses: what is written to a file without a name would be lost.
func TestFileThatIsGone_IsUnavailableAndPasses(t *testing.T) {
	withAndWithoutTraces(t, func(t *testing.T, environment ...string) {
		s := newSQLiteServer(t, t.TempDir(), environment...)
		servertest.Check(t, os.Rename(s.path, s.path+".away"))
		s.runFault(func() error { return os.Rename(s.path+".away", s.path) })
		if _, err := os.Stat(s.path + ".away"); err == nil {
			t.Error("there are two files")
		}
	})
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
