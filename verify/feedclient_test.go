package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

func (g *gatehouse) until() int64 { return g.clock.now().Add(10 * time.Minute).Unix() }

func TestFeed_UnavailableBeforeTheFirstHeartbeat(t *testing.T) {
	g := newGatehouse(t)
	g.silent.Store(true)
	v := g.following()
	text := g.issue()
	eventually(t, "it reads", func() bool { return g.readers.Load() == 1 })
	want(t, v, text, ErrUnavailable)
	response := call(v, "Bearer "+text)
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("the middleware answers %d, %v", response.StatusCode, response.Header)
	}
	g.silent.Store(false)
	wantSoon(t, v, text, nil)
}

func TestFeed_UnavailableWithoutRun(t *testing.T) {
	g := newGatehouse(t)
	v := g.service(func(c *Config) { c.Revocations = &Feed{Token: feedToken} })
	want(t, v, g.issue(), ErrUnavailable)
	want(t, g.plain(), g.issue(), nil)
}

func TestFeed_EndedSessionIsRevoked(t *testing.T) {
	g := newGatehouse(t)
	v := g.following()
	text := g.issue()
	wantSoon(t, v, text, nil)
	g.sendEnded(theSession)
	wantSoon(t, v, text, ErrRevoked)
	want(t, v, g.issue(), ErrRevoked) // and so is a newer token of it
	want(t, v, g.issueFor(uuid.New()), nil)
	if response := call(v, "Bearer "+text); response.StatusCode != 401 ||
		!strings.Contains(response.Header.Get("WWW-Authenticate"), `error_description="the access token is revoked"`) {
		t.Errorf("the middleware answers %d, %v", response.StatusCode, response.Header)
	}
	want(t, v, g.forge(), ErrInvalid) // a forged token does not reveal that the session has ended
}

func TestFeed_TokenFromBeforeAnUnknownChangeIsRevoked(t *testing.T) {
	g := newGatehouse(t)
	v := g.following()
	before := g.claims()
	before.IssuedAt = g.clock.now().Add(-2 * time.Second)
	old := g.issueBy(g.issuer, before)
	wantSoon(t, v, old, nil)
	cut := g.clock.now().Add(-time.Second).Unix()
	g.send("changed", fmt.Sprintf(`{"sub":%q,"before":%d,"until":%d}`, theUser, cut, g.until()))
	wantSoon(t, v, old, ErrRevoked)
	at := g.claims()
	at.IssuedAt = time.Unix(cut, 0)
	want(t, v, g.issueBy(g.issuer, at), nil)
	want(t, v, g.issue(), nil)
	other := before
	other.UserID = uuid.New()
	want(t, v, g.issueBy(g.issuer, other), nil)
	// An older change does not undo a newer one.
	g.send("changed", fmt.Sprintf(`{"sub":%q,"before":%d,"until":%d}`, theUser, cut-3600, g.until()))
	g.catchUp(v)
	want(t, v, old, ErrRevoked)
}

func TestFeed_SilenceIsUnavailableUntilTheNextHeartbeat(t *testing.T) {
	g := newGatehouse(t)
	v := g.following()
	text := g.issue()
	wantSoon(t, v, text, nil)
	g.silence()
	g.clock.forward(minMaxSilence)
	want(t, v, text, nil)
	g.clock.forward(time.Millisecond)
	want(t, v, text, ErrUnavailable)
	if g.readers.Load() != 1 {
		t.Error("the connection was lost, which is not what is tested")
	}
	g.silent.Store(false)
	wantSoon(t, v, text, nil)
}

