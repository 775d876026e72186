package viewer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

var (
	theTime    = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	theUser    = uuid.MustParse("0197c1b0-0000-7000-8000-0000000000ab")
	theSession = uuid.MustParse("0197c1b0-0000-7000-8000-0000000000cd")
)

// desk is the middleware with a real issuer behind it, and a list of the sessions that were asked for.
type desk struct {
	t      *testing.T
	now    time.Time
	issuer *token.Issuer
	asked  []token.Claims
	answer func(token.Claims) (*viewer.Viewer, error)
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, now: theTime, answer: somebody}
	d.issuer = d.another("https://id.example.org")
	return d
}

// another returns an issuer with a key of its own.
func (d *desk) another(name string) *token.Issuer {
	d.t.Helper()
	key, err := token.NewKey()
	check(d.t, err)
	keys, err := token.NewKeys(key.WithoutSchedule())
	check(d.t, err)
	issuer, err := token.NewIssuer(token.Config{Keys: keys, Issuer: name, Audience: "gatehouse", Clock: func() time.Time { return d.now }})
	check(d.t, err)
	return issuer
}

func somebody(c token.Claims) (*viewer.Viewer, error) {
	return &viewer.Viewer{UserID: c.UserID, SessionID: c.SessionID, Roles: c.Roles, AuthTime: c.AuthenticatedAt}, nil
}

func (d *desk) token(issuer *token.Issuer) string {
	d.t.Helper()
	text, err := issuer.Issue(token.Claims{UserID: theUser, SessionID: theSession, AuthenticatedAt: theTime, IssuedAt: theTime, Roles: []string{"USER"}})
	check(d.t, err)
	return text
}

// serve returns whom the next handler sees. Whatever the credential, it is asked, and the middleware writes nothing.
func (d *desk) serve(r *http.Request) *viewer.Viewer {
	d.t.Helper()
	d.asked = nil
	var seen *viewer.Viewer
	sources := viewer.Sources{
		Verify: d.issuer.Verify,
		Session: func(ctx context.Context, c token.Claims, _ viewer.Origin) (*viewer.Viewer, error) {
			if ctx != r.Context() {
				d.t.Error("Session was not given the request's context")
			}
			d.asked = append(d.asked, c)
			return d.answer(c)
		},
	}
	w := httptest.NewRecorder()
	viewer.Middleware(sources, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = viewer.From(r.Context())
		w.WriteHeader(http.StatusTeapot)
	})).ServeHTTP(w, r)
	if seen == nil || w.Code != http.StatusTeapot || len(w.Header()) > 0 || w.Body.Len() > 0 {
		d.t.Fatalf("the next handler saw %v; the answer is %d %v %q", seen, w.Code, w.Header(), w.Body)
	}
	return seen
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	for _, h := range headers {
		r.Header.Add("Authorization", h)
	}
	return r
}

