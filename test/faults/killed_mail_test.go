package faults

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const (
	mailedPeople = 250 // each of whom goes through four flows
	mailedAsks   = 10  // of each person, at least
	mailKills    = 24
	// leaseGuard bounds how long a mail may take whose instance was killed: the next one waits for two minutes until it
	// may send it.
	leaseGuard = 6 * time.Minute
)

// TestKilledInstances_LoseNoMail ends instances with SIGKILL while people confirm, recover and move their accounts by
// what is mailed to them, and take that back: 1,000 flows. KILL_SEED repeats which instances are ended, and roughly when.
func TestKilledInstances_LoseNoMail(t *testing.T) {
	if !testenv.Long("kill") {
		t.Skip("takes three minutes: TEST_LONG=kill")
	}
	t.Run("one instance on sqlite", func(t *testing.T) {
		t.Parallel()
		newMailedFlows(t, dbtest.SQLite(t), 1).run()
	})
	t.Run("three instances on postgres", func(t *testing.T) {
		t.Parallel()
		newMailedFlows(t, dbtest.Postgres(t), 3).run()
	})
}

// mailedFlows are people who use the program and read the mails of its mail server.
type mailedFlows struct {
	*servertest.Client // asks an instance that is ready
	t                  *testing.T
	url                string
	instances          []*servertest.Process
	server             *servertest.MailServer
	active             chan struct{} // has room for the people who do not wait for a mail

	answered, links, unanswered atomic.Int64 // links that were used

	mu    sync.Mutex
	boxes map[mailName][]servertest.Mail // what was delivered, each message once, in the order of the causes
	want  map[mailName]mailBounds
	kills []mailKill
}

// mailName is a kind of mail to an address.
type mailName struct{ kind, to string }

// mailBounds is how many mails there have to be: a request without an answer may have been done.
type mailBounds struct{ least, most int }

type mailKill struct {
	instance    int
	from, until time.Time
}

func newMailedFlows(t *testing.T, url string, instances int) *mailedFlows {
	t.Helper()
	f := &mailedFlows{t: t, url: url, server: servertest.StartMailServer(t), active: make(chan struct{}, 32),
		boxes: map[mailName][]servertest.Mail{}, want: map[mailName]mailBounds{}}
	f.server.Pause = func() time.Duration { return time.Duration(rand.IntN(50)) * time.Millisecond }
	var clients []*servertest.Client
	for i := range instances {
		by := f.server.URL
		if i > 0 {
			by = f.server.Listen(t)
		}
		p := servertest.StartChild(t, "GATEHOUSE_DATABASE_URL="+url, servertest.Secret, servertest.Issuer,
			"GATEHOUSE_SMTP_URL="+by, "GATEHOUSE_MAIL_FROM=app@example.com")
		f.instances, clients = append(f.instances, p), append(clients, p.Client)
	}
	f.Client = servertest.NewBalancer(t, clients...).Client
	return f
}

func (f *mailedFlows) run() {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("KILL_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		servertest.Check(f.t, err)
	}
	f.t.Logf("KILL_SEED=%d", seed)
	began, over := time.Now(), make(chan struct{})
	var sorting, living sync.WaitGroup
	sorting.Go(func() { f.sort(over) })
	for i := range mailedPeople {
		living.Go(func() {
			p := &mailedPerson{mailedFlows: f, home: fmt.Sprintf("home-%d@example.com", i), away: fmt.Sprintf("away-%d@example.org", i)}
			p.begin()
			defer p.rest()
			p.live()
		})
	}
	f.kill(rand.New(rand.NewPCG(seed, 0)))
	f.t.Logf("the last kill is %v after the beginning; what they held waits until its lease is over", time.Since(began).Round(time.Second))
	living.Wait()
	f.waitForJobs()
	close(over)
	sorting.Wait()
	f.check()
	f.t.Logf("%d flows, %d kills, %d answers and %d tries without one, in %v", 4*mailedPeople, len(f.kills), f.answered.Load(),
		f.unanswered.Load(), time.Since(began).Round(time.Second))
}

// kill ends instances and starts them again while most of the requests are answered.
func (f *mailedFlows) kill(random *rand.Rand) {
	for i := range mailKills {
		next := int64((i + 1) * mailedPeople * mailedAsks * 6 / 10 / (mailKills + 1))
		for waited := time.Now(); f.answered.Load() < next && time.Since(waited) < 5*time.Second && !f.t.Failed(); {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(random.IntN(10_000)) * time.Microsecond)
		k := mailKill{instance: random.IntN(len(f.instances)), from: time.Now()}
		f.instances[k.instance].Kill()
		k.until = time.Now()
		f.kills = append(f.kills, k)
		if (i+1)%6 == 0 {
			f.t.Logf("kill %d of %d: %d answers, %d links used", i+1, mailKills, f.answered.Load(), f.links.Load())
		}
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		f.instances[k.instance].Restart()
	}
}

// sort puts what is delivered into boxes.
func (f *mailedFlows) sort(over chan struct{}) {
	seen := map[string]bool{}
	for done, last := 0, false; !last; {
		select {
		case <-over:
			last = true
		case <-time.After(5 * time.Millisecond):
		}
		all := f.server.Deliveries()
		for _, d := range all[done:] {
			if !d.Taken {
				continue
			}
			m := servertest.ParseMail(f.t, d.Text)
			if seen[m.ID] {
				continue
			}
			seen[m.ID] = true
			name := mailName{cmp.Or(m.Kind, m.Subject), m.To}
			if m.Kind == "secure" { // a notice, whose link is there unless the address has changed since
				name.kind = m.Subject
			}
			f.mu.Lock()
			f.boxes[name] = append(f.boxes[name], m)
			slices.SortFunc(f.boxes[name], func(a, b servertest.Mail) int { return cmp.Compare(a.ID, b.ID) })
			f.mu.Unlock()
		}
		done = len(all)
	}
}

