package graph

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// The cookie's name. Browsers take a name with this prefix only over https, and only from this very host (RFC 6265bis,
// section 4.1.3.2); on loopback, where there is no https, it goes without.
const (
	loopbackCookie = "gatehouse_refresh"
	secureCookie   = "__Host-" + loopbackCookie
)

// longestCookie is what browsers keep of one cookie, in bytes.
const longestCookie = 4096

// cookieRules say how a browser's refresh token is kept in a cookie, and which pages may use it.
type cookieRules struct {
	name    string // "" where no cookie is safe: http on a network
	secure  bool
	origins []string
}

func newCookieRules(issuer *url.URL, origins []string) cookieRules {
	if issuer == nil {
		return cookieRules{}
	}
	address, _ := netip.ParseAddr(issuer.Hostname())
	switch {
	case issuer.Scheme == "https":
		return cookieRules{name: secureCookie, secure: true, origins: origins}
	case issuer.Hostname() == "localhost" || address.IsLoopback():
		return cookieRules{name: loopbackCookie, origins: origins}
	}
	return cookieRules{}
}

// refreshCookie is the cookie of one request, and what the answer does about it.
type refreshCookie struct {
	rules   cookieRules
	sent    string       // the refresh token in it; "" when there is none
	refused string       // why this request must not use the cookie; "" when it may
	answer  *http.Cookie // nil: the cookie stays as it is
}

// read returns the cookie of a request. A browser sends it along whatever page asks, so a request that has it must come
// from a page that may use it.
func (c cookieRules) read(h http.Header) (*refreshCookie, *graphqlhttp.RequestError) {
	sent, ok := c.find(h)
	if !ok {
		return nil, graphqlhttp.BadRequest(http.StatusBadRequest,
			"the cookie "+c.name+" is there twice or is not as it was set; remove this site's cookies and log in again")
	}
	cookie := &refreshCookie{rules: c, sent: sent, refused: c.objection(h)}
	if sent != "" && cookie.refused != "" {
		return nil, &graphqlhttp.RequestError{
			Status: http.StatusForbidden,
			Err:    graphqlhttp.NewError(problem.Forbidden, cookie.refused),
		}
	}
	return cookie, nil
}

// find returns the cookie's value, "" when there is none. net/http would leave out what is malformed. Around a name, only
// the space that HTTP knows is taken away: to a browser, a name that begins with any other of Unicode's is one without
// the prefix, which every host of the site may set.
func (c cookieRules) find(h http.Header) (value string, ok bool) {
	if c.name == "" {
		return "", true
	}
	found := 0
	for pair := range strings.SplitSeq(strings.Join(h.Values("Cookie"), ";"), ";") {
		if name, text, _ := strings.Cut(strings.Trim(pair, " \t"), "="); name == c.name {
			value, found = text, found+1
		}
	}
	cookie := http.Cookie{Name: c.name, Value: value}
	return value, found == 0 || found == 1 && value != "" && len(value) <= longestCookie && cookie.Valid() == nil
}

// objection says why a request must not use the cookie, "" when it may. Of the requests of our pages, only GETs from
// the API's own origin come without an Origin; Sec-Fetch-Site, which no page can write, tells them from others.
func (c cookieRules) objection(h http.Header) string {
	origins, site := h.Values("Origin"), h.Get("Sec-Fetch-Site")
	switch {
	case c.name == "":
		return "A cookie would travel in the clear: serve over https, and say so in GATEHOUSE_ISSUER."
	case len(origins) == 0 && site == "same-origin":
		return ""
	case len(origins) != 1 || !slices.Contains(c.origins, origins[0]):
		return "The cookie is not for the page that asks, or it does not say its Origin: add the page's origin to GATEHOUSE_ALLOWED_ORIGINS."
	case site == "cross-site":
		return "Browsers keep the cookie from pages of another site: serve the page and the API under one domain, both over https."
	}
	return ""
}

// signInFunc is a use case of accounts that signs in.
type signInFunc[In any] func(context.Context, *viewer.Viewer, In) (*accounts.AuthPayload, error)

// signIn runs a rule that signs in, and keeps the refresh token in the cookie if asked to.
func signIn[In any](ctx context.Context, keep bool, rule signInFunc[In], in In) (*accounts.AuthPayload, error) {
	cookie := cookieFrom(ctx)
	if keep && cookie.refused != "" {
		return nil, problem.BadInput("cookie", cookie.refused)
	}
	payload, err := rule(ctx, viewer.From(ctx), in)
	if err == nil && keep {
		cookie.keep(payload)
	}
	return payload, err
}

// refresh runs the rule of that name: for the cookie, and into it, when the input has no token. A cookie that is refused
// stays: another tab may have put a new one into its place meanwhile.
func refresh(ctx context.Context, rule signInFunc[accounts.RefreshInput], in accounts.RefreshInput) (*accounts.AuthPayload, error) {
	cookie := cookieFrom(ctx)
	if in.RefreshToken != nil || cookie.sent == "" {
		return rule(ctx, viewer.From(ctx), in)
	}
	return signIn(ctx, true, rule, accounts.RefreshInput{RefreshToken: &cookie.sent})
}

// signOut runs a rule that ends the caller's session, and clears the cookie. Whose session the cookie is of does not
// matter: a browser whose user has logged out must not be signed in after its next refresh.
func signOut[Payload any](ctx context.Context, rule func(context.Context, *viewer.Viewer) (*Payload, error)) (*Payload, error) {
	payload, err := rule(ctx, viewer.From(ctx))
	if cookie := cookieFrom(ctx); err == nil && cookie.sent != "" {
		cookie.clear()
	}
	return payload, err
}

// keep takes the refresh token out of a payload and into the cookie.
func (c *refreshCookie) keep(p *accounts.AuthPayload) {
	c.set(*p.RefreshToken, max(1, int(time.Until(p.RefreshExpiresAt)/time.Second)))
	p.RefreshToken = nil
}

func (c *refreshCookie) clear() { c.set("", -1) }

// set decides the answer; of several fields, the last one does.
func (c *refreshCookie) set(value string, maxAge int) {
	c.answer = &http.Cookie{
		Name: c.rules.name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: c.rules.secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

// write adds the cookie to an answer, when it changes.
func (c *refreshCookie) write(h http.Header) {
	if c.answer == nil {
		return
	}
	if text := c.answer.String(); text != "" {
		h.Add("Set-Cookie", text)
	}
}

type cookieKey struct{}

func withCookie(ctx context.Context, c *refreshCookie) context.Context {
	return context.WithValue(ctx, cookieKey{}, c)
}

// cookieFrom returns the cookie of the request that is answered.
func cookieFrom(ctx context.Context) *refreshCookie { return ctx.Value(cookieKey{}).(*refreshCookie) }
