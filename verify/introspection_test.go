package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

var theProgram = uuid.MustParse("0197c1b0-0000-7000-8000-0000000000ef")

var personal = must(token.NewPersonalTokens(bytes.Repeat([]byte{1}, token.PersonalKeyLen), nil))

// program returns a new personal access token.
func program() string { return must(personal.New()).Text() }

// said is what the issuer says of a token that can be used, but for some members; nil takes one away.
func (g *gatehouse) said(other map[string]any) map[string]any {
	all := map[string]any{
		"active": true, "scope": "account:read users:read", "client_id": "gatehouse", "token_type": "Bearer",
		"sub": theUser, "iss": g.URL, "jti": theProgram, "roles": []string{"USER"},
		"exp": g.clock.now().Add(24 * time.Hour).Unix(),
	}
	maps.Copy(all, other)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func (g *gatehouse) serveIntrospection(w http.ResponseWriter, r *http.Request) {
	g.questions.Add(1)
	if r.Header.Get("Authorization") != "Bearer "+feedToken || !token.LooksPersonal(r.PostFormValue("token")) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if other := g.introspection.Load(); other != nil {
		(*other)(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(g.said(nil))
}

// handleIntrospection replaces the handler of questions; nil restores it.
func (g *gatehouse) handleIntrospection(h http.HandlerFunc) {
	if h == nil {
		g.introspection.Store(nil)
		return
	}
	g.introspection.Store(&h)
}

// saying is a handler that says the same of every token, but for some members.
func (g *gatehouse) saying(other map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(g.said(other)) }
}

// stall makes questions wait until release is called, and counts those that wait.
func (g *gatehouse) stall() (waiting *atomic.Int64, release func()) {
	waiting = &atomic.Int64{}
	released := make(chan struct{})
	g.handleIntrospection(func(w http.ResponseWriter, _ *http.Request) {
		waiting.Add(1)
		defer waiting.Add(-1)
		<-released
		_ = json.NewEncoder(w).Encode(g.said(nil))
	})
	release = sync.OnceFunc(func() { close(released) })
	g.t.Cleanup(release)
	return waiting, release
}

// admitting returns a verifier that lets programs in, has read the feed, and gives no question up.
func (g *gatehouse) admitting(changes ...func(*Verifier)) *Verifier {
	g.t.Helper()
	withoutTimeout := func(v *Verifier) { v.introspector.timeout = testenv.HangGuard }
	v := g.followingWith(func(c *Config) { c.PersonalAccessTokens, c.Client = true, &http.Client{} },
		append([]func(*Verifier){withoutTimeout}, changes...)...)
	wantSoon(g.t, v, g.issue(), nil)
	return v
}

// pass moves the clock, and waits until the feed is heard again.
func (g *gatehouse) pass(v *Verifier, d time.Duration) {
	g.t.Helper()
	g.clock.forward(d)
	g.catchUp(v)
}

func (g *gatehouse) wantQuestions(what string, n int64) {
	g.t.Helper()
	testenv.Equal(g.t, n, g.questions.Load(), "questions %s", what)
}

// TestIntrospection_ReadsEachAnswer, and asks about a token that cannot be used once, but again when it does not know.
func TestIntrospection_ReadsEachAnswer(t *testing.T) {
	g := newGatehouse(t)
	v := g.admitting()
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); fmt.Fprint(w, body) }
	}
	good := string(must(json.Marshal(g.said(nil))))
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
		asked  int64 // for two checks
	}{
		"the control":      {nil, nil, 1},
		"no roles":         {g.saying(map[string]any{"roles": nil}), nil, 1},
		"inactive":         {text(200, `{"active":false}`), ErrInvalid, 1},
		"inactive, though": {g.saying(map[string]any{"active": false}), ErrInvalid, 1},
		"no active":        {g.saying(map[string]any{"active": nil}), ErrInvalid, 1},
		"another issuer":   {g.saying(map[string]any{"iss": g.URL + "/"}), ErrInvalid, 1},
		"no issuer":        {g.saying(map[string]any{"iss": nil}), ErrInvalid, 1},
		"no scope":         {g.saying(map[string]any{"scope": nil}), ErrInvalid, 1},
		"a blank scope":    {g.saying(map[string]any{"scope": " "}), ErrInvalid, 1},
		"no jti":           {g.saying(map[string]any{"jti": nil}), ErrInvalid, 1},
		"no sub":           {g.saying(map[string]any{"sub": nil}), ErrInvalid, 1},
		"no exp":           {g.saying(map[string]any{"exp": nil}), ErrInvalid, 1},
		"exp of no year":   {g.saying(map[string]any{"exp": 1e300}), ErrInvalid, 1},
		"a jti of no UUID": {g.saying(map[string]any{"jti": "x"}), ErrUnavailable, 2},
		"not JSON":         {text(200, "<html>"), ErrUnavailable, 2},
		"nothing":          {text(200, ""), ErrUnavailable, 2},
		"without end":      {endless, ErrUnavailable, 2},
		"500":              {text(500, good), ErrUnavailable, 2},
		"401":              {text(401, good), ErrUnavailable, 2},
		"400":              {text(400, good), ErrUnavailable, 2},
		"a redirect":       {http.RedirectHandler(g.URL+"/introspect", http.StatusTemporaryRedirect).ServeHTTP, ErrUnavailable, 2},
		"cut":              {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ErrUnavailable, 2},
	} {
		g.handleIntrospection(c.answer)
		before, p := g.questions.Load(), program()
		for range 2 {
			got, err := v.Verify(t.Context(), p)
			if !errors.Is(err, c.want) || (got == nil) != (err != nil) {
				t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
			}
		}
		testenv.Equal(t, c.asked, g.questions.Load()-before, "%s: questions", name)
	}
}