// TestHeadersMakeViewers is J-001, J-091, J-092 and J-093. TOKEN stands for a good token, FOREIGN for another server's.
func TestHeadersMakeViewers(t *testing.T) {
	cases := []struct {
		test, headers string // headers are separated by |
		reason        string // "" is signed in
		doubled       bool
	}{
		{"the twin", "Bearer TOKEN", "", false},
		{"J-001", "", "missing", false},
		{"J-001", "Bearer", "missing", false},
		{"J-001", "Bearer ", "missing", false},
		{"J-001", "bearer    ", "missing", false},
		{"J-001", "   ", "missing", false},
		{"J-001", "\t", "missing", false},
		{"J-007", "Bearer TOKENAAAA", "invalid", false},
		{"J-007", "Bearer TOKEN TOKEN", "invalid", false},
		{"J-007", "Bearer TOKEN,TOKEN", "invalid", false},
		{"J-007", "Bearer TOKEN;", "invalid", false},
		{"J-007, RFC 9110: space round a value is not its", " Bearer TOKEN \t", "", false},
		{"J-091", "bearer TOKEN", "", false},
		{"J-091", "BEARER TOKEN", "", false},
		{"J-091", "BeArEr TOKEN", "", false},
		{"J-092", "Bearer  TOKEN", "invalid", false},
		{"J-092", "Bearer\tTOKEN", "invalid", false},
		{"J-092", "Bearer \tTOKEN", "invalid", false},
		{"J-092", "Bearer\u00a0TOKEN", "invalid", false},
		{"J-092", "BearerTOKEN", "invalid", false},
		{"J-092", "Bearer,TOKEN", "invalid", false},
		{"J-092", "Bearer, TOKEN", "invalid", false},
		{"J-092", "Bearer:TOKEN", "invalid", false},
		{"J-092", "Bearer: TOKEN", "invalid", false},
		{"J-092", "Bearer=TOKEN", "invalid", false},
		{"J-092", `Bearer "TOKEN"`, "invalid", false},
		{"J-092", "Bearer <TOKEN>", "invalid", false},
		{"J-092", "Bearer Bearer TOKEN", "invalid", false},
		{"J-092", "Token TOKEN", "invalid", false},
		{"J-092", "JWT TOKEN", "invalid", false},
		{"J-092", "TOKEN", "invalid", false},
		{"J-092", "Basic YWRhOnNlY3JldA==", "invalid", false},
		{"J-092", "Digest username=ada", "invalid", false},
		{"J-092", "Negotiate TOKEN", "invalid", false},
		{"J-092", "DPoP TOKEN", "invalid", false},
		{"J-092", "Вearer TOKEN", "invalid", false}, // the first letter is Cyrillic
		{"J-092, fold that is not ASCII", "Bea\u0280er TOKEN", "invalid", false},
		{"J-093 good, bad", "Bearer TOKEN|Bearer x", "invalid", true},
		{"J-093 bad, good", "Bearer x|Bearer TOKEN", "invalid", true},
		{"J-093 good, good", "Bearer TOKEN|Bearer TOKEN", "invalid", true},
		{"J-093 good, empty", "Bearer TOKEN|", "invalid", true},
		{"J-093 three", "Bearer TOKEN|Basic x|Bearer TOKEN", "invalid", true},
		{"J-093 list", "Bearer TOKEN, Bearer TOKEN", "invalid", false},
		{"J-082", "Bearer FOREIGN", "invalid", false},
		{"J-002", "Bearer a.b.c", "invalid", false},
		{"J-004", "Bearer " + strings.Repeat(".", 1<<20), "invalid", false},
		{"J-098", "Bearer " + strings.Repeat("A", 1<<20), "invalid", false},
		{"J-098 spaces", strings.Repeat(" ", 1<<20) + "Bearer" + strings.Repeat(" ", 1<<20) + "x", "invalid", false},
		{"J-013", "Bearer TO\r\nKEN", "invalid", false},
		{"J-016", "Bearer TOKEN\x00", "invalid", false},
	}
	d := newDesk(t)
	fill := strings.NewReplacer("TOKEN", d.token(d.issuer), "FOREIGN", d.token(d.another("https://id.example.org")))
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s %.40q", c.test, c.headers), func(t *testing.T) {
			var headers []string
			if c.headers != "" {
				headers = strings.Split(fill.Replace(c.headers), "|")
			}
			v := d.serve(request(headers...))
			if v.Reason() != c.reason || v.SignedIn() != (c.reason == "") || v.DuplicateAuthorization != c.doubled || v.Err() != nil {
				t.Errorf("reason %q, signed in %v, doubled %v, trouble %v; want %q, doubled %v", v.Reason(), v.SignedIn(), v.DuplicateAuthorization, v.Err(), c.reason, c.doubled)
			}
			if asked := len(d.asked); asked != 0 && c.reason != "" || asked != 1 && c.reason == "" {
				t.Errorf("Session was asked %d times", asked)
			}
		})
	}
	if v := d.serve(request("")); v.Reason() != "missing" {
		t.Errorf("a header without value: %q, want missing", v.Reason())
	}
}

