package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestAnUpgradeAndItsWayBackCutNoAnswer is R-026: to two processes comes one of the next version, which migrates under
// load; all three serve, each with the others' tokens; then it goes, and the old ones go on. Only a new start of the old
// version is refused.
func TestAnUpgradeAndItsWayBackCutNoAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two versions and serves for some seconds")
	}
	old, newer := filepath.Join(t.TempDir(), "old"), filepath.Join(t.TempDir(), "newer")
	execute(t, ".", "go", "build", "-o", old, ".")
	execute(t, ".", "go", "build", "-overlay", nextVersion(t), "-o", newer, ".")
	databaseURL := dbtest.Postgres(t)
	environment := []string{sameSecret, sameIssuer, "GATEHOUSE_DRAIN=100ms"}
	one, two := newProcess(t, old, databaseURL, environment...), newProcess(t, old, databaseURL, environment...)
	f := &fleetOfVersions{t: t}
	f.serve(one, two)
	over := f.load(8)

	time.Sleep(300 * time.Millisecond)
	next := newProcess(t, newer, databaseURL, environment...)
	f.serve(one, two, next)
	f.trust(one, next)
	f.trust(next, one)
	time.Sleep(400 * time.Millisecond)
	f.ready(one, two, next)

	f.leave(one, two, next) // the upgrade goes on
	time.Sleep(300 * time.Millisecond)
	f.leave(next, two) // and back
	time.Sleep(300 * time.Millisecond)
	f.ready(two)
	again := exec.Command(old)
	again.Env = one.environment
	said, err := again.CombinedOutput()
	if err == nil || again.ProcessState.ExitCode() != exitFailed || !regexp.MustCompile(`is at version 9001, newer than this program's \d+: run the newer program`).Match(said) {
		t.Errorf("a new start of the old version: %v, %s", err, said)
	}
	next.begin() // the newer one may start
	f.serve(two, next)
	f.trust(two, next)
	time.Sleep(200 * time.Millisecond)
	over()
}

// nextVersion is an overlay for go build that adds a migration of users.
func nextVersion(t *testing.T) string {
	t.Helper()
	here, err := filepath.Abs("internal/database/migrations/postgres/9001_next.sql")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	overlay, file := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "next.sql")
	for path, text := range map[string]string{
		file:    "-- +goose Up\nALTER TABLE \"users\" ADD COLUMN \"nickname\" character varying NULL;\n",
		overlay: marshal(map[string]any{"Replace": map[string]string{here: file}}),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return overlay
}

// fleetOfVersions is processes on one database, of which clients ask any.
type fleetOfVersions struct {
	t                *testing.T
	urls             atomic.Pointer[[]string]
	asking           sync.WaitGroup
	answered, failed atomic.Int64
}

func (f *fleetOfVersions) serve(processes ...*process) {
	var urls []string
	for _, p := range processes {
		urls = append(urls, p.url)
	}
	f.urls.Store(&urls)
}

// leave stops a process as a proxy's operator does: nobody is sent there any more, and what runs may finish.
func (f *fleetOfVersions) leave(p *process, rest ...*process) {
	f.t.Helper()
	f.serve(rest...)
	p.command.Process.Signal(syscall.SIGTERM)
	if err := p.command.Wait(); err != nil {
		f.t.Errorf("a process ended with %v\n%s", err, p.log)
	}
}

// load has clients register, read, write and leave, each time at any process, until the returned function is called.
func (f *fleetOfVersions) load(clients int) (end func()) {
	done := make(chan struct{})
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	ask := func(token, query string) string {
		url := (*f.urls.Load())[rand.IntN(len(*f.urls.Load()))]
		a := askAt(client, url, token, query)
		if a.fine() {
			f.answered.Add(1)
		} else if f.failed.Add(1) < 5 {
			f.t.Errorf("%s: %s: %+v", url, query, a)
		}
		return a.text
	}
	for range clients {
		f.asking.Go(func() {
			p := &patient{}
			for {
				select {
				case <-done:
					return
				default:
				}
				_, token, _ := strings.Cut(ask("", p.registration()), `"accessToken":"`)
				token, _, _ = strings.Cut(token, `"`)
				for _, query := range []string{me, `mutation { updateProfile(input: {name: "Ann"}) { user { name } } }`, "{ me { name sessions { id } } }", "mutation { logout { success } }"} {
					ask(token, query)
				}
			}
		})
	}
	return func() {
		f.t.Helper()
		close(done)
		f.asking.Wait()
		f.t.Logf("%d answered, %d failed", f.answered.Load(), f.failed.Load())
		if f.answered.Load() < 200 {
			f.t.Error("too few requests to tell")
		}
	}
}

// trust registers at one process, and goes on at the other.
func (f *fleetOfVersions) trust(at, other *process) {
	f.t.Helper()
	made := (&stage{t: f.t, url: at.url}).must("", fmt.Sprintf(`mutation { register(input: {email: "t%d@example.com", password: "correct horse battery"}) { accessToken refreshToken } }`, registrations.Add(1)))
	there := &stage{t: f.t, url: other.url}
	there.must(between(f.t, made, `"accessToken":"`, `"`), me)
	there.must("", `mutation { refresh(input: {refreshToken: "`+between(f.t, made, `"refreshToken":"`, `"`)+`"}) { accessToken } }`)
}

func (f *fleetOfVersions) ready(processes ...*process) {
	f.t.Helper()
	for i, p := range processes {
		if status, body := get(f.t, p.url+"/readyz"); status != http.StatusOK {
			f.t.Errorf("process %d is not ready: %d %s", i, status, body)
		}
	}
}
