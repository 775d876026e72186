package viewer

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"github.com/gatehouse/gatehouse/internal/bearer"
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
			v = Anonymous(Missing)
		}
		v.Origin = from
		next.ServeHTTP(w, r.WithContext(With(r.Context(), v)))
	})
}

// viewer takes the token where package bearer finds it.
func (s Sources) viewer(r *http.Request, from Origin) *Viewer {
	text, err := bearer.Token(r.Header)
	switch {
	case errors.Is(err, bearer.ErrMissing):
		return Anonymous(Missing)
	case errors.Is(err, bearer.ErrMultiple):
		return &Viewer{AnonymousReason: Invalid, DuplicateAuthorization: true}
	case err != nil:
		return Anonymous(Invalid)
	}
	claims, err := s.Verify(text)
	if errors.Is(err, token.ErrExpired) {
		return Anonymous(Expired)
	}
	if err != nil {
		return Anonymous(Invalid)
	}
	v, err := s.Session(r.Context(), claims, from)
	if err != nil {
		return &Viewer{AnonymousReason: Invalid, CheckErr: err}
	}
	return v
}
