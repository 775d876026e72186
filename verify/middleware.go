package verify

import (
	"context"
	"errors"
	"net/http"

	"github.com/gatehouse/gatehouse/internal/bearer"
)

type contextKey struct{}

// result is what a middleware found out about a request.
type result struct {
	token *Token
	err   error
}

// From returns the token of a request that passed Middleware or Optional. With Optional there may be none: then the
// error is ErrMissing, ErrExpired, ErrRevoked or ErrInvalid, with a method Reason() string that says which ("missing",
// "expired", …), or it is ErrUnavailable, without one. It fits package authz: a function that returns From(ctx) is a
// Config.Viewer.
func From(ctx context.Context) (*Token, error) {
	r, ok := ctx.Value(contextKey{}).(result)
	if !ok {
		return nil, errors.New("the request passed neither verify's Middleware nor Optional; put one before the " +
			"handler")
	}
	return r.token, r.err
}

// Middleware lets in requests with a valid access token, which the next handler gets by From. It answers all others as
// RFC 6750, section 3, says: 401 without an error code when no credential was sent; 401 with invalid_token, and whether
// the token is expired or revoked; 400 with invalid_request for several Authorization headers; and 503 for
// ErrUnavailable.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, err := v.authenticate(r)
		if err != nil {
			refuse(w, err)
			return
		}
		next.ServeHTTP(w, with(r, result{token: t}))
	})
}

// Optional lets in every request: with its access token or, when there is none or a bad one, as anonymous with the
// reason, both by From. It never writes a response: what anonymous callers may do is decided after it, by package authz
// for instance.
func (v *Verifier) Optional(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, err := v.authenticate(r)
		if reason := reasonOf(err); reason != "" {
			err = anonymousError{err, reason}
		}
		next.ServeHTTP(w, with(r, result{t, err}))
	})
}

func (v *Verifier) authenticate(r *http.Request) (*Token, error) {
	text, err := bearer.Token(r.Header)
	if err != nil {
		return nil, err
	}
	t, err := v.Verify(r.Context(), text)
	if err != nil {
		v.log.DebugContext(r.Context(), "an access token was refused", "error", err)
	}
	return t, err
}

func with(r *http.Request, found result) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), contextKey{}, found))
}

// anonymousError is why a request has no usable token.
type anonymousError struct {
	error
	reason string
}

func (e anonymousError) Reason() string { return e.reason }
func (e anonymousError) Unwrap() error  { return e.error }

// Is makes a header that holds no token an ErrInvalid, too.
func (e anonymousError) Is(target error) bool { return target == ErrInvalid && e.reason == "invalid" }

// reasonOf returns the reason as Gatehouse's own API has it; "" when the caller is not anonymous, or unknown.
func reasonOf(err error) string {
	switch {
	case err == nil || errors.Is(err, ErrUnavailable):
		return ""
	case errors.Is(err, ErrMissing):
		return "missing"
	case errors.Is(err, ErrExpired):
		return "expired"
	case errors.Is(err, ErrRevoked):
		return "revoked"
	}
	return "invalid"
}

func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Cache-Control", "no-store")
	challenge, status := "", http.StatusUnauthorized
	sentence := "The access token is invalid; sign in again."
	switch {
	case errors.Is(err, ErrMissing):
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
