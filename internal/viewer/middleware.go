package viewer

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gatehouse/gatehouse/internal/bearer"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Config configures Middleware.
type Config struct {
	// Verify returns the claims of an access token, token.ErrExpired or token.ErrInvalid. Required.
	Verify func(text string) (token.Claims, error)
	// Session returns the viewer of the claims' session, anonymous when that has ended. It is called only for tokens
	// that Verify accepts. Required.
	Session func(ctx context.Context, claims token.Claims, origin Origin) (Viewer, error)
	// Personal returns the viewer of a personal access token, anonymous when it may not be used. It is called only for
	// texts that begin as one does. Required.
	Personal func(ctx context.Context, text string, origin Origin) (Viewer, error)
}

// Locate puts an anonymous viewer with the origin of each request into its context, for what comes before Middleware.
// Only the X-Forwarded-For of these proxies is trusted.
func Locate(proxies []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := Anonymous(Missing)
		v.Origin = originOf(r, proxies)
		next.ServeHTTP(w, r.WithContext(With(r.Context(), v)))
	})
}

// Middleware finds the viewer of each request, who takes the place of the anonymous one of Locate: also for what came
// before.
func Middleware(c Config, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		located := From(r.Context())
		v := c.viewer(r, located.Origin)
		v.Origin = located.Origin
		*located = v
		next.ServeHTTP(w, r)
	})
}

func (c Config) viewer(r *http.Request, origin Origin) Viewer {
	text, err := bearer.Token(r.Header)
	switch {
	case errors.Is(err, bearer.ErrMissing):
		return *Anonymous(Missing)
	case errors.Is(err, bearer.ErrMultiple):
		return Viewer{AnonymousReason: Invalid, DuplicateAuthorization: true}
	case err != nil:
		return *Anonymous(Invalid)
	}
	if strings.HasPrefix(text, token.PersonalPrefix) {
		return checked(c.Personal(r.Context(), text, origin))
	}
	claims, err := c.Verify(text)
	if errors.Is(err, token.ErrExpired) {
		return *Anonymous(Expired)
	}
	if err != nil {
		return *Anonymous(Invalid)
	}
	return checked(c.Session(r.Context(), claims, origin))
}

// checked returns an anonymous viewer in place of one with an error.
func checked(v Viewer, err error) Viewer {
	if err != nil {
		return Viewer{AnonymousReason: Invalid, CheckErr: err}
	}
	return v
}
