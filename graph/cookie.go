package graph

import (
	"context"
	"errors"
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

// The cookies' names. Browsers accept a name with the prefix __Host- only over https and only for the host that sets it
// (RFC 6265bis, section 4.1.3.2). On loopback, where there is no https, the name has no prefix.
const (
	refreshName  = "gatehouse_refresh"
	deviceName   = "gatehouse_device"
	securePrefix = "__Host-"
)

// maxCookieLen is what browsers store of one cookie, in bytes.
const maxCookieLen = 4096

// cookieRules say how a browser stores a refresh token in a cookie, and which pages may use it.
type cookieRules struct {
	name   string // "" where no cookie is safe: http on a network
	device string // the name of the cookie of the device token
	secure bool
	allow  func(origin string) bool
}

func newCookieRules(issuer *url.URL, allow func(origin string) bool) *cookieRules {
	if issuer == nil || allow == nil {
		return &cookieRules{}
	}
	address, _ := netip.ParseAddr(issuer.Hostname())
	switch {
	case issuer.Scheme == "https":
		return &cookieRules{name: securePrefix + refreshName, device: securePrefix + deviceName, secure: true,
			allow: allow}
	case issuer.Hostname() == "localhost" || address.IsLoopback():
		return &cookieRules{name: refreshName, device: deviceName, allow: allow}
	}
	return &cookieRules{}
}

// refreshCookie is the cookie of one request, and the one that the answer sets.
type refreshCookie struct {
	rules   *cookieRules
	sent    string // the refresh token in it; "" when there is none
	refused string // why this request must not use the cookie; "": it may
	device  string // the device token that was sent; "": none, or the request must not use it
	answer  []*http.Cookie
}

// read returns the cookie of a request. A browser sends it along whatever page asks, so a request that has it must come
// from a page that may use it.
func (c *cookieRules) read(h http.Header) (*refreshCookie, *graphqlhttp.RequestError) {
	sent, ok := c.find(h, c.name)
	if !ok {
		cleared := refreshCookie{rules: c}
		cleared.clear()
		return nil, graphqlhttp.BadRequest(http.StatusBadRequest,
			"the cookie "+c.name+" was there twice or not as it was set, and is cleared; log in again").
			With("Set-Cookie", cleared.answer[0].String())
	}
	cookie := &refreshCookie{rules: c, sent: sent, refused: c.objection(h)}
	if sent != "" && cookie.refused != "" {
		return nil, &graphqlhttp.RequestError{
			Status: http.StatusForbidden,
			Err:    graphqlhttp.NewError(problem.Forbidden, cookie.refused),
		}
	}
	if device, ok := c.find(h, c.device); ok && cookie.refused == "" {
		cookie.device = device
	}
	return cookie, nil
}

// find returns a cookie's value, "" when there is none or it is empty, and false when it is malformed or there are two;
// net/http would skip a malformed one. Only spaces and tabs around a name are trimmed. A browser takes a name that
// begins with another space of Unicode for one without the prefix __Host-, so that any host of the site may set it.
func (*cookieRules) find(h http.Header, wanted string) (value string, ok bool) {
	headers := h.Values("Cookie")
	if wanted == "" || len(headers) == 0 {
		return "", true
	}
	found := 0
	for pair := range strings.SplitSeq(strings.Join(headers, ";"), ";") {
		if name, text, _ := strings.Cut(strings.Trim(pair, " \t"), "="); name == wanted {
			value, found = text, found+1
		}
	}
	cookie := http.Cookie{Name: wanted, Value: value}
	return value, found == 0 || found == 1 && len(value) <= maxCookieLen && cookie.Valid() == nil
}

// objection says why a request must not use the cookie, "" when it may. Browsers omit Origin only from GETs within the
// API's own origin; those are recognized by Sec-Fetch-Site, which no page can set.
func (c *cookieRules) objection(h http.Header) string {
	origins, site := h.Values("Origin"), h.Get("Sec-Fetch-Site")
	switch {
	case c.name == "":
		return "A cookie would travel in the clear: serve over https, and say so in GATEHOUSE_ISSUER."
	case len(origins) == 0 && site == "same-origin":
		return ""
	case len(origins) != 1 || !c.allow(origins[0]):
		return "The cookie is not for the page that asks, or it does not say its Origin: " +
			"add the page's origin to GATEHOUSE_ALLOWED_ORIGINS."
	case site == "cross-site":
		return "Browsers keep the cookie from pages of another site: " +
			"serve the page and the API under one domain, both over https."
	}
	return ""
}

// signInFunc is a use case of accounts that signs in.
type signInFunc[In any] func(context.Context, *viewer.Viewer, In) (*accounts.AuthPayload, error)

// signIn runs a use case that signs in. If useCookie is set, the refresh token goes into the cookie instead of the
// payload, and the device token into another, where it is read too.
func signIn[In any](
	ctx context.Context, useCookie bool, run signInFunc[In], in In,
) (*accounts.AuthPayload, error) {
	cookie := cookieFrom(ctx)
	if useCookie && cookie.refused != "" {
		wrong := error(problem.BadInput("cookie", problem.NotAllowed, cookie.refused))
		if input, ok := any(in).(interface{ Check() error }); ok {
			wrong = errors.Join(input.Check(), wrong)
		}
		return nil, wrong
	}
	v := *viewer.From(ctx)
	if useCookie {
		v.Origin.Device = cookie.device
	}
	payload, err := run(ctx, &v, in)
	if err == nil && useCookie {
		cookie.store(payload)
	}
	return payload, err
}

// refresh runs the use case of that name. When the input has no token, the token comes from the cookie and the next one
// goes into it. A cookie with an invalid token is not cleared: another tab may have replaced it meanwhile.
func refresh(
	ctx context.Context, run signInFunc[accounts.RefreshInput], in accounts.RefreshInput,
) (*accounts.AuthPayload, error) {
	cookie := cookieFrom(ctx)
	if in.RefreshToken != nil || cookie.sent == "" {
		return run(ctx, viewer.From(ctx), in)
	}
	return signIn(ctx, true, run, accounts.RefreshInput{RefreshToken: &cookie.sent})
}

// logout runs the use case of that name, with the cookie's refresh token.
func logout(
	ctx context.Context, run func(context.Context, *viewer.Viewer, string) (*accounts.LogoutPayload, error),
) (*accounts.LogoutPayload, error) {
	return signOut(ctx, func(ctx context.Context, v *viewer.Viewer) (*accounts.LogoutPayload, error) {
		return run(ctx, v, cookieFrom(ctx).sent)
	})
}

// signOut runs a use case that ends the caller's session, and clears the cookie, even if the cookie belongs to another
// session: a browser whose user has logged out must not be signed in after its next refresh.
func signOut[Payload any](
	ctx context.Context, run func(context.Context, *viewer.Viewer) (*Payload, error),
) (*Payload, error) {
	payload, err := run(ctx, viewer.From(ctx))
	if cookie := cookieFrom(ctx); err == nil && cookie.sent != "" {
		cookie.clear()
	}
	return payload, err
}

// store moves the refresh token and the device token from a payload into cookies.
func (c *refreshCookie) store(p *accounts.AuthPayload) {
	c.set(c.rules.name, *p.RefreshToken, max(1, int(time.Until(p.RefreshExpiresAt)/time.Second)))
	p.RefreshToken = nil
	if p.Device != nil {
		c.set(c.rules.device, *p.Device, int(accounts.DeviceTTL/time.Second))
		p.Device = nil
	}
}

func (c *refreshCookie) clear() { c.set(c.rules.name, "", -1) }

// set sets a cookie of the answer; when several fields of an operation do, the last one wins.
func (c *refreshCookie) set(name, value string, maxAge int) {
	c.answer = append(slices.DeleteFunc(c.answer, func(set *http.Cookie) bool { return set.Name == name }),
		&http.Cookie{
			Name: name, Value: value, Path: "/", MaxAge: maxAge,
			Secure: c.rules.secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
}

// write adds the cookies that change to the headers of an answer.
func (c *refreshCookie) write(h http.Header) {
	for _, cookie := range c.answer {
		h.Add("Set-Cookie", cookie.String())
	}
}

type cookieKey struct{}

func withCookie(ctx context.Context, c *refreshCookie) context.Context {
	return context.WithValue(ctx, cookieKey{}, c)
}

// cookieFrom returns the cookie of the request that is answered.
func cookieFrom(ctx context.Context) *refreshCookie { return ctx.Value(cookieKey{}).(*refreshCookie) }
