package viewer

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gatehouse/gatehouse/internal/token"
)

// Sources are the two questions that make a viewer of a token.
type Sources struct {
	// Verify checks a token by itself: its claims, or token.ErrExpired, or token.ErrInvalid. Required.
	Verify func(text string) (token.Claims, error)
	// Session returns the caller that the claims name, as things stand now: nobody when the session has ended.
	// It is asked only about tokens that Verify let pass, and returns a viewer that nobody else holds. Required.
	Session func(ctx context.Context, claims token.Claims, from Origin) (*Viewer, error)
	// Proxies are the peers whose X-Forwarded-For is believed; default none.
	Proxies []netip.Prefix
}

// Middleware puts the viewer of each request into its context.
func Middleware(sources Sources, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := originOf(r, sources.Proxies)
		v := sources.viewer(r, from)
		if v == nil {
			v = Nobody(Missing)
		}
		v.Origin = from
		next.ServeHTTP(w, r.WithContext(With(r.Context(), v)))
	})
}

// viewer reads the Authorization header (RFC 6750, section 2.1); a token anywhere else is not looked at.
func (s Sources) viewer(r *http.Request, from Origin) *Viewer {
	headers := r.Header.Values("Authorization")
	switch {
	case len(headers) == 0:
		return Nobody(Missing)
	case len(headers) > 1:
		return &Viewer{Why: Invalid, Doubled: true}
	}
	text, ok := bearer(headers[0])
	if !ok {
		return Nobody(Invalid)
	}
	if text == "" {
		return Nobody(Missing)
	}
	claims, err := s.Verify(text)
	if errors.Is(err, token.ErrExpired) {
		return Nobody(Expired)
	}
	if err != nil {
		return Nobody(Invalid)
	}
	v, err := s.Session(r.Context(), claims, from)
	if err != nil {
		return &Viewer{Why: Invalid, Err: err}
	}
	return v
}

// bearer returns the token of a header value, "" when the value is empty or the scheme stands alone. The scheme's
// case does not matter (RFC 9110, section 11.1); one space follows it, and nothing follows the token.
func bearer(value string) (text string, ok bool) {
	value = strings.Trim(value, " \t")
	if value == "" || strings.EqualFold(value, "Bearer") {
		return "", true
	}
	scheme, text, found := strings.Cut(value, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || strings.ContainsAny(text, " \t,") {
		return "", false
	}
	return text, true
}
