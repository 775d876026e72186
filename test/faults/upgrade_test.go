package faults

import (
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// upgradeDrain is how long a process serves on that nobody asks any more: for who has chosen it before.
const upgradeDrain = 300 * time.Millisecond

// TestUpgrade_AndItsWayBackCutNoAnswer: to two processes comes one of the next version, which migrates under load; all
// three serve, each with the others' tokens; then it goes, and the old ones go on. Only a new start of the old version
// is refused.
func TestUpgrade_AndItsWayBackCutNoAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two versions and serves for some seconds")
	}
	newer := servertest.Options{Child: true, Program: servertest.Build(t, ".", "-overlay", nextVersion(t))}
	environment := []string{"GATEHOUSE_DATABASE_URL=" + dbtest.Postgres(t), servertest.Secret, servertest.Issuer,
		"GATEHOUSE_DRAIN=" + upgradeDrain.String()}
	one, two := servertest.StartChild(t, environment...), servertest.StartChild(t, environment...)
	v := &versions{t: t}
	v.use(one, two)
	over := v.load(8)

	time.Sleep(300 * time.Millisecond)
	next := newer.Start(t, environment...)
	v.use(one, two, next)
	v.checkTrust(one, next)
	v.checkTrust(next, one)
	time.Sleep(400 * time.Millisecond)
	v.checkReady(one, two, next)

	v.leave(one, two, next) // the upgrade goes on
	time.Sleep(300 * time.Millisecond)
	v.leave(next, two) // and back
	time.Sleep(300 * time.Millisecond)
	v.checkReady(two)
	o := servertest.StartRefused(t, environment...)
	if o.Code != cli.ExitFailed || !regexp.MustCompile(`is at version 9001, newer than this program's \d+: run the newer program`).MatchString(o.Stderr) {
		t.Errorf("a new start of the old version: %+v", o)
	}
	next.Restart() // the newer one may start
	v.use(two, next)
	v.checkTrust(two, next)
	time.Sleep(200 * time.Millisecond)
	over()
}

// nextVersion is an overlay for go build that adds a migration of users.
func nextVersion(t *testing.T) string {
	t.Helper()
	here, err := filepath.Abs("internal/database/migrations/postgres/9001_next.sql")
	servertest.Check(t, err)
	file := servertest.WriteFile(t, "-- +goose Up\nALTER TABLE \"users\" ADD COLUMN \"nickname\" character varying NULL;\n")
	return servertest.WriteFile(t, servertest.JSON(map[string]any{"Replace": map[string]string{here: file}}))
}

// versions is processes on one database, of which clients ask any.
type versions struct {
	t                *testing.T
	processes        atomic.Pointer[[]*servertest.Process]
	asking           sync.WaitGroup
	answered, failed atomic.Int64
}

func (v *versions) use(processes ...*servertest.Process) { v.processes.Store(&processes) }

// leave stops a process as a proxy's operator does: no request is sent there any more, and what runs may finish.
func (v *versions) leave(p *servertest.Process, rest ...*servertest.Process) {
	v.t.Helper()
	v.use(rest...)
	p.Signal(syscall.SIGTERM)
	if code := p.Wait(); code != cli.ExitDone {
		v.t.Errorf("a process ended with %d\n%s", code, p.Log)
	}
}

// load has clients register, read, write and leave, each time at any process, until the returned function is called.
func (v *versions) load(clients int) (end func()) {
	done := make(chan struct{})
	ask := func(token, query string) servertest.Answer {
		processes, stood := *v.processes.Load(), testenv.Stood()
		p := processes[rand.IntN(len(processes))]
		a := p.Do(servertest.Request{Token: token, Query: query})
		if a.OK() {
			v.answered.Add(1)
		} else if testenv.Stood()-stood > upgradeDrain/3 {
			v.t.Logf("the machine stood still: %v", a)
		} else if v.failed.Add(1) < 5 {
			v.t.Errorf("%s: %s: %v", p.URL, query, a)
		}
		return a
	}
	for range clients {
		v.asking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				made := ask("", servertest.Registration(servertest.NewAddress()))
				if !made.OK() {
					continue
				}
				for _, query := range []string{servertest.Me,
					`mutation { updateProfile(input: {name: "Ann"}) { user { name } } }`, "{ me { name sessions { id } } }",
					"mutation { logout { success } }"} {
					ask(made.Field("accessToken"), query)
				}
			}
		})
	}
	return func() {
		v.t.Helper()
		close(done)
		v.asking.Wait()
		v.t.Logf("%d answered, %d failed", v.answered.Load(), v.failed.Load())
		if v.answered.Load() < 200 {
			v.t.Error("too few requests to tell")
		}
	}
}

// checkTrust registers at one process, and goes on at the other.
func (v *versions) checkTrust(at, other *servertest.Process) {
	v.t.Helper()
	made := at.Register()
	other.Must(made.Access, servertest.Me)
	other.Refresh(made.Refresh)
}

func (v *versions) checkReady(processes ...*servertest.Process) {
	v.t.Helper()
	for i, p := range processes {
		if !p.Ready() {
			v.t.Errorf("process %d is not ready", i)
		}
	}
}
