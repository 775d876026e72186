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

	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

var (
	theTime    = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	theUser    = uuid.MustParse("0197c1b0-0000-7000-8000-0000000000ab")
	theSession = uuid.MustParse("0197c1b0-0000-7000-8000-0000000000cd")
)

// fixture is the middleware with a real issuer, and a list of the claims that Session was called with.
type fixture struct {
	t       *testing.T
	now     time.Time
	issuer  *token.Issuer
	asked   []token.Claims
	texts   []string // of personal access tokens
	session func(token.Claims) (viewer.Viewer, error)
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	d := &fixture{t: t, now: theTime, session: signedIn}
	d.issuer = d.another("https://id.example.org")
	return d
}

// another returns an issuer with its own key.
func (d *fixture) another(name string) *token.Issuer {
	keys := must(token.NewKeys(must(token.GenerateKey(token.EdDSA)).WithoutSchedule()))
	return must(token.NewIssuer(token.Config{
		Keys: keys, Issuer: name, Audience: "gatehouse", Clock: func() time.Time { return d.now },
	}))
}

func signedIn(c token.Claims) (viewer.Viewer, error) {
	return viewer.Viewer{UserID: c.UserID, SessionID: c.SessionID, Roles: c.Roles, AuthTime: c.AuthenticatedAt}, nil
}

func (d *fixture) token(issuer *token.Issuer) string {
	return must(issuer.Issue(token.Claims{
		UserID: theUser, SessionID: theSession, AuthenticatedAt: theTime, IssuedAt: theTime, Roles: []string{"USER"},
	}))
}

// serve returns the viewer that the next handler gets. Whatever the credential, that is called, and the middleware
// writes nothing.
func (d *fixture) serve(r *http.Request) *viewer.Viewer {
	d.t.Helper()
	d.asked = nil
	var seen *viewer.Viewer
	config := viewer.Config{
		Verify: d.issuer.Verify,
		Session: func(ctx context.Context, c token.Claims, from viewer.Origin) (viewer.Viewer, error) {
			if ctx != r.Context() || from.Address() != "192.0.2.1" {
				d.t.Errorf("Session was not given the request's context, or its origin: %v", from)
			}
			d.asked = append(d.asked, c)
			return d.session(c)
		},
		Personal: func(ctx context.Context, text string, from viewer.Origin) (viewer.Viewer, error) {
			if ctx != r.Context() || from.Address() != "192.0.2.1" {
				d.t.Errorf("Personal was not given the request's context, or its origin: %v", from)
			}
			d.texts = append(d.texts, text)
			return d.session(token.Claims{UserID: theUser, SessionID: theSession})
		},
	}
	w := httptest.NewRecorder()
	next := viewer.Middleware(config, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = viewer.From(r.Context())
		w.WriteHeader(http.StatusTeapot)
	}))
	viewer.Locate(nil, http.HandlerFunc(func(w http.ResponseWriter, located *http.Request) {
		r = located
		next.ServeHTTP(w, r)
	})).ServeHTTP(w, r)
	if seen == nil || w.Code != http.StatusTeapot || len(w.Header()) > 0 || w.Body.Len() > 0 {
		d.t.Fatalf("the next handler saw %v; the answer is %d %v %q", seen, w.Code, w.Header(), w.Body)
	}
	if seen.Origin.Address() != "192.0.2.1" { // of httptest's requests; whatever the credential
		d.t.Errorf("the viewer comes from %v", seen.Origin)
	}
	return seen
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	for _, h := range headers {
		r.Header.Add("Authorization", h)
	}
	return r
}

