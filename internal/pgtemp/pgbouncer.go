package pgtemp

import (
	"fmt"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// PgBouncer is a PgBouncer of this machine before the server of a database.
type PgBouncer struct {
	Args []string // to start it with
	URL  string   // of the database, through it
}

// NewPgBouncer writes into a folder what a PgBouncer needs that has so many connections to the server of a URL, in the
// pool mode "transaction" or "session".
func NewPgBouncer(folder, databaseURL, mode string, connections int) (*PgBouncer, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	users, config := filepath.Join(folder, "users"), filepath.Join(folder, "pgbouncer.ini")
	args, owner := []string{"-q", config}, -1
	if os.Geteuid() == 0 { // which PgBouncer refuses to be
		nobody, err := user.Lookup("nobody")
		if err != nil {
			return nil, err
		}
		owner, _ = strconv.Atoi(nobody.Uid)
		args = []string{"-q", "-u", "nobody", config}
	}
	password, _ := u.User.Password()
	for path, text := range map[string]string{
		users: fmt.Sprintf("%q %q\n", u.User.Username(), password),
		config: fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
pool_mode = %s
default_pool_size = %d
max_client_conn = 200
server_round_robin = 1
`, u.Hostname(), u.Port(), port, users, mode, connections),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
		if err := os.Chown(path, owner, -1); err != nil {
			return nil, err
		}
	}
	u.Host = fmt.Sprint("127.0.0.1:", port)
	return &PgBouncer{args, u.String()}, nil
}