// TestOnlyTheAuthorizationHeaderIsRead is J-094 to J-097: nothing else makes a viewer, or unmakes one.
func TestOnlyTheAuthorizationHeaderIsRead(t *testing.T) {
	d := newDesk(t)
	good := d.token(d.issuer)
	id := theUser.String()
	cases := []struct {
		test string
		make func() *http.Request
	}{
		{"J-094 query", func() *http.Request {
			return httptest.NewRequest(http.MethodGet, "/graphql?access_token="+good+"&token="+good+"&jwt="+good, nil)
		}},
		{"J-094 form", func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader("access_token="+good))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return r
		}},
		{"J-094 path", func() *http.Request { return httptest.NewRequest(http.MethodPost, "/graphql/"+good, nil) }},
		{"J-094 extensions", func() *http.Request {
			return httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(`{"extensions":{"Authorization":"Bearer `+good+`"}}`))
		}},
		{"J-095 cookie", func() *http.Request {
			r := request()
			r.AddCookie(&http.Cookie{Name: "access_token", Value: good})
			r.AddCookie(&http.Cookie{Name: "Authorization", Value: good})
			return r
		}},
		{"J-094 user of the URL", func() *http.Request {
			return httptest.NewRequest(http.MethodPost, "http://bearer:"+good+"@x/graphql", nil)
		}},
		{"J-100 sub-protocol", func() *http.Request {
			r := request()
			r.Header.Set("Sec-WebSocket-Protocol", "graphql-transport-ws, "+good)
			return r
		}},
	}
	for _, name := range []string{"X-Forwarded-Authorization", "X-Original-Authorization", "X-User-ID", "X-Hasura-User-Id",
		"X-Hasura-Role", "X-Forwarded-User", "X-Auth-Request-User", "Remote-User", "Proxy-Authorization", "X-Authorization", "Authorization_"} {
		cases = append(cases, struct {
			test string
			make func() *http.Request
		}{"J-096 " + name, func() *http.Request {
			r := request()
			r.Header.Set(name, "Bearer "+good)
			if strings.Contains(name, "User") {
				r.Header.Set(name, id)
			}
			return r
		}})
	}
	for _, c := range cases {
		r := c.make()
		if v := d.serve(r); v.Reason() != "missing" || len(d.asked) != 0 {
			t.Errorf("%s: reason %q, Session asked %d times", c.test, v.Reason(), len(d.asked))
		}
		r = c.make() // the twin: with the header it is the header that counts
		r.Header.Set("Authorization", "Bearer "+good)
		if v := d.serve(r); !v.SignedIn() {
			t.Errorf("%s, beside a good header: %q", c.test, v.Reason())
		}
	}
	r := request("Bearer " + good) // J-097: what the proxy left is what counts
	r.Header.Set("Connection", "Authorization")
	r.Header.Del("Authorization")
	if v := d.serve(r); v.Reason() != "missing" {
		t.Errorf("J-097: %q", v.Reason())
	}
}

func TestTheAnswerOfSessionIsTheViewer(t *testing.T) {
	away := errors.New("the database is away")
	cases := []struct {
		name   string
		answer func(token.Claims) (*viewer.Viewer, error)
		want   *viewer.Viewer
	}{
		{"somebody", somebody, &viewer.Viewer{UserID: theUser, SessionID: theSession, Roles: []string{"USER"}, AuthTime: theTime}},
		{"ended", func(token.Claims) (*viewer.Viewer, error) { return viewer.Anonymous(viewer.Revoked), nil }, viewer.Anonymous(viewer.Revoked)},
		{"nobody", func(token.Claims) (*viewer.Viewer, error) { return nil, nil }, viewer.Anonymous(viewer.Missing)},
		{"trouble", func(c token.Claims) (*viewer.Viewer, error) {
			v, _ := somebody(c) // an answer beside an error does not count
			return v, fmt.Errorf("read the session: %w", away)
		}, &viewer.Viewer{AnonymousReason: viewer.Invalid}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			d.answer = c.answer
			got := *d.serve(request("Bearer " + d.token(d.issuer)))
			if trouble := c.name == "trouble"; errors.Is(got.Err(), away) != trouble {
				t.Errorf("trouble: %v", got.Err())
			}
			got.CheckErr, got.Origin = nil, viewer.Origin{}
			if diff := cmp.Diff(c.want, &got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("viewer (-want +got):\n%s", diff)
			}
			if len(d.asked) != 1 || d.asked[0].UserID != theUser || d.asked[0].SessionID != theSession || d.asked[0].ID == "" {
				t.Errorf("asked about %+v", d.asked)
			}
		})
	}
}

// TestExpiredIsSaidOfTokensThatWereGood: and of those Session is not asked.
func TestExpiredIsSaidOfTokensThatWereGood(t *testing.T) {
	d := newDesk(t)
	good, foreign := d.token(d.issuer), d.token(d.another("https://id.example.org"))
	for _, c := range []struct {
		text   string
		at     time.Duration
		reason string
	}{
		{good, 10*time.Minute - 1, ""},
		{good, 10 * time.Minute, "expired"},
		{good, 1000 * time.Hour, "expired"},
		{foreign, 10 * time.Minute, "invalid"},
		{good[:len(good)-2], 10 * time.Minute, "invalid"},
	} {
		d.now = theTime.Add(c.at)
		v := d.serve(request("Bearer " + c.text))
		if v.Reason() != c.reason || (len(d.asked) > 0) != (c.reason == "") {
			t.Errorf("after %v: %q, want %q; Session asked %d times", c.at, v.Reason(), c.reason, len(d.asked))
		}
	}
}

func FuzzAuthorizationHeader(f *testing.F) { // J-115
	for _, seed := range []string{"", "Bearer", "Bearer x", "bearer a.b.c", "Basic x", "Bearer \x00", " \t,", "Bearer x,y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		d := newDesk(t)
		if v := d.serve(request(header)); v.SignedIn() || len(d.asked) > 0 {
			t.Errorf("%q signs in", header)
		}
	})
}