// headersByReason are Authorization headers, separated by |, by the reason that the viewer has; "" is signed in. TOKEN
// stands for a good token, FOREIGN for another server's.
var headersByReason = map[string][]string{
	"": {
		"Bearer TOKEN", "bearer TOKEN", "BEARER TOKEN", "BeArEr TOKEN",
		"Bearer  TOKEN", "Bearer    TOKEN", // spaces (RFC 6750, section 2.1)
		" Bearer TOKEN \t", // white space around the value (RFC 9110)
	},
	"missing": {"", "Bearer", "Bearer ", "bearer    ", "   ", "\t"},
	"invalid": {
		// something behind the token
		"Bearer TOKENAAAA", "Bearer TOKEN TOKEN", "Bearer TOKEN,TOKEN", "Bearer TOKEN;", "Bearer TOKEN\x00",
		"Bearer TOKEN, Bearer TOKEN",
		// another separator
		"Bearer\tTOKEN", "Bearer \tTOKEN", "Bearer\u00a0TOKEN", "BearerTOKEN", "Bearer,TOKEN",
		"Bearer, TOKEN", "Bearer:TOKEN", "Bearer: TOKEN", "Bearer=TOKEN", `Bearer "TOKEN"`, "Bearer <TOKEN>",
		"Bearer Bearer TOKEN", "Bearer TO\r\nKEN",
		// another scheme; one has a Cyrillic first letter, one a letter that folds to ASCII
		"Token TOKEN", "JWT TOKEN", "TOKEN", "Basic YWRhOnNlY3JldA==", "Digest username=ada", "Negotiate TOKEN",
		"DPoP TOKEN", "Вearer TOKEN", "Bea\u0280er TOKEN",
		// several headers
		"Bearer TOKEN|Bearer x", "Bearer x|Bearer TOKEN", "Bearer TOKEN|Bearer TOKEN", "Bearer TOKEN|",
		"Bearer TOKEN|Basic x|Bearer TOKEN",
		// no token of ours
		"Bearer FOREIGN", "Bearer a.b.c", "Bearer " + strings.Repeat(".", 1<<20), "Bearer " + strings.Repeat("A", 1<<20),
		strings.Repeat(" ", 1<<20) + "Bearer" + strings.Repeat(" ", 1<<20) + "x",
	},
}

func TestMiddleware_AuthorizationHeaderDecidesTheViewer(t *testing.T) {
	d := newFixture(t)
	fill := strings.NewReplacer("TOKEN", d.token(d.issuer), "FOREIGN", d.token(d.another("https://id.example.org")))
	for reason, all := range headersByReason {
		for _, headers := range all {
			t.Run(fmt.Sprintf("%.40q", headers), func(t *testing.T) {
				v := d.serve(request(strings.Split(fill.Replace(headers), "|")...))
				several := strings.Contains(headers, "|")
				if v.Reason() != reason || v.SignedIn() != (reason == "") || v.DuplicateAuthorization != several {
					t.Errorf("reason %q, signed in %v, several headers %v; want %q, several headers %v",
						v.Reason(), v.SignedIn(), v.DuplicateAuthorization, reason, several)
				}
				if v.Err() != nil {
					t.Errorf("error: %v", v.Err())
				}
				if asked := len(d.asked); asked != 0 && reason != "" || asked != 1 && reason == "" {
					t.Errorf("Session was asked %d times", asked)
				}
			})
		}
	}
	if v := d.serve(request()); v.Reason() != "missing" {
		t.Errorf("no header: %q, want missing", v.Reason())
	}
}

func TestMiddleware_TokensOutsideTheHeaderAreIgnored(t *testing.T) {
	d := newFixture(t)
	good := d.token(d.issuer)
	post := func(target, body string) func() *http.Request {
		return func() *http.Request { return httptest.NewRequest(http.MethodPost, target, strings.NewReader(body)) }
	}
	header := func(name, value string) func() *http.Request {
		return func() *http.Request {
			r := request()
			r.Header.Set(name, value)
			return r
		}
	}
	cases := map[string]func() *http.Request{
		"query": func() *http.Request {
			return httptest.NewRequest(http.MethodGet, "/graphql?access_token="+good+"&token="+good+"&jwt="+good, nil)
		},
		"path":            post("/graphql/"+good, ""),
		"extensions":      post("/graphql", `{"extensions":{"Authorization":"Bearer `+good+`"}}`),
		"user of the URL": post("http://bearer:"+good+"@x/graphql", ""),
		"cookie":          header("Cookie", "access_token="+good+"; Authorization="+good),
		"sub-protocol":    header("Sec-WebSocket-Protocol", "graphql-transport-ws, "+good),
		"form": func() *http.Request {
			r := post("/graphql", "access_token="+good)()
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return r
		},
	}
	for _, name := range []string{
		"X-Forwarded-Authorization", "X-Original-Authorization", "X-Hasura-Role", "Proxy-Authorization",
		"X-Authorization", "Authorization_",
	} {
		cases[name] = header(name, "Bearer "+good)
	}
	for _, name := range []string{
		"X-User-ID", "X-Hasura-User-Id", "X-Forwarded-User", "X-Auth-Request-User", "Remote-User",
	} {
		cases[name] = header(name, theUser.String())
	}
	for name, make := range cases {
		r := make()
		if v := d.serve(r); v.Reason() != "missing" || len(d.asked) != 0 {
			t.Errorf("%s: reason %q, Session asked %d times", name, v.Reason(), len(d.asked))
		}
		r = make() // the control: with the header, the header counts
		r.Header.Set("Authorization", "Bearer "+good)
		if v := d.serve(r); !v.SignedIn() {
			t.Errorf("%s, with a good header: %q", name, v.Reason())
		}
	}
	r := request("Bearer " + good) // a proxy that removes the hop-by-hop headers removes it
	r.Header.Set("Connection", "Authorization")
	r.Header.Del("Authorization")
	if v := d.serve(r); v.Reason() != "missing" {
		t.Errorf("removed by a proxy: %q", v.Reason())
	}
}

