package verify

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/token"
)

const (
	// introspectionTTL is how long the issuer's word about a personal access token is cached. The feed ends one before.
	introspectionTTL = time.Minute
	// maxIntrospected bounds the cache: of a few hundred bytes each.
	maxIntrospected = 10_000
	// maxIntrospecting bounds the requests to the issuer at a time. Who sends made-up tokens gets no more.
	maxIntrospecting = 16
	// maxIntrospectionLen bounds the issuer's answer, in bytes.
	maxIntrospectionLen = 64 << 10
)

// introspector asks the issuer about personal access tokens (RFC 7662).
type introspector struct {
	url, token string
	issuer     string
	client     *http.Client
	now        func() time.Time
	slots      chan struct{}

	mu    sync.Mutex
	known map[[sha256.Size]byte]introspected
}

// introspected is what the issuer said of a token that can be used.
type introspected struct {
	Token
	asked time.Time
}

func newIntrospector(c Config, base string) *introspector {
	return &introspector{url: base + "/introspect", token: c.Revocations.Token, issuer: c.Issuer, client: noRedirects(c.Client),
		now: c.Clock, slots: make(chan struct{}, maxIntrospecting), known: map[[sha256.Size]byte]introspected{}}
}

// introspect returns a personal access token that can be used, as far as the issuer said within introspectionTTL, or
// ErrInvalid. Whether it was revoked since, the feed says.
func (i *introspector) introspect(ctx context.Context, text string) (introspected, error) {
	if !token.LooksPersonal(text) {
		return introspected{}, fmt.Errorf("%w: not a personal access token", ErrInvalid)
	}
	key, now := sha256.Sum256([]byte(text)), i.now()
	i.mu.Lock()
	found, ok := i.known[key]
	i.mu.Unlock()
	if ok && age(now, found.asked) < introspectionTTL && now.Before(found.ExpiresAt) {
		return found, nil
	}
	found, err := i.ask(ctx, text, now)
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil {
		delete(i.known, key)
		return introspected{}, err
	}
	if len(i.known) >= maxIntrospected {
		clear(i.known)
	}
	i.known[key] = found
	return found, nil
}

func (i *introspector) ask(ctx context.Context, text string, now time.Time) (introspected, error) {
	select {
	case i.slots <- struct{}{}:
		defer func() { <-i.slots }()
	default:
		return introspected{}, unavailable("too many personal access tokens are checked at the same time")
	}
	body := strings.NewReader(url.Values{"token": {text}, "token_type_hint": {"access_token"}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url, body)
	if err != nil {
		return introspected{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Authorization", "Bearer "+i.token)
	response, err := i.client.Do(r)
	if err != nil {
		return introspected{}, unavailable("the issuer cannot be asked about a personal access token: " + err.Error())
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return introspected{}, unavailable(fmt.Sprintf("the issuer answered %d about a personal access token", response.StatusCode))
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxIntrospectionLen))
	if err != nil {
		return introspected{}, unavailable("the issuer's answer about a personal access token broke off: " + err.Error())
	}
	return i.read(answer, now)
}

// read reads the issuer's answer. One that lacks something is no token: it must not count for more than the issuer said.
func (i *introspector) read(answer []byte, now time.Time) (introspected, error) {
	var said struct {
		Active    bool      `json:"active"`
		Scope     string    `json:"scope"`
		ExpiresAt float64   `json:"exp"`
		Subject   uuid.UUID `json:"sub"`
		Issuer    string    `json:"iss"`
		ID        uuid.UUID `json:"jti"`
		Roles     []string  `json:"roles"`
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return introspected{}, unavailable("the issuer's answer about a personal access token is not JSON")
	}
	scopes := strings.Fields(said.Scope)
	switch {
	case !said.Active:
		return introspected{}, fmt.Errorf("%w: the issuer says that the personal access token cannot be used", ErrInvalid)
	case said.Issuer != i.issuer:
		return introspected{}, fmt.Errorf("%w: the issuer of the personal access token is %q", ErrInvalid, said.Issuer)
	case said.Subject == uuid.Nil || said.ID == uuid.Nil || len(scopes) == 0 || said.ExpiresAt <= 0 || said.ExpiresAt > maxDate:
		return introspected{}, errors.Join(ErrInvalid, errors.New("the issuer's answer about a personal access token lacks something"))
	}
	return introspected{Token{
		UserID: said.Subject, PersonalID: said.ID, ID: said.ID.String(), IssuedAt: now, ExpiresAt: numericDate(said.ExpiresAt),
		Roles: said.Roles, Scopes: scopes,
	}, now}, nil
}

// verifyPersonal is Verify for a personal access token.
func (v *Verifier) verifyPersonal(ctx context.Context, text string) (*Token, error) {
	found, err := v.introspector.introspect(ctx, text)
	if err != nil {
		return nil, err
	}
	t := found.Token
	t.Roles, err = v.feed.check(token.Claims{UserID: t.UserID, SessionID: t.PersonalID, IssuedAt: found.asked, Roles: t.Roles})
	if err != nil {
		return nil, err
	}
	t.Roles, t.Scopes = slices.Clone(t.Roles), slices.Clone(t.Scopes)
	return &t, nil
}
