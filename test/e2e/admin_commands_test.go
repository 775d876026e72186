package e2e

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

const (
	ownersPassword  = "chosen by the owner"
	attackersOrigin = "http://localhost:5173"
)

// startBehindProxy starts a server in a process of its own, which counts attempts and believes X-Forwarded-For.
func startBehindProxy(t *testing.T, url string) *servertest.Process {
	t.Helper()
	return servertest.StartChild(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_THROTTLE=register=1000000",
		"GATEHOUSE_TRUSTED_PROXIES=127.0.0.1", "GATEHOUSE_DELETION_GRACE=0", "GATEHOUSE_ALLOWED_ORIGINS="+attackersOrigin)
}

// TestAdminCreate_RefusesAnAddressThatAnAttackerRegistered: the attacker would have become an administrator, and the
// operator's password would have been dropped.
func TestAdminCreate_RefusesAnAddressThatAnAttackerRegistered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := startBehindProxy(t, url)
		a := s.RegisterAs("ops@company.example")
		o := s.RunCommand(ownersPassword+"\n", "admin", "create", a.Email)
		if o.Code != cli.ExitFailed || !strings.Contains(o.Stderr, "gatehouse admin promote") || o.Stdout != "" {
			t.Errorf("%+v; want %d and a way out", o, cli.ExitFailed)
		}
		if answer := s.Ask(a.Access, "{ users { totalCount } }"); answer.Code() != "FORBIDDEN" {
			t.Errorf("the attacker asks for all users: %v", answer)
		}
		if !s.Ask("", signIn(a.Email, servertest.Password)).OK() {
			t.Error("a command that failed changed the password")
		}
	})
}

// attacker is who registered an address before its owner, with all that opens the account.
type attacker struct {
	*servertest.Process
	t                       *testing.T
	network, email          string
	access, refresh, cookie string
	device, deviceCookie    string
}

// networks counts the networks of a test, so that each attacker has one of their own.
var networks atomic.Int32

func anotherNetwork() string {
	n := networks.Add(1)
	return fmt.Sprintf("203.0.%d.%d", n/250, n%250)
}

func newAttacker(t *testing.T, s *servertest.Process) *attacker {
	p := &attacker{Process: s, t: t, network: anotherNetwork(), email: servertest.NewAddress()}
	a := p.ask(`mutation { register(input: {email: ` + servertest.JSON(p.email) + `, password: ` +
		servertest.JSON(servertest.Password) + `}) { accessToken refreshToken device } }`)
	p.access, p.refresh, p.device = a.Field("accessToken"), a.Field("refreshToken"), a.Field("device")
	a = p.ask(withInput(signIn(p.email, servertest.Password), "cookie: true"))
	p.cookie, p.deviceCookie = a.cookie(0), a.cookie(1)
	return p
}

func (p *attacker) ask(query string, header ...string) cookieAnswer {
	return p.askFrom(p.network, query, header...)
}

func (p *attacker) askFrom(network, query string, header ...string) cookieAnswer {
	header = append(header, "X-Forwarded-For", network, "Origin", attackersOrigin)
	return cookieAnswer{p.Decided(servertest.Request{Query: query, Header: header})}
}

func signIn(email, password string) string {
	return `mutation { login(input: {email: ` + servertest.JSON(email) + `, password: ` + servertest.JSON(password) +
		`}) { accessToken refreshToken } }`
}

// withInput adds a field to the input of a mutation.
func withInput(mutation, field string) string {
	return strings.Replace(mutation, `"})`, `", `+field+`})`, 1)
}

type cookieAnswer struct{ servertest.Answer }

// cookie returns the nth cookie that an answer sets, "" when there are fewer.
func (a cookieAnswer) cookie(n int) string {
	all := a.Header.Values("Set-Cookie")
	if n >= len(all) {
		return ""
	}
	cookie, _, _ := strings.Cut(all[n], ";")
	return cookie
}

