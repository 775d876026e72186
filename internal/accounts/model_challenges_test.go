package accounts_test

import (
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// unlimited are limits that no walk reaches.
var unlimited = accounts.ThrottleLimits{Account: 1e6, Pair: 1e6, Network: 1e6, Register: 1e6, Refresh: 1e6, Mail: 1e6,
	SignIn: 1e6}

// device is a browser, by the token of its last sign-in.
type device struct {
	text        string
	user        uuid.UUID // by whose sign-in it is known
	credentials int       // of the user then
	since       time.Time

	spared       uuid.UUID // whose second factor it is spared
	generation   [2]int    // of the user's credentials and factors then
	sparedBefore time.Time
}

// viewer is somebody on a device, or on none.
func (d *device) viewer() *viewer.Viewer {
	if d == nil {
		return anonymous
	}
	v := *anonymous
	v.Origin.Device = d.text
	return &v
}

// place is where a person signs in: at any instance without a device, or where devices are known with one of theirs, or
// with another's.
func (m *model) place(p *person) (*seat, *device) {
	if m.chance(40) || m.devices[p] == nil {
		return m.seat(), nil
	}
	m.acting = m.gate
	d := oneOf(m, m.devices[p])
	if other := oneOf(m, m.people); other != p && m.chance(15) {
		return m.gate, &device{text: oneOf(m, m.devices[other]).text}
	}
	return m.gate, d
}

// spares reports whether a person is spared the second factor on a device.
func (m *model) spares(d *device, p *person) bool {
	return d != nil && d.user == p.id && d.credentials == p.credentials && d.spared == p.id &&
		d.generation == [2]int{p.credentials, p.factorChanges} && m.now().Before(d.sparedBefore)
}

// arrived notes that a person has signed in on a device, which is told of if it is new.
func (m *model) arrived(d *device, p *person, given *accounts.AuthPayload) {
	if d == nil {
		return
	}
	if d.user != p.id || d.credentials != p.credentials || m.now().Sub(d.since) > accounts.DeviceTTL {
		m.noticed(*p, accounts.MailNewDevice)
	}
	d.text, d.user, d.credentials, d.since = *given.Device, p.id, p.credentials, m.now().Truncate(time.Second)
}

// challenged takes the challenge of a sign-in that wants a second factor, if it does.
func (m *model) challenged(p *person, err error, by proofs) {
	for _, asked := range problem.All(err) {
		if asked.Code == problem.SecondFactorRequired {
			text, _ := asked.Extensions["challenge"].(string)
			if got, want := asked.Extensions["factors"], p.factorKinds(); !reflect.DeepEqual(got, want) {
				m.fail("%s is asked for %v, want %v", p.email, got, want)
			}
			m.links = append(m.links, &link{purpose: token.SecondFactor, of: p, user: p.id, address: p.email, text: text,
				expires: m.now().Add(5 * time.Minute), until: m.now().Add(5 * time.Minute), shown: by, credentials: p.credentials})
		}
	}
}

// takeComplete completes a sign-in by a code of the app or a recovery code, sometimes when the tries are used up.
func (m *model) takeComplete() {
	l, want := m.someLink(token.SecondFactor)
	if want == "" && m.chance(10) {
		for range 5 {
			m.complete(l, want, true)
		}
	}
	m.complete(l, want, false)
}

// complete tries a challenge by a code or a passkey that may be wrong or used, or by a code that is guessed.
func (m *model) complete(l *link, want problem.Code, guess bool) {
	p, in := l.of, accounts.CompleteLoginInput{Challenge: l.text, RememberDevice: m.chance(60)}
	var step int64
	var right bool
	var used *answer
	switch {
	case guess:
		in.Code = new("x")
	case m.chance(25):
		in.RecoveryCode = new(m.someRecoveryCode(p))
		right = p.hasFactor() && slices.Contains(p.codes, *in.RecoveryCode)
	case len(p.keys) > 0 && (p.app == nil || m.chance(50)):
		used = m.someAnswer(p, uuid.Nil, false)
		in.Passkey = used.response
	default:
		in.Code = new(m.someCode(p.app))
		step, right = p.app.stepOf(*in.Code, m.now())
	}
	if want == "" && (l.credentials != p.credentials || l.attempts >= 5) {
		want = problem.InvalidToken
	}
	if used != nil {
		want = m.wants(used, p, uuid.Nil, want)
	} else if want == "" && !right {
		want = problem.InvalidCredentials
	}
	if want == problem.InvalidCredentials {
		l.attempts++ // which is committed
	}
	at, d := m.place(p)
	given, err := at.CompleteLogin(m.t.Context(), d.viewer(), in)
	if !m.outcome(err, want, "completeLogin of %s by %s, try %d", p.email, l.purpose, l.attempts) {
		return
	}
	l.used = true
	shown := l.shown
	switch {
	case used != nil:
		m.seen["completeLogin by a passkey"]++
		m.used(used, p)
		shown.key = true
	case in.RecoveryCode != nil:
		m.seen["completeLogin by a recovery code"]++
		m.noticed(*p, accounts.MailRecoveryCodeUsed)
		i := slices.Index(p.codes, *in.RecoveryCode)
		p.codes, p.spent = slices.Delete(p.codes, i, i+1), append(p.spent, *in.RecoveryCode)
		shown.code = true
	default:
		p.app.last, shown.code = step, true
	}
	m.restored(p)
	m.begin(p, given, shown)
	m.arrived(d, p, given)
	if d != nil && in.RememberDevice {
		d.spared, d.generation = p.id, [2]int{p.credentials, p.factorChanges}
		d.sparedBefore = m.now().Add(accounts.RememberTTL).Truncate(time.Second)
	}
}

// someRecoveryCode is mostly an unused one of a person.
func (m *model) someRecoveryCode(p *person) string {
	other, n := oneOf(m, m.people), m.random.IntN(100)
	switch {
	case n < 15 && len(other.codes) > 0:
		return oneOf(m, other.codes)
	case n < 40 && len(p.spent) > 0:
		return oneOf(m, p.spent)
	case n < 95 && len(p.codes) > 0:
		return oneOf(m, p.codes)
	}
	return "0000-0000-0000"
}
