package dbtest

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// PgBouncer puts a PgBouncer of this machine before the server of a URL, in the pool mode "transaction" or "session",
// with few connections, so that clients take each other's. It returns the URL through it.
func PgBouncer(t testing.TB, databaseURL, mode string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	testenv.Check(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Check(t, err)
	l.Close()
	password, _ := u.User.Password()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	users, config := filepath.Join(t.TempDir(), "users"), filepath.Join(t.TempDir(), "pgbouncer.ini")
	args := []string{"-q", config}
	owner := -1
	if os.Geteuid() == 0 { // which PgBouncer refuses to be
		nobody, err := user.Lookup("nobody")
		testenv.Check(t, err)
		owner, _ = strconv.Atoi(nobody.Uid)
		args = []string{"-q", "-u", "nobody", config}
	}
	for path, text := range map[string]string{
		users: fmt.Sprintf("%q %q\n", u.User.Username(), password),
		config: fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
pool_mode = %s
default_pool_size = %d
max_client_conn = 200
server_round_robin = 1
`, u.Hostname(), u.Port(), port, users, mode, map[string]int{"transaction": 4, "session": 60}[mode]),
	} {
		testenv.Check(t, os.WriteFile(path, []byte(text), 0o600))
		testenv.Check(t, os.Chown(path, owner, -1))
	}
	testenv.Start(t, "apt-get install pgbouncer", "pgbouncer", args...)
	u.Host = l.Addr().String()
	for range 100 {
		if c, err := net.Dial("tcp", u.Host); err == nil {
			c.Close()
			return u.String()
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("dbtest: PgBouncer does not start")
	return ""
}
