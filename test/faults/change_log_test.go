package faults

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestLostChangeLog_AcceptsNoEndedSessionForMoreThanASecond keeps an instance from reading the log in every way.
func TestLostChangeLog_AcceptsNoEndedSessionForMoreThanASecond(t *testing.T) {
	cluster := dbtest.NewServer(t)
	link := dbtest.NewProxy(t, cluster.URL("postgres"))
	p := servertest.NewPair(t, cluster.URL("postgres"), link.URL)
	for _, c := range []struct {
		name   string
		trials int
		cut    func()
		mend   func()
	}{
		{"the connection that reads it is killed", 20, func() {
			servertest.Exec(t, p.DB, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatehouse log'")
		}, func() {}},
		{"the connection that reads it hangs", 5, func() { link.FreezeOnly("gatehouse log") }, link.Pass},
		{"Postgres was restarted", 5, func() {
			servertest.Check(t, cluster.Stop())
			servertest.Check(t, cluster.Start())
		}, func() {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.WaitForCache()
			most := time.Duration(0)
			for range c.trials {
				token := p.Register().Access
				p.Accepts(token)
				c.cut()
				p.Logout(token)
				most = max(most, p.WaitForRefusal(token))
				c.mend()
			}
			t.Logf("accepted for %v at most (%d trials)", most, c.trials)
			if most > time.Second {
				t.Errorf("a session was accepted for %v after it had ended", most)
			}
			p.WaitForCache() // the link is mended by itself
		})
	}
}

// TestLongTransactionBeside_DelaysNoRefusal: one that has written, in another database of the cluster.
func TestLongTransactionBeside_DelaysNoRefusal(t *testing.T) {
	beside, err := servertest.OpenDB(t, dbtest.Postgres(t)).Begin()
	servertest.Check(t, err)
	defer beside.Rollback()
	_, err = beside.Exec("CREATE TABLE written (id int)")
	servertest.Check(t, err)
	url := dbtest.Postgres(t)
	p := servertest.NewPair(t, url, url)
	p.WaitForCache()
	trials, bound := refusals()
	if most := p.SlowestRefusal(trials, bound); most > bound {
		t.Errorf("a session was accepted for %v after it had ended", most)
	}
}
