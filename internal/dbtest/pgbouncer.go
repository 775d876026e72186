package dbtest

import (
	"net"
	"net/url"
	"testing"

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
	testenv.Eventually(t, "PgBouncer listens", testenv.HangGuard, func() bool {
		c, err := net.Dial("tcp", u.Host)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return b.URL
}
