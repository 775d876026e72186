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

	"github.com/gatehouse/gatehouse/internal/token"
)

func same(*Feed) {}

func (g *gatehouse) until() int64 { return g.clock.now().Add(10 * time.Minute).Unix() }

func TestNothingIsTakenBeforeTheFirstSign(t *testing.T) {
	g := newGatehouse(t)
	g.silent.Store(true)
	v := g.following(same)
	text := g.issue()
	eventually(t, "it reads", func() bool { return g.readers.Load() == 1 })
	want(t, v, text, ErrUnavailable)
	answer := call(v, "Bearer "+text)
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("the middleware answers %d, %v", answer.StatusCode, answer.Header)
	}
	g.silent.Store(false)
	soon(t, v, text, nil)
}

func TestWithoutRunNothingIsTaken(t *testing.T) {
	g := newGatehouse(t)
	v := g.service(func(c *Config) { c.Revocations = &Feed{Token: feedToken} })
	want(t, v, g.issue(), ErrUnavailable)
	want(t, g.plain(), g.issue(), nil)
}

func TestAnEndedSessionIsRefusedAtOnce(t *testing.T) {
	g := newGatehouse(t)
	v := g.following(same)
	text := g.issue()
	other := g.claims()
	other.SessionID = uuid.New()
	beside := g.issueBy(g.issuer, other)
	soon(t, v, text, nil)
	g.tell("ended", fmt.Sprintf(`{"sid":%q,"until":%d}`, theSession, g.until()))
	soon(t, v, text, ErrRevoked)
	want(t, v, g.issue(), ErrRevoked) // a newer token of it, too
	want(t, v, beside, nil)
	if answer := call(v, "Bearer "+text); answer.StatusCode != 401 ||
		!strings.Contains(answer.Header.Get("WWW-Authenticate"), `error_description="the access token is revoked"`) {
		t.Errorf("the middleware answers %d, %v", answer.StatusCode, answer.Header)
	}
	stranger, err := token.NewKeys(newKey(t).WithoutSchedule())
	check(t, err)
	forged := g.issueBy(g.another(token.Config{Keys: stranger}), g.claims())
	want(t, v, forged, ErrInvalid) // nobody is told that the session of a forged token has ended
}

func TestATokenFromBeforeAChangeIsRefused(t *testing.T) {
	g := newGatehouse(t)
	v := g.following(same)
	before := g.claims()
	before.IssuedAt = g.clock.now().Add(-2 * time.Second)
	old := g.issueBy(g.issuer, before)
	soon(t, v, old, nil)
	cut := g.clock.now().Add(-time.Second).Unix()
	g.tell("changed", fmt.Sprintf(`{"sub":%q,"before":%d,"until":%d}`, theUser, cut, g.until()))
	soon(t, v, old, ErrRevoked)
	at := g.claims()
	at.IssuedAt = time.Unix(cut, 0)
	want(t, v, g.issueBy(g.issuer, at), nil)
	want(t, v, g.issue(), nil)
	other := before
	other.UserID = uuid.New()
	want(t, v, g.issueBy(g.issuer, other), nil)
	// An older change does not undo a newer one.
	g.tell("changed", fmt.Sprintf(`{"sub":%q,"before":%d,"until":%d}`, theUser, cut-3600, g.until()))
	time.Sleep(100 * time.Millisecond)
	want(t, v, old, ErrRevoked)
}

func TestSilenceIsDenialAndPasses(t *testing.T) {
	g := newGatehouse(t)
	v := g.following(same)
	text := g.issue()
	soon(t, v, text, nil)
	g.silent.Store(true)
	soon(t, v, text, ErrUnavailable)
	if g.readers.Load() != 1 {
		t.Error("the connection was lost, which is not what is tested")
	}
	g.silent.Store(false)
	soon(t, v, text, nil)
}

func TestAChangeThatTellsTheRolesRefusesNobody(t *testing.T) {
	g := newGatehouse(t)
	v := g.following(same)
	text := g.issue()
	soon(t, v, text, nil)
	roles := func() string {
		token, err := v.Verify(t.Context(), text)
		check(t, err)
		return strings.Join(token.Roles, " ")
	}
	before := roles()
	for _, now := range []string{"ADMIN USER", "USER", ""} { // all in the second in which the token was issued
		told, err := json.Marshal(strings.Fields(now))
		check(t, err)
		g.tell("changed", fmt.Sprintf(`{"sub":%q,"roles":%s,"before":%d,"until":%d}`, theUser, told, g.clock.now().Unix()+1, g.until()))
		eventually(t, "the roles are "+now, func() bool { return roles() == now })
	}
	// The last one holds, though the clock of its instance is behind.
	g.tell("changed", fmt.Sprintf(`{"sub":%q,"roles":["GUEST"],"before":%d,"until":%d}`, theUser, g.clock.now().Unix()-5, g.until()))
	eventually(t, "the roles are GUEST", func() bool { return roles() == "GUEST" })
	g.tell("changed", fmt.Sprintf(`{"sub":%q,"roles":["GOD"],"before":%d,"until":%d}`, uuid.New(), g.clock.now().Unix()+1, g.until()))
	time.Sleep(100 * time.Millisecond)
	if got := roles(); got != "GUEST" || before == "" {
		t.Errorf("roles %q, and before %q", got, before)
	}
}

