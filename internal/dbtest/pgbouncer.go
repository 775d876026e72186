package dbtest

import (
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/pgtemp"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// PgBouncer puts a PgBouncer of this machine before the server of a URL, in the pool mode "transaction" or "session",
// with few connections, so that clients take each other's. It returns the URL through it.
func PgBouncer(t testing.TB, databaseURL, mode string) string {
	t.Helper()
	b, err := pgtemp.NewPgBouncer(t.TempDir(), databaseURL, mode, map[string]int{"transaction": 4, "session": 60}[mode])
	testenv.Check(t, err)
	u, err := url.Parse(b.URL)
	testenv.Check(t, err)
	testenv.Start(t, "apt-get install pgbouncer", "pgbouncer", b.Args...)
	for range 100 {
		if c, err := net.Dial("tcp", u.Host); err == nil {
			c.Close()
			return b.URL
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("dbtest: PgBouncer does not start")
	return ""
}
