package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

const me = "{ me { id } }"

// pair is two instances on one Postgres.
type pair struct {
	*stage        // what is asked of the first instance
	other  *stage // and of the second
	db     *sql.DB
}

func newPair(t *testing.T, databaseURL, othersURL string) *pair {
	t.Helper()
	secret := "GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2)
	same := "GATEHOUSE_ISSUER=https://id.example.org"
	one := start(t, "GATEHOUSE_SECRET_FILE=", secret, same, "GATEHOUSE_DATABASE_URL="+databaseURL)
	two := start(t, "GATEHOUSE_SECRET_FILE=", secret, same, "GATEHOUSE_DATABASE_URL="+othersURL)
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &pair{stage: &stage{t: t, url: one.URL}, other: &stage{t: t, url: two.URL}, db: db}
}

// signedIn asks the other instance, so that it remembers the session.
func (p *pair) signedIn(token string) bool {
	p.t.Helper()
	body := p.other.ask(shape{method: http.MethodPost, query: me}, token)
	switch {
	case strings.Contains(body, `"data":{"me":{"id"`):
		return true
	case strings.Contains(body, `"reason":"revoked"`):
		return false
	}
	p.t.Fatalf("neither granted nor revoked: %s", body)
	return false
}

// remembered registers somebody and waits until the other instance answers for them from memory: a session that is
// ended behind the back of every instance, with no revocation, is still accepted there.
func (p *pair) remembersSessions() {
	p.t.Helper()
	for range 100 {
		token := p.register()
		p.signedIn(token)
		if _, err := p.db.ExecContext(p.t.Context(), "UPDATE sessions SET ended_at = now()"); err != nil {
			p.t.Fatal(err)
		}
		if p.signedIn(token) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatal("the second instance reads the database each time: what follows would show nothing")
}

// untilRefused ends a session at the first instance, and returns for how long the second one accepted it afterwards.
func (p *pair) untilRefused() time.Duration {
	p.t.Helper()
	token := p.register()
	for range 2 { // read, and remembered
		if !p.signedIn(token) {
			p.t.Fatal("a new session is refused")
		}
	}
	p.must(token, "mutation { logout { success } }")
	ended := time.Now()
	for p.signedIn(token) {
		if time.Since(ended) > 10*time.Second {
			p.t.Fatal("a session that has ended is accepted for ten seconds")
		}
	}
	return time.Since(ended)
}

// TestASessionThatEndsIsRefusedByTheOtherInstance prints how soon. A machine that does much else stands still for longer
// than that now and then, which is not the server's fault: one of five series must keep the bound.
func TestASessionThatEndsIsRefusedByTheOtherInstance(t *testing.T) {
	url := dbtest.Postgres(t)
	p := newPair(t, url, url)
	p.remembersSessions()
	trials := 1000
	if testing.Short() {
		trials = 50
	}
	for series := range 5 {
		took := make([]time.Duration, trials)
		for i := range took {
			took[i] = p.untilRefused()
		}
		slices.Sort(took)
		most := took[trials-1]
		t.Logf("refused after p50 %v, p99 %v, max %v (%d trials)", took[trials/2], took[trials*99/100], most, trials)
		if most <= 100*time.Millisecond {
			return
		}
		if most > time.Second || series == 4 && !testing.Short() {
			t.Fatalf("a session was accepted for %v after it had ended, want at most 100ms", most)
		}
	}
}

// TestEveryEndingIsHeardByTheOtherInstance is J-084: whatever ends a session or takes a right.
func TestEveryEndingIsHeardByTheOtherInstance(t *testing.T) {
	url := dbtest.Postgres(t)
	p := newPair(t, url, url)
	var out strings.Builder
	if code := run(t.Context(), world{Args: []string{"admin", "create", "root@example.com"}, Stdin: strings.NewReader("the root of it all\n"),
		Env:    []string{"GATEHOUSE_DATABASE_URL=" + url, "GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2), "GATEHOUSE_ARGON2=m=64,t=1,p=1"},
		Stdout: &out, Stderr: &out}); code != exitDone {
		t.Fatal(out.String())
	}
	p.remembersSessions()
	password := `"correct horse battery"`
	idOf := func(token string) string { return between(t, p.must(token, me), `"id":"`, `"`) }
	for name, end := range map[string]func(token, email string){
		"logout": func(token, _ string) { p.must(token, "mutation { logout { success } }") },
		"delete": func(token, _ string) { p.must(token, "mutation { deleteAccount { success } }") },
		"suspend": func(token, _ string) {
			p.must(p.admin(), `mutation { suspendUser(id: "`+idOf(token)+`") { user { id } } }`)
		},
		"change password": func(token, _ string) {
			p.must(token, `mutation { changePassword(input: {currentPassword: `+password+`, newPassword: "another horse battery"}) { tokenType } }`)
		},
		"revoke from another session": func(token, email string) {
			p.must(p.login(email, "correct horse battery"), "mutation { revokeOtherSessions { success } }")
		},
		"revoke itself": func(token, _ string) {
			sid := between(t, p.must(token, "{ me { sessions { id } } }"), `"sessions":[{"id":"`, `"`)
			p.must(token, `mutation { revokeSession(id: "`+sid+`") { session { id } } }`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			email := fmt.Sprintf("u%d@example.com", time.Now().UnixNano())
			token := between(t, p.must("", `mutation { register(input: {email: "`+email+`", password: `+password+`}) { accessToken } }`), `"accessToken":"`, `"`)
			innocent := p.register()
			if !p.signedIn(token) || !p.signedIn(innocent) {
				t.Fatal("a new session is refused")
			}
			end(token, email)
			ended := time.Now()
			for p.signedIn(token) {
				if time.Since(ended) > time.Second {
					t.Fatal("accepted a second after it ended")
				}
			}
			if !p.signedIn(innocent) {
				t.Error("somebody else's session was ended")
			}
		})
	}
	t.Run("name", func(t *testing.T) {
		token := p.register()
		for _, name := range []string{"Ann", "Anna"} {
			named := func() bool {
				return strings.Contains(p.other.ask(shape{method: http.MethodPost, query: "{ me { name } }"}, token), `"name":"`+name+`"`)
			}
			if named() {
				t.Errorf("%s before it was said", name)
			}
			p.must(token, `mutation { updateProfile(input: {name: "`+name+`"}) { user { id } } }`)
			for changed := time.Now(); !named(); {
				if time.Since(changed) > time.Second {
					t.Fatal("not known a second later")
				}
			}
		}
	})
	t.Run("roles", func(t *testing.T) {
		token := p.register()
		users := func() bool {
			return strings.Contains(p.other.ask(shape{method: http.MethodPost, query: "{ users { totalCount } }"}, token), `"totalCount":`)
		}
		setRoles := func(roles string) {
			p.must(p.admin(), `mutation { setRoles(input: {userId: "`+idOf(token)+`", roles: `+roles+`}) { user { id } } }`)
		}
		for _, c := range []struct {
			roles string
			may   bool
		}{{"[USER, ADMIN]", true}, {"[USER]", false}} {
			before := users()
			setRoles(c.roles)
			changed := time.Now()
			for users() != c.may {
				if time.Since(changed) > time.Second {
					t.Fatalf("a second after the roles were set to %s: users %v", c.roles, users())
				}
			}
			if before == c.may {
				t.Errorf("%s changed nothing", c.roles)
			}
		}
	})
}

// TestWithoutNotificationsNobodyIsAcceptedForMoreThanASecond cuts the link in every way.
func TestWithoutNotificationsNobodyIsAcceptedForMoreThanASecond(t *testing.T) {
	cluster := dbtest.NewCluster(t)
	link := newLink(t, cluster.URL("postgres"))
	p := newPair(t, cluster.URL("postgres"), link.url)
	for _, c := range []struct {
		name   string
		trials int
		cut    func()
		mend   func()
	}{
		{"the listener's connection is killed", 20, func() {
			if _, err := p.db.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatehouse listener'"); err != nil {
				t.Fatal(err)
			}
		}, func() {}},
		{"the listener's connection hangs", 5, link.freeze, link.thaw},
		{"Postgres was restarted", 5, func() {
			if err := cluster.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := cluster.Start(); err != nil {
				t.Fatal(err)
			}
		}, func() {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.remembersSessions()
			most := time.Duration(0)
			for range c.trials {
				token := p.register()
				p.signedIn(token)
				c.cut()
				p.must(token, "mutation { logout { success } }")
				ended := time.Now()
				for p.signedIn(token) {
				}
				most = max(most, time.Since(ended))
				c.mend()
			}
			t.Logf("accepted for %v at most (%d trials)", most, c.trials)
			if most > time.Second {
				t.Errorf("a session was accepted for %v after it had ended", most)
			}
			p.remembersSessions() // the link is mended by itself
		})
	}
}

// link is a proxy before Postgres that can stop to carry what the listener's connection says, and keep it open.
type link struct {
	url    string
	target string
	mu     sync.Mutex
	moves  *sync.Cond
	frozen bool
}

func newLink(t *testing.T, databaseURL string) *link {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { front.Close() })
	l := &link{target: u.Host}
	l.moves = sync.NewCond(&l.mu)
	t.Cleanup(l.thaw)
	u.Host = front.Addr().String()
	l.url = u.String()
	go func() {
		for {
			client, err := front.Accept()
			if err != nil {
				return
			}
			go l.carry(client)
		}
	}()
	return l
}

// carry connects a client with the server until one of them ends.
func (l *link) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	defer server.Close()
	hello := make([]byte, 4096) // the startup message names the application
	n, err := client.Read(hello)
	if err != nil {
		return
	}
	listens := bytes.Contains(hello[:n], []byte("listener"))
	if _, err := server.Write(hello[:n]); err != nil {
		return
	}
	go func() {
		defer client.Close()
		defer server.Close()
		io.Copy(server, client)
	}()
	buffer := make([]byte, 16<<10)
	for {
		n, err := server.Read(buffer)
		if listens {
			l.wait()
		}
		if _, failed := client.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}

func (l *link) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.frozen {
		l.moves.Wait()
	}
}

func (l *link) freeze() { l.set(true) }
func (l *link) thaw()   { l.set(false) }

func (l *link) set(frozen bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = frozen
	l.moves.Broadcast()
}