func TestFeed_ChangedRolesReplaceThoseOfTheToken(t *testing.T) {
	g := newGatehouse(t)
	v := g.following()
	text := g.issue()
	wantSoon(t, v, text, nil)
	roles := func() string { return strings.Join(must(v.Verify(t.Context(), text)).Roles, " ") }
	sendRoles := func(user uuid.UUID, roles string, ahead time.Duration) {
		before := g.clock.now().Add(ahead).Unix()
		g.send("changed", fmt.Sprintf(`{"sub":%q,"roles":%s,"before":%d,"until":%d}`, user, roles, before, g.until()))
	}
	before := roles()
	for _, now := range []string{"ADMIN USER", "USER", ""} { // all in the second in which the token was issued
		sendRoles(theUser, string(must(json.Marshal(strings.Fields(now)))), time.Second)
		eventually(t, "the roles are "+now, func() bool { return roles() == now })
	}
	// The last one holds, though the clock of its instance is behind.
	sendRoles(theUser, `["GUEST"]`, -5*time.Second)
	eventually(t, "the roles are GUEST", func() bool { return roles() == "GUEST" })
	sendRoles(uuid.New(), `["GOD"]`, time.Second)
	g.catchUp(v)
	if got := roles(); got != "GUEST" || before == "" {
		t.Errorf("roles %q, and before %q", got, before)
	}
}

// Each heartbeat is late by the same time; the feed is never silent.
func TestFeed_LateHeartbeatsAreUnavailable(t *testing.T) {
	g := newGatehouse(t)
	v := g.following()
	text := g.issue()
	wantSoon(t, v, text, nil)
	g.late.Store(int64(minMaxSilence + 200*time.Millisecond))
	wantSoon(t, v, text, ErrUnavailable)
	for range 20 {
		time.Sleep(10 * time.Millisecond)
		want(t, v, text, ErrUnavailable)
	}
	g.late.Store(0)
	wantSoon(t, v, text, nil)
}

// The key has leaked: its tokens are refused, and those of the key in its place are accepted, both immediately.
func TestFeed_KeyThatItNoLongerNamesVerifiesNothing(t *testing.T) {
	g := newGatehouse(t)
	v := g.following()
	old := g.issue()
	wantSoon(t, v, old, nil)
	check(t, g.keys.Replace(newKey().WithoutSchedule()))
	text := g.issue()
	g.send("keys", string(must(json.Marshal(map[string]any{"kids": g.keys.IDs(g.clock.now())}))))
	wantSoon(t, v, old, ErrInvalid)
	wantSoon(t, v, text, nil)
	fetches := g.fetches.Load()
	for range 50 {
		want(t, v, g.forge(), ErrInvalid)
	}
	if n := g.fetches.Load() - fetches; n > 1 {
		t.Errorf("an unknown kid made %d fetches", n)
	}
	g.send("keys", `{"kids":[]}`) // which no issuer sends
	wantSoon(t, v, text, ErrUnavailable)
}

// The age of the last heartbeat alone decides; a clock that was set back shows nothing.
func TestFeed_HeartbeatCountsForMaxSilence(t *testing.T) {
	f, heartbeat := &feedClient{Feed: Feed{MaxSilence: time.Second}}, time.Now()
	for after, good := range map[time.Duration]bool{
		0: true, time.Second: true, time.Second + 1: false, time.Hour: false, -1: true, -time.Hour: false,
	} {
		if f.fresh(age(heartbeat.Add(after), heartbeat)) != good {
			t.Errorf("%v after a heartbeat: fresh %v", after, !good)
		}
	}
}

func TestFeed_RevocationsCountAfterALoss(t *testing.T) {
	g := newGatehouse(t)
	v := g.following()
	good := g.issueFor(uuid.New())
	g.sendEnded(theSession)
	wantSoon(t, v, good, nil)
	wantSoon(t, v, g.issue(), ErrRevoked)

	g.closed.Store(true)
	opened := g.opened.Load()
	g.dropReaders()
	eventually(t, "it tries again", func() bool { return g.opened.Load() > opened+1 })
	want(t, v, good, nil) // until the silence is too long
	g.clock.forward(minMaxSilence + time.Millisecond)
	want(t, v, good, ErrUnavailable)
	want(t, v, g.issue(), ErrRevoked)

	g.silent.Store(true)
	g.closed.Store(false)
	eventually(t, "it is back", func() bool { return g.readers.Load() == 1 })
	want(t, v, good, ErrUnavailable) // not before the first heartbeat on this connection
	g.clearEvents()
	g.silent.Store(false)
	wantSoon(t, v, good, nil)
	want(t, v, g.issue(), ErrRevoked)
	eventually(t, "the log says that it is back", func() bool {
		return strings.Contains(g.log.String(), "connected again")
	})
	if n := strings.Count(g.log.String(), "is lost"); n != 1 {
		t.Errorf("one loss is logged %d times:\n%s", n, g.log)
	}
}

