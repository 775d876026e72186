package pgtemp

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// wrapper is a shell script that ends in exec "$@", by way of which a server starts.
type wrapper struct {
	script      string // none when empty
	environment []string
}

func (w wrapper) wrap(command *exec.Cmd) {
	if w.script != "" {
		command.Args = append([]string{"sh", "-c", w.script, "sh", command.Path}, command.Args[1:]...)
		command.Path, command.Env = "/bin/sh", w.environment
	}
}

// NewPeer makes a server that has no data yet, with the password and the settings of this one, and does not start it:
// Wrap names the script that makes it a standby.
func (s *Server) NewPeer(folder string) (*Server, error) {
	dir, err := os.MkdirTemp(folder, "gatehouse-postgres-")
	if err != nil {
		return nil, fmt.Errorf("pgtemp: make a folder: %w", err)
	}
	p := &Server{bin: s.bin, dir: dir, password: s.password, settings: s.settings}
	if p.supervisor, err = superviseServer(dir); err == nil {
		p.account, err = account(dir)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Wrap has each start go by a script that ends in exec "$@". It returns the variables that the script sees: how to
// reach another server, PGDATA, and those that are given.
func (s *Server) Wrap(script string, other *Server, environment ...string) []string {
	environment = append(append(other.Environment(), "PGDATA="+s.data()), environment...)
	s.wrapper = wrapper{script, environment}
	return environment
}

// Environment are the variables by which libpq's programs are found and reach the server.
func (s *Server) Environment() []string {
	return append(os.Environ(), "PATH="+s.bin+":"+os.Getenv("PATH"), "PGHOST=127.0.0.1", "PGPORT="+strconv.Itoa(s.port),
		"PGUSER=postgres", "PGPASSWORD="+s.password)
}