// mailedPerson is a person with an account and two mailboxes.
type mailedPerson struct {
	*mailedFlows
	home, away       string // addresses
	password, access string
	read             []string // Message-IDs
}

// begin waits until there are few enough people who do something, of whom rest makes one less.
func (p *mailedPerson) begin() { p.active <- struct{}{} }
func (p *mailedPerson) rest()  { <-p.active }

const (
	tokenUsed    = `"reason":"used"`
	tokenExpired = `"reason":"expired"` // a newer mail has replaced it
	noticeOfNew  = "Your password was changed"
	noticeOfBack = "Your account has its former e-mail address back"
)

// live is four flows: confirm the address, recover the account, move it, and take the move back.
func (p *mailedPerson) live() {
	p.password = servertest.Password
	if a, refusal, _ := p.ask(servertest.Registration(p.home), "EMAIL_TAKEN"); refusal == "" {
		p.access = a.Field("accessToken")
	} else {
		p.login()
	}
	p.request("requestEmailVerification { success }", "verify", p.home)
	p.redeem("verify", p.home, "verifyEmail(input: {token: %s}) { success }")

	p.request("requestPasswordReset(input: {email: "+servertest.JSON(p.home)+"}) { success }", "reset", p.home)
	p.reset("the second password")

	p.login() // just now, as changeEmail wants
	p.request("changeEmail(input: {email: "+servertest.JSON(p.away)+"}) { user { id } }", "change-email", p.away)
	p.redeem("change-email", p.away, "confirmEmailChange(input: {token: %s}) { success }", mailName{"undo-email", p.home})

	p.redeem("undo-email", p.home, "revertEmailChange(input: {token: %s}) { success }", mailName{"reset", p.home},
		mailName{noticeOfBack, p.away})
	p.reset("the third password")
	p.login()
	a, _, _ := p.ask("{ me { email emailVerified pendingEmail } }")
	if want := `{"me":{"email":"` + p.home + `","emailVerified":true,"pendingEmail":null}}`; !a.Has(want) {
		p.t.Errorf("at the end of %s: %v", p.home, a)
	}
}

func (p *mailedPerson) login() {
	a, _, _ := p.ask(fmt.Sprintf(`mutation { login(input: {email: %q, password: %q}) { accessToken } }`, p.home, p.password))
	p.access = a.Field("accessToken")
}

// request asks for a mail.
func (p *mailedPerson) request(mutation, kind, to string) {
	_, _, unanswered := p.ask("mutation { " + mutation + " }")
	p.expect(mailName{kind, to}, 1, 1+unanswered)
}

// reset chooses a new password by a mail.
func (p *mailedPerson) reset(password string) {
	p.redeem("reset", p.home, "resetPassword(input: {token: %s, newPassword: "+servertest.JSON(password)+"}) { accessToken }",
		mailName{noticeOfNew, p.home})
	p.password = password
}

// redeem uses the link of a mail, which causes others.
func (p *mailedPerson) redeem(kind, to, mutation string, causes ...mailName) {
	for {
		text := servertest.JSON(p.wait(mailName{kind, to}).Token(p.t))
		_, refusal, unanswered := p.ask("mutation { "+fmt.Sprintf(mutation, text)+" }", tokenUsed, tokenExpired)
		if refusal == tokenExpired {
			continue
		}
		if refusal == tokenUsed && unanswered == 0 {
			p.t.Errorf("the link of %s to %s is used before anybody used it", kind, to)
		}
		for _, c := range causes {
			p.expect(c, 1, 1)
		}
		p.links.Add(1)
		return
	}
}

func (f *mailedFlows) expect(name mailName, least, most int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.want[name]
	f.want[name] = mailBounds{b.least + least, b.most + most}
}

// ask sends an operation until it is decided: by success, or by a refusal that has one of these texts, which it returns.
// It also returns how many tries had no answer before: each of them may have been carried out, and the next one refused
// for it.
func (p *mailedPerson) ask(query string, refusals ...string) (a servertest.Answer, refusal string, unanswered int) {
	for began := time.Now(); time.Since(began) < servertest.HangGuard; time.Sleep(20 * time.Millisecond) {
		a = p.Do(servertest.Request{Query: query, Token: p.access})
		if a.OK() {
			p.answered.Add(1)
			return a, "", unanswered
		}
		for _, refusal := range refusals {
			if a.Has(refusal) {
				return a, refusal, unanswered
			}
		}
		switch {
		case a.HashesWait() || a.Has(servertest.NoServerReady): // nothing was done
		case a.Err != nil || a.Status == http.StatusBadGateway || a.Unavailable():
			unanswered++
			p.unanswered.Add(1)
		default:
			p.t.Fatalf("%s: %v", query, a)
		}
	}
	p.t.Fatalf("%s: no answer: %v", query, a)
	return a, "", 0
}

// wait waits for a mail that was not read before, the newest one.
func (p *mailedPerson) wait(name mailName) servertest.Mail {
	for began, resting := time.Now(), false; ; time.Sleep(10 * time.Millisecond) {
		p.mu.Lock()
		box := slices.Clone(p.boxes[name])
		p.mu.Unlock()
		for _, m := range slices.Backward(box) {
			if !slices.Contains(p.read, m.ID) {
				if p.read = append(p.read, m.ID); resting {
					p.begin()
				}
				return m
			}
		}
		waited := time.Since(began)
		if waited > time.Second && !resting { // its instance was killed: others come meanwhile
			p.rest()
			resting = true
		}
		if waited > leaseGuard {
			p.begin()
			p.t.Fatalf("no mail of the kind %s to %s came", name.kind, name.to)
		}
	}
}
