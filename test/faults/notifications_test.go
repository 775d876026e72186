package faults

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestLostNotifications_AcceptNoEndedSessionForMoreThanASecond cuts the link between two instances in every way.
func TestLostNotifications_AcceptNoEndedSessionForMoreThanASecond(t *testing.T) {
	cluster := dbtest.NewServer(t)
	link := dbtest.NewProxy(t, cluster.URL("postgres"))
	p := servertest.NewPair(t, cluster.URL("postgres"), link.URL)
	for _, c := range []struct {
		name   string
		trials int
		cut    func()
		mend   func()
	}{
		{"the listener's connection is killed", 20, func() {
			servertest.Exec(t, p.DB, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatehouse listener'")
		}, func() {}},
		{"the listener's connection hangs", 5, func() { link.FreezeOnly("listener") }, link.Pass},
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
