package e2e

import (
	"database/sql"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

const (
	formerSecret = "the former secret of a test, of 32 bytes or more"
	newSecret    = "another secret of a test, of 32 bytes or more"
)

// secretStages are the environments of a rotation, in order. Instances of each stand beside those of the next.
var secretStages = [][]string{
	{"GATEHOUSE_SECRET=" + formerSecret, "GATEHOUSE_REFRESH_TTL=" + longLife.String()},
	{"GATEHOUSE_SECRET=" + newSecret, "GATEHOUSE_SECRET_PREVIOUS=" + formerSecret},
	{"GATEHOUSE_SECRET=" + newSecret},
}

// secretUses are what the secret is used for, and what holds it through a rotation. Each is called at every step, with
// the instances that run.
var secretUses = map[string]func(r *rotation){
	"refresh tag":     (*rotation).refreshes,
	"refresh next":    (*rotation).refreshes,
	"refresh digest":  (*rotation).refreshes,
	"device":          (*rotation).devices,
	"device address":  (*rotation).devices,
	"seal":            (*rotation).keys,
	"one-time tag":    (*rotation).links,
	"one-time code":   (*rotation).codes,
	"one-time digest": (*rotation).links,
	"fingerprint":     (*rotation).starts,
}

// TestSecretRotation_CutsOffNoUse rotates the secret of instances that are replaced one by one, on Postgres two at a
// time. What any made before, each accepts after; then the former secret is taken away, and opens nothing.
func TestSecretRotation_CutsOffNoUse(t *testing.T) {
	testenv.Equal(t, slices.Sorted(slices.Values(token.Uses())), slices.Sorted(maps.Keys(secretUses)), "tested uses")
	dbtest.Each(t, func(t *testing.T, url string) {
		r := &rotation{t: t, url: url, db: servertest.OpenDB(t, url), address: servertest.NewAddress()}
		r.replace(0)
		r.replace(0)
		r.begin()
		r.try("the former secret")
		r.replace(1)
		r.try("both, on Postgres beside an instance of the former")
		r.replace(1)
		r.try("both")
		r.opens(formerSecret)
		r.waits(r.instances[0].Command("", "secret", "rotate"))
		r.rotated = true
		r.try("just rotated")
		r.opens(newSecret)
		r.replace(1)
		r.try("rotated and restarted")
		r.replace(2)
		r.try("the new secret, on Postgres beside an instance of both")
		r.replace(2)
		r.try("the new secret")
		if out := r.instances[0].Command("", "secret", "rotate"); !strings.Contains(out, "nothing was changed") {
			t.Error(out)
		}
	})
}

// waits checks until when the command says to keep the former secret: for the longest idle life of any instance, which
// is not that of the command's environment.
func (r *rotation) waits(out string) {
	r.t.Helper()
	until := servertest.Between(r.t, out, "has moved to it by ", "; then remove GATEHOUSE_SECRET_PREVIOUS")
	at, err := time.Parse(time.RFC3339, until)
	testenv.Check(r.t, err)
	if longest := time.Until(at); longest < longLife-servertest.HangGuard || longest > longLife+time.Minute {
		r.t.Errorf("it says to wait for %v, and sessions live for %v without use", longest, longLife)
	}
}

// longLife is the idle life of sessions of the instances before the rotation.
const longLife = 2000 * time.Hour

// rotation is a database with the instances that run, and what they have made.
type rotation struct {
	t         *testing.T
	url       string
	db        *sql.DB
	instances []secretInstance // at most two, one with SQLite
	rotated   bool

	address   string   // of the account
	newest    string   // refresh token
	untouched []string // refresh tokens of sessions that nobody has used since before the rotation
	access    string
	device    string
	formerly  string // the device token from before the rotation
	counters  map[string]bool
	mails     servertest.Mailbox
	old       []oldLink // that nobody has used since before the rotation
	guarded   servertest.Account
	app       *servertest.Authenticator // of the guarded account
	program   string                    // a personal access token of the guarded account
}

// oldLink is what a mail had, and the session that asked for it.
type oldLink struct{ access, token, code string }

// secretInstance is an instance with the secrets of a stage.
type secretInstance struct {
	*servertest.Process
	stage int
}

// cut reports whether the instance no longer accepts what the former secret made.
func (i secretInstance) cut() bool { return i.stage == 2 }

// replace stops the oldest instance, when there are enough, and starts one of a stage.
func (r *rotation) replace(stage int) {
	r.t.Helper()
	enough := map[bool]int{true: 1, false: 2}[strings.HasPrefix(r.url, "sqlite:")]
	if len(r.instances) == enough {
		r.instances[0].Stop()
		r.instances = r.instances[1:]
	}
	r.instances = append(slices.Clone(r.instances), secretInstance{servertest.Start(r.t, r.environment(stage)...), stage})
}

func (r *rotation) environment(stage int) []string {
	return append([]string{"GATEHOUSE_DATABASE_URL=" + r.url, "GATEHOUSE_ISSUER=http://127.0.0.1:8080", "GATEHOUSE_THROTTLE=on"},
		secretStages[stage]...)
}

const given = "{ accessToken refreshToken device }"

func (r *rotation) login(device string) string {
	return "mutation { login(input: {email: " + servertest.JSON(r.address) + ", password: \"" + servertest.Password +
		"\", device: " + servertest.JSON(device) + "}) " + given + " }"
}

func (r *rotation) begin() {
	r.t.Helper()
	a := r.instances[0].Must("", "mutation { register(input: {email: "+servertest.JSON(r.address)+", password: \""+
		servertest.Password+"\"}) "+given+" }")
	r.newest, r.access, r.device = a.Field("refreshToken"), a.Field("accessToken"), a.Field("device")
	r.formerly, r.counters = r.device, map[string]bool{}
	for i := range 8 {
		device := map[bool]string{true: "", false: r.device}[i < 4]
		r.untouched = append(r.untouched, r.instances[0].Must("", r.login(device)).Field("refreshToken"))
		r.count(true)
	}
	for range 14 { // two a step
		r.old = append(r.old, r.newLink(r.instances[0]))
	}
	r.guarded = r.instances[0].Register()
	r.app = r.instances[0].AddAuthenticator(r.guarded.Access)
	r.program = r.instances[0].AccessToken(r.guarded.Access, "account:read")
	r.factor()
	r.count(true)
}

// try tries every use.
func (r *rotation) try(step string) {
	r.t.Helper()
	before := r.t
	defer func() { r.t = before }()
	before.Run(step, func(t *testing.T) {
		r.t = t
		r.refreshes()
		r.devices()
		r.links()
		r.codes()
		r.factors()
		r.keys()
		r.starts()
		r.count(false)
	})
}

// refreshes uses the newest token of a session at each instance, repeats it at every other, and uses a session that
// nobody has used since before the rotation.
func (r *rotation) refreshes() {
	for _, p := range r.instances {
		next := p.Refresh(r.newest).Refresh
		for _, other := range r.instances {
			testenv.Equal(r.t, next, other.Refresh(r.newest).Refresh, "the successor, asked again")
		}
		r.newest = next
	}
	old := r.untouched[0]
	r.untouched = r.untouched[1:]
	for _, p := range r.instances {
		want := map[bool]string{true: "INVALID_TOKEN", false: ""}[p.cut()]
		query := `mutation { refresh(input: {refreshToken: "` + old + `"}) ` + given + ` }`
		testenv.Equal(r.t, want, p.Code("", query), "a token of the former secret")
	}
}

// devices signs in with the newest device token at each instance, which knows it by its id.
func (r *rotation) devices() {
	for _, p := range r.instances {
		next := p.Must("", r.login(r.device)).Field("device")
		testenv.Equal(r.t, deviceID(r.t, r.device), deviceID(r.t, next), "the device")
		r.device = next
		again := p.Must("", r.login(r.formerly)).Field("device")
		testenv.Equal(r.t, !p.cut(), deviceID(r.t, r.formerly) == deviceID(r.t, again), "the former device is known")
	}
}

// newLink has a mail sent by whichever instance works its job.
func (r *rotation) newLink(p secretInstance) oldLink {
	r.t.Helper()
	a := p.Register()
	p.Must(a.Access, `mutation { requestEmailVerification { success } }`)
	var all []*servertest.Client
	for _, i := range r.instances {
		all = append(all, i.Client)
	}
	m := r.mails.Next(r.t, "verify", a.Email, all...)
	return oldLink{a.Access, m.Token(r.t), m.Code()}
}

// links uses one that an instance has just made at the other, and one from before the rotation at each.
func (r *rotation) links() {
	verify := func(token string) string {
		return `mutation { verifyEmail(input: {token: "` + token + `"}) { success } }`
	}
	last := r.instances[len(r.instances)-1]
	r.count(false)
	last.Must("", verify(r.newLink(r.instances[0]).token))
	r.count(true) // of a new address
	r.useOld(func(p secretInstance, l oldLink) string { return p.Code("", verify(l.token)) })
}

// codes uses one from before the rotation in its session.
func (r *rotation) codes() {
	r.useOld(func(p secretInstance, l oldLink) string {
		return p.Code(l.access, `mutation { verifyEmail(input: {code: "`+l.code+`"}) { success } }`)
	})
}

// useOld uses a link from before the rotation at the newest instance, which is the first that no longer accepts it.
func (r *rotation) useOld(use func(p secretInstance, l oldLink) string) {
	p, l := r.instances[len(r.instances)-1], r.old[0]
	r.old = r.old[1:]
	got := use(p, l)
	if p.cut() != (got == "INVALID_TOKEN" || got == "INVALID_CREDENTIALS") || !p.cut() && got != "" {
		r.t.Errorf("what a mail of the former secret had: %q", got)
	}
}

// factors completes at one instance the sign-in that another has stopped, and asks each by a token for a program.
func (r *rotation) factors() {
	r.count(false)
	r.factor()
	r.count(true) // of a new challenge
	for _, p := range r.instances {
		p.Must(r.program, servertest.Me)
	}
}

// factor uses recovery codes, of which there are enough: an authenticator app has two codes a minute.
func (r *rotation) factor() {
	code := r.app.Recovery[0]
	r.app.Recovery = r.app.Recovery[1:]
	challenge := r.instances[0].Challenge(r.guarded.Email, servertest.Password)
	r.instances[len(r.instances)-1].Must("", `mutation { completeLogin(input: {challenge: "`+challenge+`", recoveryCode: "`+
		code+`"}) { accessToken } }`)
}

func deviceID(t *testing.T, text string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	servertest.Check(t, err)
	return string(raw[:16])
}

// keys asks with an access token of an instance at every other, which have one set of keys.
func (r *rotation) keys() {
	set := r.instances[0].Get("/.well-known/jwks.json").Body
	for _, p := range r.instances {
		testenv.Equal(r.t, set, p.Get("/.well-known/jwks.json").Body, "the keys")
		p.Must(r.access, servertest.Me)
		r.access = p.Must("", r.login(r.device)).Field("accessToken")
		for _, other := range r.instances {
			other.Must(r.access, servertest.Me)
		}
	}
}

// starts starts an instance of each stage: the one whose only secret is not in use is refused.
func (r *rotation) starts() {
	if strings.HasPrefix(r.url, "sqlite:") && len(r.instances) > 0 {
		return // another server on the file: the commands ask the same
	}
	for stage := range secretStages {
		refused := stage == 0 && r.rotated || stage == 2 && !r.rotated
		o := servertest.StartAndStop(r.t, r.environment(stage)...)
		if refused != (o.Code == cli.ExitFailed) || refused && !strings.Contains(o.Stderr, "GATEHOUSE_SECRET_PREVIOUS") {
			r.t.Errorf("with the secrets of stage %d: exit code %d, %s", stage, o.Code, o.Stderr)
		}
	}
}

// count collects the names of counters that are in the database. A name that was not there before the rotation is of a
// counter that was lost.
func (r *rotation) count(begin bool) {
	rows, err := r.db.Query("SELECT id FROM throttles")
	servertest.Check(r.t, err)
	defer rows.Close()
	for rows.Next() {
		var id string
		servertest.Check(r.t, rows.Scan(&id))
		if !begin && !r.counters[id] {
			r.t.Errorf("the counter %s is new", id)
		}
		r.counters[id] = true
	}
	servertest.Check(r.t, rows.Err())
}

// opens checks that one of the two secrets opens all that is sealed in the database, of every purpose, and the other
// nothing.
func (r *rotation) opens(by string) {
	r.t.Helper()
	sealed := map[token.Purpose]int{}
	for _, table := range dbtest.Tables(r.t, r.db) {
		for _, value := range r.bytes(table) {
			for _, text := range []string{formerSecret, newSecret} {
				secret, err := token.ParseSecret(text)
				servertest.Check(r.t, err)
				for _, purpose := range token.Purposes() {
					if _, err := secret.Open(purpose, value); err == nil {
						sealed[purpose]++
						testenv.Equal(r.t, by, text, "the secret that opens a %s in %s", purpose, table)
					}
				}
			}
		}
	}
	for _, purpose := range token.Purposes() {
		if sealed[purpose] == 0 {
			r.t.Errorf("nothing is sealed as %s", purpose)
		}
	}
}

// bytes returns every binary value of a table.
func (r *rotation) bytes(table string) (all [][]byte) {
	r.t.Helper()
	rows, err := r.db.Query("SELECT * FROM " + table)
	servertest.Check(r.t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	servertest.Check(r.t, err)
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		servertest.Check(r.t, rows.Scan(targets...))
		for _, v := range values {
			if b, ok := v.([]byte); ok {
				all = append(all, b)
			}
		}
	}
	servertest.Check(r.t, rows.Err())
	return all
}
