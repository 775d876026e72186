// Package pgtemp runs a throw-away PostgreSQL server from the binaries on this machine, for tests and for planning
// migrations. It owns a temporary folder, a random password and one server process; all of it is gone after Close, and
// also when this process dies without calling it. Never for data that matters: fsync is off.
package pgtemp

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	_ "github.com/lib/pq" // answers "is it up yet?"
)

// timeout bounds a start, and a stop before it turns into a kill.
const timeout = 2 * time.Minute

// Server is one server and its folder. Its methods are not safe for concurrent use.
type Server struct {
	bin        string // folder of initdb and postgres
	dir        string // data/, log, password; owned by the account that runs the server
	password   string
	port       int
	account    *syscall.SysProcAttr
	supervisor *supervisor
	settings   []string
	wrapper    wrapper
	process    *exec.Cmd // nil while stopped
	ended      chan struct{}
}

// New makes a cluster in a folder of its own under the given one, as MemoryFolder() or os.TempDir(), and starts it.
// Settings, such as fsync=on, come after its own. ErrMissing says that there are no binaries.
func New(folder string, settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(folder, "gatehouse-postgres-")
	if err != nil {
		return nil, fmt.Errorf("pgtemp: make a folder: %w", err)
	}
	s := &Server{bin: bin, dir: dir, password: rand.Text(), settings: settings}
	if err := s.make(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) make() (err error) {
	if s.supervisor, err = superviseServer(s.dir); err != nil {
		return err
	}
	if s.account, err = account(s.dir); err != nil {
		return err
	}
	if err := s.initialize(); err != nil {
		return err
	}
	return s.Start()
}

// locales are tried in this order. Installations order text by a language, so a plain index on text finds no prefix
// there, and in C it does: an index that only C has would be missed nowhere but in C. PostgreSQL has ICU's locales from
// version 15 on, those of the system where they are generated.
var locales = [][]string{
	{"--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8"},
	{"--locale=en_US.UTF-8"},
	{"--locale=C"},
}

// initialize runs initdb. Passwords are required even on loopback: "trust" would let every account of the machine
// act as the one that runs the tests, since a PostgreSQL superuser can run programs.
func (s *Server) initialize() error {
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(s.password), 0o600); err != nil {
		return fmt.Errorf("pgtemp: write the password file: %w", err)
	}
	if id := s.account.Credential; id != nil {
		if err := os.Chown(secret, int(id.Uid), int(id.Gid)); err != nil {
			return fmt.Errorf("pgtemp: hand over the password file: %w", err)
		}
	}
	var failed error
	for _, locale := range locales {
		args := []string{"-D", s.data(), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret,
			"-E", "UTF8", "--no-sync", "--no-instructions"}
		out, err := s.command("initdb", append(args, locale...)...).CombinedOutput()
		if err == nil {
			return nil
		}
		failed = errors.Join(failed, fmt.Errorf("pgtemp: initdb %q: %w: %s", locale, err, out))
	}
	return failed
}

// URL names a database of the cluster. It stays the same over Stop, Kill and Start.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword("postgres", s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Socket is the folder of the server's Unix socket, for URLs with ?host=.
func (s *Server) Socket() string { return s.dir }

// Start starts the server and returns once it answers. The first start chooses a free port.
func (s *Server) Start() error {
	if s.process != nil {
		return errors.New("pgtemp: already started")
	}
	fresh := s.port == 0
	deadline := time.Now().Add(timeout)
	for {
		if fresh {
			port, err := freePort()
			if err != nil {
				return err
			}
			s.port = port
		}
		err := s.launch(deadline)
		if err == nil {
			return nil
		}
		// Try again: another process took the port in between, or a killed server's memory is still attached.
		if time.Now().After(deadline) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Stop ends the server as an operator would: connections are cut, data is kept.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Abort ends the server immediately, as pg_ctl stop -m immediate does. The next Start recovers.
func (s *Server) Abort() error { return s.end(syscall.SIGQUIT) }

// Kill ends the server as a power cut would. The next Start recovers.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

// Close ends the server and removes the folder.
func (s *Server) Close() error {
	var err error
	if s.process != nil {
		err = s.end(syscall.SIGQUIT)
	}
	// A killed server left its process id behind, which the supervisor must not take for a living one.
	os.Remove(filepath.Join(s.data(), "postmaster.pid"))
	return errors.Join(err, s.supervisor.release(), os.RemoveAll(s.dir))
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, s.account
	return cmd
}

// launch starts the server once, and waits until it answers or ends.
func (s *Server) launch(deadline time.Time) error {
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return fmt.Errorf("pgtemp: make the log: %w", err)
	}
	defer log.Close()
	cmd := s.command("postgres", "-D", s.data(), "-k", s.dir, "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", // a commit survives Kill, though not the machine's end
		"-c", "full_page_writes=off", "-c", "max_connections=100", "-c", "shared_buffers=16MB")
	for _, setting := range s.settings {
		cmd.Args = append(cmd.Args, "-c", setting)
	}
	s.wrapper.wrap(cmd)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("pgtemp: start postgres: %w", err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	s.process, s.ended = cmd, ended
	if err := s.answers(deadline); err != nil {
		said, _ := os.ReadFile(log.Name())
		return errors.Join(fmt.Errorf("pgtemp: postgres does not start: %w: %s", err, said), s.end(syscall.SIGKILL))
	}
	return nil
}

func (s *Server) answers(deadline time.Time) error {
	db, err := sql.Open("postgres", s.URL("postgres")+"&connect_timeout=5")
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		if err = db.Ping(); err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return errors.New("it ended")
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

// end sends a signal and waits for the process. After SIGKILL its file postmaster.pid stays: by it the next start
// knows whether connections of the killed server still hold the data.
func (s *Server) end(signal syscall.Signal) error {
	if s.process == nil {
		return errors.New("pgtemp: not started")
	}
	if err := s.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("pgtemp: signal postgres: %w", err)
	}
	select {
	case <-s.ended:
	case <-time.After(timeout):
		s.process.Process.Kill()
		<-s.ended
	}
	s.process = nil
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("pgtemp: find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