func TestFeed_WrongTokenIsUnavailableAndLogged(t *testing.T) {
	g := newGatehouse(t)
	v := g.following(func(v *Verifier) { v.feed.Token = "another" })
	eventually(t, "it tried twice", func() bool { return g.opened.Load() > 1 })
	want(t, v, g.issue(), ErrUnavailable)
	log := g.log.String()
	if strings.Count(log, "set verify.Feed.Token") != 1 || strings.Contains(log, "another") {
		t.Errorf("the log:\n%s", log)
	}
}

func TestFeed_MalformedEventIsUnavailable(t *testing.T) {
	good := fmt.Sprintf(`{"sid":%q,"until":4000000000,"why":"an addition"}`, uuid.New())
	for name, c := range map[string]struct {
		event, data string
		followed    bool
	}{
		"control":                 {"ended", good, true},
		"an unknown event":        {"renamed", `{"anything":`, true},
		"another case":            {"Ended", `{`, true},
		"not JSON":                {"ended", `{"sid":`, false},
		"no sid":                  {"ended", `{"until":4000000000}`, false},
		"a sid that is no UUID":   {"ended", `{"sid":"x","until":4000000000}`, false},
		"no until":                {"ended", fmt.Sprintf(`{"sid":%q}`, uuid.New()), false},
		"until out of range":      {"ended", fmt.Sprintf(`{"sid":%q,"until":1e300}`, uuid.New()), false},
		"a change without before": {"changed", fmt.Sprintf(`{"sub":%q,"until":4000000000}`, uuid.New()), false},
		"a change without sub":    {"changed", `{"before":1,"until":4000000000}`, false},
		"a change":                {"changed", fmt.Sprintf(`{"sub":%q,"before":1.5,"until":4000000000}`, uuid.New()), true},
		"a long line":             {"ended", good + strings.Repeat(" ", maxEvent), false},
		"many lines":              {"ended", good + strings.Repeat("\ndata: ", maxEvent), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits, mostly
			g := newGatehouse(t)
			v := g.following()
			text := g.issue()
			wantSoon(t, v, text, nil)
			g.send(c.event, c.data)
			if c.followed {
				g.catchUp(v)
				want(t, v, text, nil)
				return
			}
			again := func() bool { return g.opened.Load() > 2 }
			if len(c.data) > maxEvent { // it is not read to its end, which might have been of a heartbeat
				eventually(t, "it tries again", again)
				g.clock.forward(minMaxSilence + time.Millisecond)
			}
			wantSoon(t, v, text, ErrUnavailable)
			eventually(t, "it tries again, and gets the same", again)
			want(t, v, text, ErrUnavailable)
			g.clearEvents()
			wantSoon(t, v, text, nil)
		})
	}
}

func TestFeed_TooManyRevocationsAreUnavailable(t *testing.T) {
	g := newGatehouse(t)
	v := g.following(func(v *Verifier) { v.feed.revocations.max = 3 })
	for range 2 {
		g.sendEnded(uuid.New())
	}
	g.send("changed", fmt.Sprintf(`{"sub":%q,"before":1,"until":%d}`, uuid.New(), g.until()))
	text := g.issue()
	wantSoon(t, v, text, nil)
	g.sendEnded(uuid.New())
	wantSoon(t, v, text, ErrUnavailable)
	// The older ones have expired: new ones fit again.
	g.clock.forward(11 * time.Minute)
	wantSoon(t, v, g.issue(), nil)
}