// credential is something that opens an account.
type credential struct {
	name   string
	opens  string // the code of the answer while it does; "" is success
	closed string // the code when it no longer does
	try    func(p *attacker) string
	cached time.Duration // how long a server may read with what it read before: it writes nothing with it
}

var credentials = []credential{
	{name: "access token", closed: "UNAUTHENTICATED", cached: time.Second, try: func(p *attacker) string {
		return p.Ask(p.access, servertest.Me).Code()
	}},
	{name: "access token that writes", closed: "UNAUTHENTICATED", try: func(p *attacker) string {
		return p.Ask(p.access, `mutation { updateProfile(input: {name: "Ops"}) { user { id } } }`).Code()
	}},
	{name: "refresh token", closed: "INVALID_TOKEN", try: func(p *attacker) string {
		return p.ask(`mutation { refresh(input: {refreshToken: ` + servertest.JSON(p.refresh) + `}) { tokenType } }`).Code()
	}},
	{name: "cookie", closed: "INVALID_TOKEN", try: func(p *attacker) string {
		return p.ask(`mutation { refresh(input: {}) { tokenType } }`, "Cookie", p.cookie).Code()
	}},
	{name: "password", closed: "INVALID_CREDENTIALS", try: func(p *attacker) string {
		return p.ask(signIn(p.email, servertest.Password)).Code()
	}},
	{name: "known device", opens: "INVALID_CREDENTIALS", closed: "RATE_LIMITED", try: func(p *attacker) string {
		p.guess()
		return p.ask(withInput(signIn(p.email, "a wrong password"), "device: "+servertest.JSON(p.device))).Code()
	}},
	{name: "known device's cookie", opens: "INVALID_CREDENTIALS", closed: "RATE_LIMITED", try: func(p *attacker) string {
		p.guess()
		return p.ask(withInput(signIn(p.email, "a wrong password"), "cookie: true"), "Cookie", p.deviceCookie).Code()
	}},
}

// guess is what others do until they are slowed down; only a known device may go on to guess.
func (p *attacker) guess() {
	for range 20 {
		if p.askFrom(anotherNetwork(), signIn(p.email, "a wrong password")).Code() == "RATE_LIMITED" {
			return
		}
	}
	p.t.Fatal("others guess freely")
}

// grant is a right that an operator or administrator gives to the owner of an address.
type grant struct {
	name       string
	before     func(p *attacker) // what the attacker does before it
	give       func(p *attacker)
	makesAdmin bool
	password   string // of the account after it
}

var grants = []grant{
	{"create", func(p *attacker) { p.Must(p.access, `mutation { deleteAccount { success } }`) }, command("create"), true,
		ownersPassword},
	{"promote", func(*attacker) {}, command("promote"), true, ownersPassword},
	{"reset", func(*attacker) {}, command("reset"), false, ownersPassword},
	// Its caller vouches for the person who has the password, and for no other.
	{"setRoles", func(*attacker) {}, func(p *attacker) {
		p.Must(p.Admin(), `mutation { setRoles(input: {userId: `+servertest.JSON(p.id())+
			`, roles: [USER, ADMIN], allowUnverifiedEmail: true}) { user { id } } }`)
	}, true, servertest.Password},
}

func command(verb string) func(p *attacker) {
	return func(p *attacker) { p.Command(ownersPassword+"\n", "admin", verb, p.email) }
}

// TestRightsByAddress_NoEarlierCredentialOpensAnything is the law of every right that is given to the owner of an
// address: what opened the account before opens nothing after it, on a server that runs in another process.
func TestRightsByAddress_NoEarlierCredentialOpensAnything(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := startBehindProxy(t, url)
		s.CreateAdmin()
		for _, g := range grants {
			for _, c := range credentials {
				if c.name == "password" && g.password == servertest.Password {
					continue
				}
				t.Run(g.name+"/"+c.name, func(t *testing.T) { noneOpens(t, newAttacker(t, s), g, c) })
			}
		}
	})
}

