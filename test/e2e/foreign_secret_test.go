package e2e

import (
	"database/sql"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const otherSecret = "the secret of somebody else, of 32 bytes or more"

// TestForeignSecret_StopsAnInstanceUntilItsOwnIsBack has other instances rotate to each secret, and take all away, beside
// an instance that knows some of them. It serves exactly while the database names one of its own.
func TestForeignSecret_StopsAnInstanceUntilItsOwnIsBack(t *testing.T) {
	t.Parallel()
	for name, known := range map[string][]string{
		"the former alone": {formerSecret}, "both": {newSecret, formerSecret}, "the new one alone": {newSecret},
		"another": {otherSecret},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, url string) {
				environment := append(knowing(known...), "GATEHOUSE_DATABASE_URL="+url, servertest.Issuer)
				d := &namedSecret{t, url, servertest.OpenDB(t, url), known[0]}
				p := servertest.Start(t, append(environment, "GATEHOUSE_OPS_ADDR=127.0.0.1:0")...)
				token := p.Register().Access
				for _, secret := range []string{formerSecret, newSecret, otherSecret, formerSecret} {
					d.rotate(secret)
					wantServing(t, p, token, slices.Contains(known, secret))
					row := d.forget()
					wantServing(t, p, token, false)
					d.restore(row)
					wantServing(t, p, token, slices.Contains(known, secret))
				}
			})
		})
	}
}

// knowing is an environment with secrets, the newest first.
func knowing(secrets ...string) []string {
	names := []string{"GATEHOUSE_SECRET=", "GATEHOUSE_SECRET_PREVIOUS="}
	all := make([]string, len(secrets))
	for i, s := range secrets {
		all[i] = names[i] + s
	}
	return all
}

// wantServing waits until an instance serves, or refuses everything that its users ask.
func wantServing(t *testing.T, p *servertest.Process, token string, serves bool) {
	t.Helper()
	const keys = "/.well-known/jwks.json"
	want := map[string]int{"/readyz": http.StatusServiceUnavailable, "me": http.StatusServiceUnavailable,
		"login": http.StatusServiceUnavailable, keys: http.StatusServiceUnavailable, "/healthz": http.StatusOK}
	if serves {
		want = map[string]int{"/readyz": http.StatusOK, "me": http.StatusOK, "login": http.StatusOK, keys: http.StatusOK,
			"/healthz": http.StatusOK}
	}
	login := `mutation { login(input: {email: "a@example.com", password: "wrong password"}) { tokenType } }`
	var got map[string]int
	testenv.Eventually(t, "the instance notices", testenv.HangGuard, func() bool {
		got = map[string]int{"/readyz": p.Get("/readyz").Status, "me": p.Ask(token, servertest.Me).Status,
			"login": p.Ask("", login).Status, keys: p.Get(keys).Status, "/healthz": p.Get("/healthz").Status}
		return maps.Equal(want, got)
	})
	if testenv.Equal(t, map[bool]float64{true: 1}[serves], p.Metric("gatehouse_ready"), "gatehouse_ready"); serves {
		return
	}
	if log := p.Log.String(); !strings.Contains(log, "GATEHOUSE_SECRET: ") || !strings.Contains(log, "give it the new one") {
		t.Errorf("the log names no variable:\n%s", log)
	}
	testenv.Equal(t, "UNAVAILABLE", p.Code(token, servertest.Me), "code")
}

// namedSecret is the secret that a database names, which commands change.
type namedSecret struct {
	t      *testing.T
	url    string
	db     *sql.DB
	secret string
}

func (d *namedSecret) rotate(to string) {
	d.t.Helper()
	if to == d.secret {
		return
	}
	o := servertest.Command(d.t, append(knowing(to, d.secret), "GATEHOUSE_DATABASE_URL="+d.url), "", "secret", "rotate")
	testenv.Equal(d.t, cli.ExitDone, o.Code, "exit code of %s", o.Stderr)
	testenv.Equal(d.t, true, strings.Contains(o.Stderr, "event=secret_rotated"), "the event")
	d.secret = to
}

// forget takes the name away, as somebody does who follows a runbook beside a server.
func (d *namedSecret) forget() (digest []byte) {
	d.t.Helper()
	testenv.Check(d.t, d.db.QueryRow("SELECT value FROM settings WHERE id = 'secret_digest'").Scan(&digest))
	d.change("DELETE FROM settings WHERE id = 'secret_digest'")
	return digest
}

func (d *namedSecret) restore(digest []byte) {
	d.t.Helper()
	d.change("INSERT INTO settings (id, value) VALUES ('secret_digest', $1)", digest)
}

// change runs a statement, and one that instances read of in the log of changes.
func (d *namedSecret) change(statement string, arguments ...any) {
	d.t.Helper()
	_, err := d.db.Exec(statement, arguments...)
	testenv.Check(d.t, err)
	_, err = d.db.Exec("UPDATE signing_keys SET sequence = sequence + 1000")
	testenv.Check(d.t, err)
}