// TestLateNewsAreNoNews: each event comes late, by one time, and none of them is silent.
func TestLateNewsAreNoNews(t *testing.T) {
	g := newGatehouse(t)
	v := g.following(same)
	text := g.issue()
	soon(t, v, text, nil)
	g.late.Store(int64(leastSilence + 200*time.Millisecond))
	soon(t, v, text, ErrUnavailable)
	for range 20 {
		time.Sleep(10 * time.Millisecond)
		want(t, v, text, ErrUnavailable)
	}
	g.late.Store(0)
	soon(t, v, text, nil)
}

// TestAKeyThatTheFeedNoLongerNamesVerifiesNothing is a key that leaked: its tokens are refused at once, and those of the
// key in its place are accepted at once.
func TestAKeyThatTheFeedNoLongerNamesVerifiesNothing(t *testing.T) {
	g := newGatehouse(t)
	v := g.following(same)
	old := g.issue()
	soon(t, v, old, nil)
	check(t, g.keys.Replace(newKey(t).WithoutSchedule()))
	text := g.issue()
	told, err := json.Marshal(map[string]any{"kids": g.keys.IDs(g.clock.now())})
	check(t, err)
	g.tell("keys", string(told))
	soon(t, v, old, ErrInvalid)
	soon(t, v, text, nil)
	fetches := g.fetches.Load()
	stranger, err := token.NewKeys(newKey(t).WithoutSchedule())
	check(t, err)
	for range 50 {
		want(t, v, g.issueBy(g.another(token.Config{Keys: stranger}), g.claims()), ErrInvalid)
	}
	if n := g.fetches.Load() - fetches; n > 1 {
		t.Errorf("an unknown kid made %d fetches", n)
	}
	g.tell("keys", `{"kids":[]}`) // which no issuer tells
	soon(t, v, text, ErrUnavailable)
}

// The age of the last sign alone decides; a clock that went back cannot tell.
func TestASignCountsForAsLongAsSilenceMayLast(t *testing.T) {
	f := &feed{Feed: Feed{MaxSilence: time.Second}, sign: time.Now()}
	for after, good := range map[time.Duration]bool{
		0: true, time.Second: true, time.Second + 1: false, time.Hour: false, -1: true, -time.Hour: false,
	} {
		if f.current(f.sign.Add(after)) != good {
			t.Errorf("%v after a sign: current %v", after, !good)
		}
	}
	if (&feed{Feed: Feed{MaxSilence: time.Second}}).current(time.Time{}) {
		t.Error("current before any sign")
	}
}

func TestAfterALossWhatWasHeardStillRefuses(t *testing.T) {
	g := newGatehouse(t)
	v := g.following(same)
	other := g.claims()
	other.SessionID = uuid.New()
	good := g.issueBy(g.issuer, other)
	g.tell("ended", fmt.Sprintf(`{"sid":%q,"until":%d}`, theSession, g.until()))
	soon(t, v, good, nil)
	soon(t, v, g.issue(), ErrRevoked)

	g.closed.Store(true)
	g.dropReaders()
	soon(t, v, good, ErrUnavailable)
	want(t, v, g.issue(), ErrRevoked)
	opened := g.opened.Load()
	eventually(t, "it tries again", func() bool { return g.opened.Load() > opened+1 })

	g.silent.Store(true)
	g.closed.Store(false)
	eventually(t, "it is back", func() bool { return g.readers.Load() == 1 })
	want(t, v, good, ErrUnavailable) // not before the first sign on this connection
	g.forget()
	g.silent.Store(false)
	soon(t, v, good, nil)
	want(t, v, g.issue(), ErrRevoked)
	eventually(t, "the log says that it is back", func() bool { return strings.Contains(g.log.String(), "is back") })
	if n := strings.Count(g.log.String(), "is lost"); n != 1 {
		t.Errorf("one loss is logged %d times:\n%s", n, g.log)
	}
}

func TestAWrongFeedTokenIsDenialAndTheLogSaysHowToMend(t *testing.T) {
	g := newGatehouse(t)
	v := g.following(func(f *Feed) { f.Token = "another" })
	eventually(t, "it tried twice", func() bool { return g.opened.Load() > 1 })
	want(t, v, g.issue(), ErrUnavailable)
	log := g.log.String()
	if strings.Count(log, "set verify.Feed.Token") != 1 || strings.Contains(log, "another") {
		t.Errorf("the log:\n%s", log)
	}
}

