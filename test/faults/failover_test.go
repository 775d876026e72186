package faults

import (
	"fmt"
	"net/url"
	"os/exec"
	"strings"
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

// interruption leaves behind what a copy does that was interrupted.
const interruption = `mkdir -p "$PGDATA" "$PGDATA.new/base" && echo 15 >"$PGDATA/PG_VERSION"; `

func newTwoServers(t *testing.T) twoServers {
	t.Helper()
	primary := dbtest.NewServer(t)
	servertest.Exec(t, servertest.OpenDB(t, primary.URL("postgres")),
		"SELECT pg_create_physical_replication_slot('standby')")
	standby := dbtest.NewStandby(t, primary, interruption+servertest.ReadFile(t, startScript))
	one, err := url.Parse(primary.URL("postgres"))
	testenv.Check(t, err)
	two, err := url.Parse(standby.URL("postgres"))
	testenv.Check(t, err)
	one.Host += "," + two.Host
	s := twoServers{primary, standby, one.String()}
	s.waitForStandby(t)
	return s
}

const startScript = "deploy/postgres.sh"

func (s twoServers) waitForStandby(t *testing.T) {
	t.Helper()
	db := servertest.OpenDB(t, s.primary.URL("postgres"))
	servertest.Eventually(t, "the standby is synchronous", servertest.HangGuard, func() bool {
		var state string
		return db.QueryRow("SELECT sync_state FROM pg_stat_replication").Scan(&state) == nil && state == "sync"
	})
}

// failOver ends the primary as a power cut does, and promotes the standby by the page's commands.
func (s twoServers) failOver(t *testing.T) {
	t.Helper()
	testenv.Check(t, s.primary.Kill())
	s.follow(t, s.standby, "On the standby:")
}

// follow runs what docs/operations.md has after some words, at a server.
func (s twoServers) follow(t *testing.T, server *pgtemp.Server, words string) {
	t.Helper()
	commands := servertest.Between(t, servertest.ReadFile(t, "docs/operations.md"), words+"\n\n```sh\n", "```")
	shell(t, server.Environment(), strings.ReplaceAll(commands, "db2", "standby"), true)
}

// shell runs commands, which must succeed or not, and returns what they print.
func shell(t *testing.T, environment []string, commands string, ok bool) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "sh", "-euc", commands, "sh", "true")
	command.Env = environment
	out, err := command.CombinedOutput()
	if (err == nil) != ok {
		t.Fatalf("%s: %v: %s", commands, err, out)
	}
	return string(out)
}

// rejoin brings the former primary back. It must not be a second one.
func (s twoServers) rejoin(t *testing.T) twoServers {
	t.Helper()
	script, names := servertest.ReadFile(t, startScript), []string{"PEER=127.0.0.1", "NAME=former"}
	said := shell(t, s.primary.Wrap(script, s.standby, names...), script, false)
	if !strings.Contains(said, "takes writes") {
		t.Errorf("a former primary: %s", said)
	}
	s.primary.Wrap("", s.standby) // past the script: nothing that is written there is answered
	testenv.Check(t, s.primary.Start())
	db, answered := servertest.OpenDB(t, s.primary.URL("postgres")), make(chan error, 1)
	go func() { _, err := db.Exec("CREATE TABLE second_primary ()"); answered <- err }()
	servertest.Eventually(t, "the write waits", servertest.HangGuard, func() (waits bool) {
		return db.QueryRow("SELECT true FROM pg_stat_activity WHERE wait_event = 'SyncRep'").Scan(&waits) == nil
	})
	fresh := servertest.StartChild(t, servertest.Secret, servertest.Issuer, "GATEHOUSE_DATABASE_URL="+s.urls)
	fresh.Register() // at the other one, although this one may be named first
	fresh.Stop()
	testenv.Check(t, s.primary.Abort())
	if <-answered == nil {
		t.Error("a former primary answers writes")
	}
	s.primary.Wrap(script, s.standby, append(names, "REJOIN=1")...)
	testenv.Check(t, s.primary.Start())
	s.primary, s.standby = s.standby, s.primary
	s.waitForStandby(t)
	return s
}

// TestFailover_LosesNothingThatWasAnswered: eight clients register, sign in, write and log out at two instances whose
// URL names both servers, of which first one is lost, and then the other.
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
	servers.follow(t, servers.primary, "on the primary:") // it waits for nobody
	c.waitForWrites(1)
	servers.follow(t, servers.primary, "on one server only:")
	servers.waitForStandby(t)
	for time := range 2 {
		if time > 0 {
			servers = servers.rejoin(t)
		}
		c.waitForWrites(400)
		c.failOver(servers)
	}
	c.waitForWrites(400)
	c.over.Store(true)
	working.Wait()
	c.check()
}

// failOver says how soon the clients write again.
func (c *travellers) failOver(servers twoServers) {
	c.t.Helper()
	began := time.Now()
	servers.failOver(c.t)
	promoted := time.Now()
	c.waitForWrites(1)
	c.t.Logf("promoted %v after the kill; the next write was answered after %v", promoted.Sub(began), time.Since(began))
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
