package faults

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestStandbyAway_ReadsGoOnAndTheInstanceStaysReady: commits wait for a synchronous standby that is not there, in more
// transactions than there may be. An instance that turned away would take the reads along, and the others with it.
func TestStandbyAway_ReadsGoOnAndTheInstanceStaysReady(t *testing.T) {
	t.Parallel()
	url := dbtest.NewServer(t).URL("postgres")
	db := servertest.OpenDB(t, url)
	standbys := func(names string) {
		servertest.Exec(t, db, "ALTER SYSTEM SET synchronous_standby_names = '"+names+"'")
		servertest.Exec(t, db, "SELECT pg_reload_conf()")
	}
	p := servertest.Options{Timeout: time.Second}.Start(t, servertest.Secret, "GATEHOUSE_DATABASE_URL="+url,
		"GATEHOUSE_OPS_ADDR=127.0.0.1:0")
	var tokens []string
	for range 8 { // one user has half of the turns at most
		tokens = append(tokens, p.Register().Access)
	}
	write := func(token string) servertest.Answer {
		return p.Ask(token, fmt.Sprintf(`mutation { updateProfile(input: {name: "%d"}) { user { id } } }`, time.Now().UnixNano()))
	}
	standbys("away")
	servertest.Eventually(t, "writes wait", servertest.HangGuard, func() bool { return isUnavailable(write(tokens[0])) })
	var waiting sync.WaitGroup
	over := time.Now().Add(2 * time.Second) // readiness is asked of the database again each second
	for _, token := range tokens {
		for range 4 {
			waiting.Go(func() {
				for time.Now().Before(over) {
					if a := write(token); !isUnavailable(a) && !a.Interrupted() {
						t.Errorf("a write without the standby: %v", a)
					}
				}
			})
		}
	}
	for time.Now().Before(over) {
		stood := testenv.Stood()
		ready, read := p.Get(p.Ops+"/readyz"), p.Ask(tokens[0], servertest.Me)
		if stood = testenv.Stood() - stood; (ready.Status != http.StatusOK || !read.OK()) && stood < time.Second/4 {
			t.Errorf("while writes wait: /readyz: %v; a read: %v", ready, read)
		}
		time.Sleep(20 * time.Millisecond)
	}
	waiting.Wait()
	if log := p.Log.String(); !strings.Contains(log, "is the standby away?") {
		t.Errorf("the log does not say what is wrong: %s", log)
	}
	standbys("")
	servertest.Eventually(t, "writes are answered", servertest.HangGuard, func() bool { return write(tokens[0]).OK() })
}
