package faults

import (
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/pgtemp"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// needFailovers skips a test that takes some seconds of two servers.
func needFailovers(t *testing.T) {
	t.Helper()
	if !testenv.Long("failover") {
		t.Skip("starts two Postgres servers: TEST_LONG=failover")
	}
}

// twoServers are a primary and its synchronous standby, as deploy/postgres.sh makes them.
type twoServers struct {
	primary, standby *pgtemp.Server
	urls             string // names both
}

func newTwoServers(t *testing.T) twoServers {
	t.Helper()
	primary := dbtest.NewServer(t)
	standby := dbtest.NewStandby(t, primary, servertest.ReadFile(t, "deploy/postgres.sh"))
	one, err := url.Parse(primary.URL("postgres"))
	testenv.Check(t, err)
	two, err := url.Parse(standby.URL("postgres"))
	testenv.Check(t, err)
	one.Host += "," + two.Host
	db := servertest.OpenDB(t, primary.URL("postgres"))
	servertest.Eventually(t, "the standby is synchronous", servertest.HangGuard, func() bool {
		var state string
		return db.QueryRow("SELECT sync_state FROM pg_stat_replication").Scan(&state) == nil && state == "sync"
	})
	return twoServers{primary, standby, one.String()}
}

// failOver ends the primary as a power cut does, and promotes the standby.
func (s twoServers) failOver(t *testing.T) {
	t.Helper()
	testenv.Check(t, s.primary.Kill())
	servertest.Exec(t, servertest.OpenDB(t, s.standby.URL("postgres")), "SELECT pg_promote()")
}

// TestFailover_LosesNothingThatWasAnswered: eight clients register, sign in, write and log out at two instances whose
// URL names both servers.
func TestFailover_LosesNothingThatWasAnswered(t *testing.T) {
	needFailovers(t)
	servers := newTwoServers(t)
	c := &travellers{t: t}
	for i := range c.instances {
		p := servertest.StartChild(t, servertest.Secret, servertest.Issuer, "GATEHOUSE_DATABASE_URL="+servers.urls)
		p.HTTP.Timeout = 30 * time.Second
		c.instances[i] = p.Client
	}
	var working sync.WaitGroup
	for i := range c.diaries {
		working.Go(func() { c.work(i) })
	}
	c.waitForWrites(400)
	began := time.Now()
	servers.failOver(t)
	promoted := time.Now()
	c.waitForWrites(1)
	t.Logf("promoted %v after the kill; the next write was answered after %v", promoted.Sub(began), time.Since(began))
	c.waitForWrites(400)
	c.over.Store(true)
	working.Wait()
	c.check()
}

// travellers are clients of two instances.
type travellers struct {
	t         *testing.T
	instances [2]*servertest.Client
	diaries   [clientCount][]*page
	over      atomic.Bool

	written, unanswered, lost atomic.Int64
}

// page is what a client knows of an account.
type page struct {
	email, lives, ended, name string // as was answered
	sent                      string // a name whose change was not
	endedAt                   time.Time
}

// waitForWrites waits until so many more were answered.
func (c *travellers) waitForWrites(n int64) {
	c.t.Helper()
	enough := c.written.Load() + n
	servertest.Eventually(c.t, fmt.Sprint(n, " writes"), servertest.HangGuard, func() bool {
		return c.written.Load() >= enough || c.t.Failed()
	})
}

func (c *travellers) work(client int) {
	for n := 0; !c.over.Load() && !c.t.Failed(); n++ {
		c.write(client, n)
		for i := range c.instances {
			c.checkEnded(c.instances[i], c.diaries[client][max(0, n-20):])
		}
	}
}

// write lives through an account, at both instances by turns, until something is not answered.
func (c *travellers) write(client, n int) {
	one, two := c.instances[n%2], c.instances[(n+1)%2]
	p := &page{email: fmt.Sprintf("client-%d-%d@example.com", client, n)}
	c.diaries[client] = append(c.diaries[client], p)
	a, ok := c.ask(one, "", servertest.Registration(p.email))
	if !ok {
		p.email = ""
		return
	}
	p.lives = a.Field("accessToken")
	p.sent = fmt.Sprintf("Ada %d", n)
	if _, ok = c.ask(two, p.lives, `mutation { updateProfile(input: {name: "`+p.sent+`"}) { user { id } } }`); !ok {
		return
	}
	p.name, p.sent = p.sent, ""
	a, ok = c.ask(two, "", fmt.Sprintf(`mutation { login(input: {email: %q, password: %q}) { accessToken } }`, p.email,
		servertest.Password))
	if !ok {
		return
	}
	token := a.Field("accessToken")
	if _, ok = c.ask(one, token, "mutation { logout { success } }"); ok {
		p.ended, p.endedAt = token, time.Now()
	}
}

// ask sends a write. What is not answered may have been done or not.
func (c *travellers) ask(instance *servertest.Client, token, query string) (servertest.Answer, bool) {
	a := instance.Do(servertest.Request{Token: token, Query: query})
	switch {
	case a.OK():
		c.written.Add(1)
		return a, true
	case !isUnavailable(a) && !a.HashesWait():
		c.t.Errorf("%s: %v", query, a)
	}
	c.unanswered.Add(1)
	time.Sleep(10 * time.Millisecond)
	return a, false
}

// checkEnded checks that an instance accepts no session that was ended more than a second ago.
func (c *travellers) checkEnded(instance *servertest.Client, pages []*page) {
	for _, p := range pages {
		if p.ended != "" && time.Since(p.endedAt) > time.Second {
			if a := instance.Do(servertest.Request{Token: p.ended, Query: servertest.Me}); a.OK() {
				c.t.Errorf("a session is accepted %v after it was ended: %v", time.Since(p.endedAt), a)
				c.lost.Add(1)
			}
		}
	}
}

// isNamed reports whether an account has the name that was answered, or the one that was not.
func (p *page) isNamed(a servertest.Answer) bool {
	return a.Has(`"name":"`+p.name+`"`) || a.Has(`"name":"`+p.sent+`"`) || p.name == "" && a.Has(`"name":null`)
}

// check counts what was answered and is not there.
func (c *travellers) check() {
	c.t.Helper()
	accounts, endings := 0, 0
	for _, pages := range c.diaries {
		for _, p := range pages {
			if p.email == "" {
				continue
			}
			accounts++
			for _, instance := range c.instances {
				me := instance.Ask(p.lives, "{ me { email name } }")
				if !me.Has(servertest.JSON(p.email)) || !p.isNamed(me) {
					c.t.Errorf("%+v: %v", p, me)
					c.lost.Add(1)
				}
				if p.ended == "" {
					continue
				}
				endings++
				if a := instance.Ask(p.ended, servertest.Me); !a.Has(`"reason":"revoked"`) {
					c.t.Errorf("%+v: an ended session: %v", p, a)
					c.lost.Add(1)
				}
			}
		}
	}
	c.t.Logf("%d writes answered, %d not; %d accounts, %d endings; lost %d", c.written.Load(), c.unanswered.Load(),
		accounts, endings/len(c.instances), c.lost.Load())
	if c.unanswered.Load() == 0 || endings == 0 {
		c.t.Error("every write was answered, or no session ended: this shows nothing")
	}
}
