package verify

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/token"
)

// TestOptional_LetsEveryRequestInWithItsTokenOrTheReason tries every kind of credential. The answer is always the
// handler's own.
func TestOptional_LetsEveryRequestInWithItsTokenOrTheReason(t *testing.T) {
	g := newGatehouse(t)
	past := g.claims()
	past.IssuedAt = g.clock.now().Add(-time.Hour)
	past.AuthenticatedAt = past.IssuedAt
	ended := g.issueFor(uuid.New())
	following := g.following()
	wantSoon(t, following, ended, nil)
	g.sendEnded(must(following.Verify(t.Context(), ended)).SessionID)
	wantSoon(t, following, ended, ErrRevoked)
	good := "Bearer " + g.issue()
	without := g.service(func(c *Config) { c.JWKS = g.URL + "/nothing" })
	for name, c := range map[string]struct {
		v       *Verifier
		headers []string
		reason  string
		is      error
	}{
		"a token":        {g.plain(), []string{good}, "", nil},
		"nothing":        {g.plain(), nil, "missing", ErrMissing},
		"an expired one": {g.plain(), []string{"Bearer " + g.issueBy(g.issuer, past)}, "expired", ErrExpired},
		"a bad one":      {g.plain(), []string{"Bearer a.b.c"}, "invalid", ErrInvalid},
		"another scheme": {g.plain(), []string{"Basic YTpi"}, "invalid", ErrInvalid},
		"two headers":    {g.plain(), []string{good, good}, "invalid", ErrInvalid},
		"a revoked one":  {following, []string{"Bearer " + ended}, "revoked", ErrRevoked},
		"an unknown one": {without, []string{good}, "", ErrUnavailable},
	} {
		var found *Token
		var err error
		h := c.v.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { found, err = From(r.Context()) }))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Authorization"] = c.headers
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("%s: it wrote %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		if !errors.Is(err, c.is) || reasonIn(err) != c.reason || found.SignedIn() != (c.is == nil) {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	_, err := From(context.Background())
	if err == nil || reasonIn(err) != "" || !strings.Contains(err.Error(), "Optional") {
		t.Errorf("a request that passed no middleware: %v", err)
	}
}

// reasonIn asks an error as package authz does.
func reasonIn(err error) string {
	var why interface{ Reason() string }
	if errors.As(err, &why) {
		return why.Reason()
	}
	return ""
}

// TestToken_IsAskedForWhatItHas also when there is none.
func TestToken_IsAskedForWhatItHas(t *testing.T) {
	at := time.Unix(1, 0)
	for _, found := range []*Token{nil, {Roles: []string{"ADMIN"}, Scopes: []string{"read"}, AuthTime: at,
		AMR: []string{"pwd", "mfa"}}} {
		in := found != nil
		if found.SignedIn() != in || found.HasRole("ADMIN") != in || found.HasScope("read") != in ||
			found.AuthenticatedAt().Equal(at) != in || found.MFA() != in ||
			found.HasRole("USER") || found.HasScope("write") {
			t.Errorf("%v: %v, %v, %v", found, found.SignedIn(), found.AuthenticatedAt(), found.MFA())
		}
	}
}

// TestVerify_LogsAWrongIssuerOnceWithBothNames: the keys are the configured Gatehouse's, and its name is not.
func TestVerify_LogsAWrongIssuerOnceWithBothNames(t *testing.T) {
	g := newGatehouse(t)
	v := g.plain()
	other := g.another(token.Config{Issuer: "https://id.example.org"})
	forged := g.another(token.Config{Issuer: "https://evil.example", Keys: lone(newKey())})
	want(t, v, g.issueBy(forged, g.claims()), ErrInvalid)
	if strings.Contains(g.log.String(), "another issuer") {
		t.Errorf("a signature that is not valid can write it:\n%s", g.log)
	}
	for range 3 {
		want(t, v, g.issueBy(other, g.claims()), ErrInvalid)
	}
	want(t, v, g.issue(), nil)
	text := g.log.String()
	if strings.Count(text, "another issuer") != 1 || !strings.Contains(text, "issuer=https://id.example.org") ||
		!strings.Contains(text, "configured="+g.URL) {
		t.Errorf("the log:\n%s", text)
	}
}
