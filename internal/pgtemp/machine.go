package pgtemp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// ErrMissing says that this machine has no PostgreSQL server binaries.
var ErrMissing = errors.New("pgtemp: no PostgreSQL binaries in $PG_BIN, PATH or /usr/lib/postgresql/*/bin; " +
	"on Debian: apt-get install postgresql")

// binaries is the folder of initdb: $PG_BIN, else PATH, else the newest of Debian's, which keeps them off PATH.
func binaries() (string, error) {
	if dir := os.Getenv("PG_BIN"); dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			return "", fmt.Errorf("pgtemp: $PG_BIN: %w", err)
		}
		return dir, nil
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(initdb); err == nil { // the other programs are beside the real one
			initdb = real
		}
		return filepath.Dir(initdb), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", ErrMissing
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// MemoryFolder is shared memory, where a test's databases are several times as fast as on a disk. It is os.TempDir()
// when TMPDIR names a folder, or shared memory has no room for the databases of all packages.
func MemoryFolder() string {
	const shared, need = "/dev/shm", 2 << 30
	var s syscall.Statfs_t
	if os.Getenv("TMPDIR") == "" && syscall.Statfs(shared, &s) == nil && s.Bavail*uint64(s.Bsize) > need {
		return shared
	}
	return os.TempDir()
}

// account says as whom the programs run, and gives them the folder. PostgreSQL refuses root, so root drops to
// postgres, or else to the account nobody. The process group of its own keeps a Ctrl-C in the terminal from the server.
func account(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("pgtemp: root may not run PostgreSQL, and there is no account postgres or nobody: %w",
			err)
	}
	uid, uidErr := strconv.Atoi(who.Uid)
	gid, gidErr := strconv.Atoi(who.Gid)
	if err := errors.Join(uidErr, gidErr, os.Chown(dir, uid, gid)); err != nil {
		return nil, fmt.Errorf("pgtemp: hand the folder to %s: %w", who.Username, err)
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, nil
}

// supervisor is a shell that outlives this process. It reads until the end of its standard input, which the kernel
// closes however this process ends, then ends the server and removes the folder.
type supervisor struct {
	shell *exec.Cmd
	input io.Closer
}

const cleanupScript = `cat >/dev/null
pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" && sleep 1
rm -rf "$0"`

func superviseServer(dir string) (*supervisor, error) {
	shell := exec.Command("/bin/sh", "-c", cleanupScript, dir)
	shell.Dir, shell.SysProcAttr = "/", &syscall.SysProcAttr{Setpgid: true}
	input, err := shell.StdinPipe()
	if err == nil {
		err = shell.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("pgtemp: start the supervisor: %w", err)
	}
	return &supervisor{shell, input}, nil
}

// release ends the supervisor, which removes the folder.
func (s *supervisor) release() error {
	if s == nil {
		return nil
	}
	return errors.Join(s.input.Close(), s.shell.Wait())
}