// TestIntrospection_AsksNothingAboutOtherText, which anybody can send, nor about tokens of a service that lets none in.
func TestIntrospection_AsksNothingAboutOtherText(t *testing.T) {
	g := newGatehouse(t)
	v, refuses := g.admitting(), g.following()
	good := program()
	for _, text := range []string{good[:70] + "!", good[:70], good + "A", token.PersonalPrefix} {
		want(t, v, text, ErrInvalid)
	}
	want(t, refuses, good, ErrInvalid)
	g.wantQuestions("about other text", 0)
	want(t, v, good, nil)
	g.wantQuestions("of the control", 1)
}

func TestIntrospection_TokenSaysWhatTheIssuerSaid(t *testing.T) {
	g := newGatehouse(t)
	v, p := g.admitting(), program()
	for range 2 { // the second is cached, and the first is its caller's own copy
		got := must(v.Verify(t.Context(), p))
		testenv.Equal(t, Token{
			UserID: theUser, PersonalID: theProgram, ID: theProgram.String(), Roles: []string{"USER"},
			Scopes: []string{"account:read", "users:read"}, IssuedAt: g.clock.now(),
			ExpiresAt: time.Unix(g.clock.now().Add(24*time.Hour).Unix(), 0),
		}, *got, "the token")
		got.Roles[0], got.Scopes[0] = "ADMIN", "users:write"
	}
}

func TestIntrospection_AnswersAreCachedForAWhile(t *testing.T) {
	g := newGatehouse(t)
	v := g.admitting()
	testenv.Equal(t, time.Minute, token.IntrospectionTTL, "a minute, as docs/clients.md says")
	for name, c := range map[string]struct {
		said map[string]any
		want error
		ttl  time.Duration
	}{
		"one that can be used": {nil, nil, time.Minute},
		"one that cannot":      {map[string]any{"active": false}, ErrInvalid, inactiveTTL},
	} {
		g.handleIntrospection(g.saying(c.said))
		before, p := g.questions.Load(), program()
		for range 3 {
			want(t, v, p, c.want)
		}
		g.pass(v, c.ttl-time.Second)
		want(t, v, p, c.want)
		g.wantQuestions(name, before+1)
		g.pass(v, time.Second)
		want(t, v, p, c.want)
		g.wantQuestions(name+", later", before+2)
	}
	g.handleIntrospection(g.saying(map[string]any{"exp": g.clock.now().Unix() + 10})) // before the answer is old
	p := program()
	want(t, v, p, nil)
	g.handleIntrospection(g.saying(map[string]any{"active": false}))
	g.pass(v, 11*time.Second)
	want(t, v, p, ErrInvalid)
}