func TestAFeedThatCannotBeUnderstoodIsNotFollowed(t *testing.T) {
	good := fmt.Sprintf(`{"sid":%q,"until":4000000000,"why":"an addition"}`, uuid.New())
	for name, c := range map[string]struct {
		event, data string
		followed    bool
	}{
		"the twin":                {"ended", good, true},
		"an event nobody knows":   {"renamed", `{"anything":`, true},
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
			g := newGatehouse(t)
			v := g.following(same)
			text := g.issue()
			soon(t, v, text, nil)
			g.tell(c.event, c.data)
			if c.followed {
				time.Sleep(100 * time.Millisecond)
				want(t, v, text, nil)
				return
			}
			soon(t, v, text, ErrUnavailable)
			eventually(t, "it tries again, and is told the same", func() bool { return g.opened.Load() > 2 })
			want(t, v, text, ErrUnavailable)
			g.forget()
			soon(t, v, text, nil)
		})
	}
}

func TestMoreThanCanBeRememberedIsDenial(t *testing.T) {
	g := newGatehouse(t)
	f := &Feed{Token: feedToken, MaxSilence: leastSilence}
	v := g.service(func(c *Config) { c.Revocations = f })
	v.feed.revoked.most = 3
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = v.Run(ctx) }()
	for range 2 {
		g.tell("ended", fmt.Sprintf(`{"sid":%q,"until":%d}`, uuid.New(), g.until()))
	}
	g.tell("changed", fmt.Sprintf(`{"sub":%q,"before":1,"until":%d}`, uuid.New(), g.until()))
	text := g.issue()
	soon(t, v, text, nil)
	g.tell("ended", fmt.Sprintf(`{"sid":%q,"until":%d}`, uuid.New(), g.until()))
	soon(t, v, text, ErrUnavailable)
	// Those before have had their time: there is room again.
	g.clock.forward(11 * time.Minute)
	soon(t, v, g.issue(), nil)
}

func TestEntriesAreForgottenAfterTheirTime(t *testing.T) {
	r := newRevoked()
	now := time.Now()
	until := float64(now.Add(time.Minute).Unix())
	check(t, r.end(fmt.Sprintf(`{"sid":%q,"until":%f}`, theSession, until)))
	check(t, r.end(fmt.Sprintf(`{"sid":%q,"until":%f}`, theSession, until-30))) // the later end counts
	check(t, r.change(fmt.Sprintf(`{"sub":%q,"before":%f,"until":%f}`, theUser, until, until)))
	c := token.Claims{UserID: theUser, SessionID: theSession, IssuedAt: now}
	r.sweep(now.Add(time.Minute))
	if _, refused := r.judge(c); !refused || len(r.ended) != 1 || len(r.changed) != 1 {
		t.Error("forgotten too early")
	}
	r.sweep(now.Add(time.Minute + token.Leeway + time.Second))
	if _, refused := r.judge(c); refused || len(r.ended) != 0 || len(r.changed) != 0 {
		t.Error("not forgotten")
	}
}

// A connection that looks open and says nothing is given up.
func TestAHungConnectionIsReplaced(t *testing.T) {
	g := newGatehouse(t)
	v := g.service(func(c *Config) { c.Revocations = &Feed{Token: feedToken, MaxSilence: leastSilence} })
	v.feed.hung = 100 * time.Millisecond
	g.silent.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = v.Run(ctx) }()
	eventually(t, "a second connection", func() bool { return g.opened.Load() >= 2 })
	if !strings.Contains(g.log.String(), "the issuer is silent") {
		t.Errorf("the log:\n%s", g.log)
	}
}

func TestRunEndsWithItsContextAndLeavesNothingBehind(t *testing.T) {
	g := newGatehouse(t)
	v := g.service(func(c *Config) { c.Revocations = &Feed{Token: feedToken} })
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- v.Run(ctx) }()
	soon(t, v, g.issue(), nil)
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
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

func FuzzEvents(f *testing.F) {
	f.Add("event: ended\ndata: {}\n\n")
	f.Add("event: current\r\ndata: {}\r\n\r\n: comment\n\ndata\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := newRevoked()
		err := readEvents(strings.NewReader(text), func(name, data string) error {
			if len(data) > maxEvent {
				t.Errorf("an event of %d bytes", len(data))
			}
			return errors.Join(r.end(data), r.change(data))
		})
		if err == nil {
			t.Error("the end of the stream is no error")
		}
	})
}

func TestALineIsBounded(t *testing.T) {
	for length, good := range map[int]bool{1 << 10: true, maxEvent + 1: false, 1 << 20: false} {
		told := false
		_ = readEvents(strings.NewReader(":"+strings.Repeat("x", length)+"\ndata: 1\n\n"), func(string, string) error {
			told = true
			return nil
		})
		if told != good {
			t.Errorf("after a line of %d bytes: told %v", length, told)
		}
	}
}

func TestEventsAreReadAsTheStandardWritesThem(t *testing.T) {
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