func TestRevocations_ExpiredEntriesAreDeleted(t *testing.T) {
	r := newRevocations()
	now := time.Now()
	until := float64(now.Add(time.Minute).Unix())
	check(t, r.addEnded(fmt.Sprintf(`{"sid":%q,"until":%f}`, theSession, until)))
	check(t, r.addEnded(fmt.Sprintf(`{"sid":%q,"until":%f}`, theSession, until-30))) // the later end counts
	check(t, r.addChanged(fmt.Sprintf(`{"sub":%q,"before":%f,"until":%f}`, theUser, until, until)))
	c := token.Claims{UserID: theUser, SessionID: theSession, IssuedAt: now}
	r.deleteExpired(now.Add(time.Minute))
	if _, revoked := r.match(c); !revoked || len(r.ended) != 1 || len(r.changed) != 1 {
		t.Error("deleted too early")
	}
	r.deleteExpired(now.Add(time.Minute + token.Leeway + time.Second))
	if _, revoked := r.match(c); revoked || len(r.ended) != 0 || len(r.changed) != 0 {
		t.Error("not deleted")
	}
}

// A connection that looks open and sends nothing is closed.
func TestFeed_StalledConnectionIsReplaced(t *testing.T) {
	g := newGatehouse(t)
	g.silent.Store(true)
	g.following(func(v *Verifier) { v.feed.stallTimeout = 100 * time.Millisecond })
	eventually(t, "a second connection", func() bool { return g.opened.Load() >= 2 })
	if !strings.Contains(g.log.String(), "the issuer is silent") {
		t.Errorf("the log:\n%s", g.log)
	}
}

func TestRun_EndsWithItsContextAndLeaksNothing(t *testing.T) {
	g := newGatehouse(t)
	v := g.service(func(c *Config) { c.Revocations = &Feed{Token: feedToken} })
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- v.Run(ctx) }()
	wantSoon(t, v, g.issue(), nil)
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(testenv.HangGuard):
		t.Fatal("Run goes on")
	}
	eventually(t, "no reader", func() bool { return g.readers.Load() == 0 })
	want(t, v, g.issue(), ErrUnavailable)
	eventually(t, "no goroutine more than before", func() bool {
		v.keys.client.CloseIdleConnections()
		g.CloseClientConnections()
		return runtime.NumGoroutine() <= before
	})
}

func FuzzReadEvents(f *testing.F) {
	f.Add("event: ended\ndata: {}\n\n")
	f.Add("event: current\r\ndata: {}\r\n\r\n: comment\n\ndata\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := newRevocations()
		err := readEvents(strings.NewReader(text), func(name, data string) error {
			if len(data) > maxEvent {
				t.Errorf("an event of %d bytes", len(data))
			}
			return errors.Join(r.addEnded(data), r.addChanged(data))
		})
		if err == nil {
			t.Error("the end of the stream is no error")
		}
	})
}

func TestReadEvents_LinesAreBounded(t *testing.T) {
	for length, good := range map[int]bool{1 << 10: true, maxEvent + 1: false, 1 << 20: false} {
		handled := false
		_ = readEvents(strings.NewReader(":"+strings.Repeat("x", length)+"\ndata: 1\n\n"), func(string, string) error {
			handled = true
			return nil
		})
		testenv.Equal(t, good, handled, "after a line of %d bytes: handled", length)
	}
}

func TestReadEvents_FollowsTheStandard(t *testing.T) {
	var got []string
	err := readEvents(strings.NewReader(": hello\n\nevent: a\ndata: 1\n\nevent:b\r\nid: 7\r\ndata:2\r\ndata:  3\r\n\r\n"+
		"event: without data\n\ndata: 4\n\nevent: cut\ndata: 5\n"), func(name, data string) error {
		got = append(got, name+"="+data)
		return nil
	})
	if want := []string{"a=1", "b=2\n 3", "=4"}; fmt.Sprint(got) != fmt.Sprint(want) || err == nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