// TestIntrospection_FeedCountsForCachedAnswers: it ends a token, and changes the roles of its user.
func TestIntrospection_FeedCountsForCachedAnswers(t *testing.T) {
	g := newGatehouse(t)
	v, p := g.admitting(), program()
	want(t, v, p, nil)
	before := g.clock.now().Unix() + 31
	g.send("changed", fmt.Sprintf(`{"sub":%q,"roles":["USER","ADMIN"],"before":%d,"until":%d}`, theUser, before,
		g.until()))
	g.catchUp(v)
	testenv.Equal(t, []string{"USER", "ADMIN"}, must(v.Verify(t.Context(), p)).Roles, "changed roles of a cached token")
	g.wantQuestions("before it is asked again", 1)
	g.pass(v, time.Minute)
	testenv.Equal(t, []string{"USER"}, must(v.Verify(t.Context(), p)).Roles, "the issuer's later word")
	g.wantQuestions("then", 2)
	g.sendEnded(uuid.New())
	g.catchUp(v)
	want(t, v, p, nil)
	g.sendEnded(theProgram)
	g.catchUp(v)
	want(t, v, p, ErrRevoked)
	g.wantQuestions("in the end", 2)
	g.silence()
	g.clock.forward(time.Second)
	want(t, v, program(), ErrRevoked) // has the same jti here
	g.handleIntrospection(g.saying(map[string]any{"jti": uuid.New()}))
	want(t, v, program(), ErrUnavailable)
}

// TestIntrospection_LossIsLoggedOnce, and when it is over; never more often than once a minute, and no token with it.
func TestIntrospection_LossIsLoggedOnce(t *testing.T) {
	g := newGatehouse(t)
	v := g.admitting()
	var texts []string
	check := func(wanted error) {
		t.Helper()
		texts = append(texts, program())
		want(t, v, texts[len(texts)-1], wanted)
	}
	refused := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	wantLines := func(what string, lost, again int) {
		t.Helper()
		testenv.Equal(t, []int{lost, again}, []int{strings.Count(g.log.String(), "cannot be asked about personal"),
			strings.Count(g.log.String(), "can be asked about personal access tokens again")}, "%s: lost, again", what)
	}
	check(nil)
	wantLines("at first", 0, 0)
	g.handleIntrospection(refused)
	check(ErrUnavailable)
	check(ErrUnavailable)
	wantLines("lost", 1, 0)
	for range 5 { // succeeds and fails by turns
		g.handleIntrospection(nil)
		check(nil)
		wantLines("back", 1, 1)
		g.handleIntrospection(refused)
		check(ErrUnavailable)
	}
	g.pass(v, lossInterval)
	g.handleIntrospection(refused)
	check(ErrUnavailable)
	wantLines("lost again", 2, 1)
	g.pass(v, lossInterval)
	g.handleIntrospection(refused)
	check(ErrUnavailable)
	wantLines("still lost", 2, 1)
	if text := g.log.String(); !strings.Contains(text, "verify.Feed.Token") || strings.Contains(text, feedToken) {
		t.Errorf("the log does not say how to mend it, or has the credential:\n%s", text)
	}
	for _, text := range texts {
		if strings.Contains(g.log.String(), text[:40]) {
			t.Errorf("a token is in the log:\n%s", g.log)
		}
	}
}

// TestIntrospection_AddressIsConfigured as that of the keys and of the feed.
func TestIntrospection_AddressIsConfigured(t *testing.T) {
	g, other := newGatehouse(t), newGatehouse(t)
	v := g.followingWith(func(c *Config) { c.PersonalAccessTokens, c.Introspection = true, other.URL+"/introspect" })
	wantSoon(t, v, g.issue(), nil)
	other.handleIntrospection(other.saying(map[string]any{"iss": g.URL}))
	want(t, v, program(), nil)
	g.wantQuestions("to the issuer's own address", 0)
	other.wantQuestions("to the configured one", 1)
}
