package verify

import (
	"context"
	"errors"
	"net/http"

	"github.com/gatehouse/gatehouse/internal/bearer"
)

type contextKey struct{}

// From returns the token of a request that Middleware let in.
func From(ctx context.Context) (*Token, bool) {
	t, ok := ctx.Value(contextKey{}).(*Token)
	return t, ok
}

// Middleware lets in requests with a valid access token, which the next handler gets by From. It answers all others as
// RFC 6750, section 3, says: 401 without an error code when no credential was sent; 401 with invalid_token, and whether
// the token is expired or revoked; 400 with invalid_request for several Authorization headers; and 503 for
// ErrUnavailable.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := bearer.Token(r.Header)
		if err != nil {
			refuse(w, err)
			return
		}
		t, err := v.Verify(r.Context(), text)
		if err != nil {
			v.log.DebugContext(r.Context(), "a request was refused", "error", err)
			refuse(w, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, t)))
	})
}

func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Cache-Control", "no-store")
	challenge, status := "", http.StatusUnauthorized
	sentence := "The access token is invalid; sign in again."
	switch {
	case errors.Is(err, bearer.ErrMissing):
		challenge, sentence = `realm="gatehouse"`, "An access token is needed; send one as Authorization: Bearer TOKEN."
	case errors.Is(err, bearer.ErrMultiple):
		challenge, status = `error="invalid_request"`, http.StatusBadRequest
		sentence = "There are two Authorization headers; send one."
	case errors.Is(err, ErrUnavailable):
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Access tokens cannot be checked at the moment; try again.", http.StatusServiceUnavailable)
		return
	case errors.Is(err, ErrExpired):
		challenge, sentence = invalidToken+"expired\"", "The access token is expired; refresh it."
	case errors.Is(err, ErrRevoked):
		challenge, sentence = invalidToken+"revoked\"", "The access token is revoked; refresh it, or sign in again."
	default:
		challenge = invalidToken + "invalid\""
	}
	w.Header().Set("WWW-Authenticate", "Bearer "+challenge)
	http.Error(w, sentence, status)
}

const invalidToken = `error="invalid_token", error_description="the access token is `