func noneOpens(t *testing.T, p *attacker, g grant, c credential) {
	if code := c.try(p); code != c.opens {
		t.Fatalf("before: %q, want %q", code, c.opens)
	}
	g.before(p)
	g.give(p)
	if a := p.Ask(p.access, "{ users { totalCount } }"); a.OK() {
		t.Errorf("the attacker's session is an administrator's: %v", a)
	}
	code, given := c.opens, time.Now()
	for asked := time.Duration(0); code == c.opens && asked <= c.cached; {
		asked = time.Since(given)
		code = c.try(p)
	}
	if code != c.closed {
		t.Fatalf("after: %q, want %q", code, c.closed)
	}
	if c.opens != "" { // others' guesses hold up the owner as well
		return
	}
	a := p.askFrom(anotherNetwork(), signIn(p.email, g.password))
	if !a.OK() {
		t.Fatalf("the owner signs in: %v", a)
	}
	if users := p.Ask(a.Field("accessToken"), "{ users { totalCount } }"); users.OK() != g.makesAdmin {
		t.Errorf("the owner asks for all users: %v", users)
	}
}

// TestAdminPromote_SaysWhoseAccountItIs: since when and from where it exists, and what an operator has to do otherwise.
func TestAdminPromote_SaysWhoseAccountItIs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := startBehindProxy(t, url)
		s.CreateAdmin()
		p := newAttacker(t, s)
		for _, verb := range []string{"promote", "reset"} {
			o := s.RunCommand("password123\n", "admin", verb, strings.ToUpper(p.email))
			for _, want := range []string{p.email + " exists since 2", "nobody has confirmed", " from " + p.network + ".\n"} {
				if !strings.Contains(o.Stdout, want) {
					t.Errorf("%s: %+v; want %q", verb, o, want)
				}
			}
			if o.Code != cli.ExitFailed || !strings.Contains(o.Stderr, "10,000 commonest") {
				t.Errorf("%s with a common password: %+v", verb, o)
			}
			o = s.RunCommand("", "admin", verb, p.email)
			if o.Code != cli.ExitFailed || !strings.Contains(o.Stderr, "no password") {
				t.Errorf("%s without a password: %+v", verb, o)
			}
			o = s.RunCommand(ownersPassword, "admin", verb, servertest.NewAddress())
			if o.Code != cli.ExitFailed || !strings.Contains(o.Stderr, "gatehouse admin create") || o.Stdout != "" {
				t.Errorf("%s of nobody: %+v", verb, o)
			}
			if code := p.Ask(p.access, servertest.Me).Code(); code != "" {
				t.Errorf("a command that failed ended the session: %s", code)
			}
		}
		p.Must(s.Admin(), `mutation { suspendUser(id: `+servertest.JSON(p.id())+`) { user { id } } }`)
		if o := s.RunCommand(ownersPassword, "admin", "promote", p.email); o.Code != cli.ExitFailed ||
			!strings.Contains(o.Stderr, "suspended") {
			t.Errorf("a suspended account: %+v", o)
		}
	})
}

func (p *attacker) id() string { return p.Ask(p.access, servertest.Me).Field("id") }

// TestAdminCommands_SecurityEventsNameTheOperator reads what a command logs.
func TestAdminCommands_SecurityEventsNameTheOperator(t *testing.T) {
	env := []string{"GATEHOUSE_DATABASE_URL=" + dbtest.SQLite(t), "GATEHOUSE_LOG=info", servertest.CheapHashing}
	for _, c := range []struct{ verb, event string }{
		{"create", "account_created"}, {"promote", "password_changed"}, {"reset", "password_changed"},
	} {
		o := servertest.Command(t, env, ownersPassword, "admin", c.verb, "ann@example.com")
		if o.Code != cli.ExitDone || !strings.Contains(o.Stderr, c.event) || !strings.Contains(o.Stderr, "operator=") {
			t.Errorf("%s: %+v; want %s and an operator", c.verb, o, c.event)
		}
	}
}