func TestMiddleware_ViewerIsWhatSessionReturns(t *testing.T) {
	away := errors.New("no database")
	for _, c := range []struct {
		name    string
		session func(token.Claims) (viewer.Viewer, error)
		want    *viewer.Viewer
	}{
		{"signed in", signedIn, &viewer.Viewer{
			UserID: theUser, SessionID: theSession, Roles: []string{"USER"}, AuthTime: theTime,
		}},
		{"ended", func(token.Claims) (viewer.Viewer, error) {
			return *viewer.Anonymous(viewer.Revoked), nil
		}, viewer.Anonymous(viewer.Revoked)},
		{"nobody", func(token.Claims) (viewer.Viewer, error) { return viewer.Viewer{}, nil }, &viewer.Viewer{}},
		{"error", func(c token.Claims) (viewer.Viewer, error) {
			v, _ := signedIn(c) // a viewer with an error does not count
			return v, fmt.Errorf("read the session: %w", away)
		}, &viewer.Viewer{AnonymousReason: viewer.Invalid}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newFixture(t)
			d.session = c.session
			got := *d.serve(request("Bearer " + d.token(d.issuer)))
			if failed := c.name == "error"; errors.Is(got.Err(), away) != failed {
				t.Errorf("error: %v", got.Err())
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

// TestMiddleware_PersonalAccessTokensAreKnownByTheirPrefix, and are no access tokens.
func TestMiddleware_PersonalAccessTokensAreKnownByTheirPrefix(t *testing.T) {
	d := newFixture(t)
	for header, want := range map[string]string{
		"Bearer gh_pat_x": "gh_pat_x", "bearer   gh_pat_": "gh_pat_", "Bearer GH_PAT_x": "", "Bearer xgh_pat_x": "",
		"Bearer gh_pat_x y": "", "gh_pat_x": "", "Basic gh_pat_x": "", "Bearer " + d.token(d.issuer): "",
	} {
		d.texts = nil
		v := d.serve(request(header))
		testenv.Equal(t, want, strings.Join(d.texts, " "), "%.30q: the text of a personal access token", header)
		testenv.Equal(t, want != "" || len(d.asked) > 0, v.SignedIn(), "%.30q: signed in", header)
	}
	d.session = func(token.Claims) (viewer.Viewer, error) { return viewer.Viewer{}, errors.New("no database") }
	if v := d.serve(request("Bearer gh_pat_x")); v.Err() == nil || v.SignedIn() {
		t.Errorf("without a database: %+v", v)
	}
}

func TestMiddleware_ExpiredIsReportedOnlyForTokensThatWereGood(t *testing.T) {
	d := newFixture(t)
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

func FuzzAuthorizationHeader(f *testing.F) {
	for _, seed := range []string{
		"", "Bearer", "Bearer x", "bearer a.b.c", "Basic x", "Bearer \x00", " \t,", "Bearer x,y",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		d := newFixture(t)
		if v := d.serve(request(header)); v.SignedIn() || len(d.asked) > 0 {
			t.Errorf("%q signs in", header)
		}
	})
}
