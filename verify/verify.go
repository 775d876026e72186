package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/internal/bearer"
	"github.com/gatehouse/gatehouse/internal/token"
)

// The errors of Verify and From; test with errors.Is. ErrExpired and ErrRevoked are returned only for a token whose
// signature is valid: the client should refresh it. ErrRevoked may also be of a personal access token that ended while
// it was in use; later it is ErrInvalid. ErrUnavailable means that tokens cannot be checked at the moment: try again.
// From alone returns ErrMissing: the request has no token.
var (
	ErrMissing     = bearer.ErrMissing
	ErrInvalid     = token.ErrInvalid
	ErrExpired     = token.ErrExpired
	ErrRevoked     = errors.New("token: revoked")
	ErrUnavailable = errors.New("tokens cannot be checked at the moment")
)

// Config configures a Verifier.
type Config struct {
	// Issuer is the iss of good tokens, compared byte for byte, and the address of the Gatehouse. Required.
	Issuer string
	// Audience is the aud of good tokens, compared byte for byte. Default "gatehouse". A token also has to have a
	// client_id, whose value is not compared: RFC 9068, section 4, asks resource servers for iss and aud alone.
	Audience string
	// JWKS is the address of the issuer's keys. Default Issuer + "/.well-known/jwks.json".
	JWKS string
	// Introspection is the address where the issuer is asked about personal access tokens, with the feed's token. Default
	// Issuer + "/introspect".
	Introspection string
	// Client sends requests to the issuer. Its CheckRedirect is replaced: redirects are not followed. Default: a client
	// with a time-out of five seconds.
	Client *http.Client
	// Clock returns the time, for tokens and for the age of keys and heartbeats. Default time.Now, whose monotonic
	// reading keeps ages right when the wall clock is set; a clock of your own should have it too.
	Clock func() time.Time
	// Log gets a line when keys, the feed or introspection are lost, and when they are back. Default slog.Default().
	Log *slog.Logger
	// Revocations configures the feed of ended sessions, which Run reads. Default nil: tokens are valid until they
	// expire.
	Revocations *Feed
	// PersonalAccessTokens lets in personal access tokens too, which the issuer is asked about (RFC 7662). Its answer is
	// cached: for a minute, or for five seconds when the token cannot be used. They act for a user only as far as their
	// Scopes go: a service that does not ask HasScope would give them everything. Default: they are refused. Requires
	// Revocations, which ends them meanwhile.
	PersonalAccessTokens bool
}

// Verifier checks access tokens. It may be used concurrently.
type Verifier struct {
	tokens *token.Verifier
	keys   *keys
	feed   *feedClient // nil: none was configured

	introspector *introspector // nil: personal access tokens are refused

	log    *slog.Logger
	issuer string

	wrongIssuer sync.Once // logs the first token of another issuer
}

// New checks the configuration. It sends no request: the keys are fetched when the first token is checked.
func New(c Config) (*Verifier, error) {
	c.Audience = cmp.Or(c.Audience, "gatehouse")
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	base := strings.TrimSuffix(c.Issuer, "/")
	c.JWKS = cmp.Or(c.JWKS, base+"/.well-known/jwks.json")
	c.Introspection = cmp.Or(c.Introspection, base+"/introspect")
	if err := errors.Join(checkURL("Issuer", c.Issuer), checkURL("JWKS", c.JWKS),
		checkURL("Introspection", c.Introspection)); err != nil {
		return nil, err
	}
	v := &Verifier{log: c.Log, issuer: c.Issuer}
	v.keys = &keys{url: c.JWKS, client: noRedirects(c.Client), now: c.Clock, log: c.Log}
	if c.Revocations != nil {
		var err error
		if v.feed, err = newFeedClient(*c.Revocations, base, c, v.keys.restrict); err != nil {
			return nil, err
		}
	}
	if c.PersonalAccessTokens {
		if c.Revocations == nil {
			return nil, errors.New("verify.Config: PersonalAccessTokens needs Revocations, which says which have ended; " +
				"configure it")
		}
		v.introspector = newIntrospector(c)
	}
	var err error
	v.tokens, err = token.NewVerifier(token.VerifierConfig{
		Find: v.keys.find, Issuer: c.Issuer, Audience: c.Audience, Clock: c.Clock,
	})
	return v, err
}

// Run reads the feed until the context ends, and returns the context's error. Until Run is called, a Verifier with
// Revocations returns ErrUnavailable; without Revocations, Run only waits.
func (v *Verifier) Run(ctx context.Context) error {
	if v.feed != nil {
		v.feed.run(ctx)
	}
	<-ctx.Done()
	return ctx.Err()
}

// Verify returns an access token, or one of the four errors. It waits for the issuer only when there are no usable
// keys, or none with the token's kid, or no cached answer about a personal access token: for five seconds at most, and
// never beyond the context.
func (v *Verifier) Verify(ctx context.Context, text string) (*Token, error) {
	if v.introspector != nil && strings.HasPrefix(text, token.PersonalPrefix) {
		return v.verifyPersonal(ctx, text)
	}
	if err := v.keys.ensure(ctx); err != nil {
		return nil, err
	}
	claims, err := v.tokens.Verify(text)
	if errors.Is(err, token.ErrNoKey) {
		if err := v.keys.renew(ctx); err != nil {
			return nil, err
		}
		claims, err = v.tokens.Verify(text)
	}
	if err != nil {
		v.logWrongIssuer(ctx, err)
		return nil, err
	}
	if v.feed != nil {
		if claims.Roles, err = v.feed.check(claims); err != nil {
			return nil, err
		}
	}
	return &Token{
		UserID: claims.UserID, SessionID: claims.SessionID, ID: claims.ID,
		AuthTime: claims.AuthenticatedAt, AMR: claims.AMR.List(), IssuedAt: claims.IssuedAt, ExpiresAt: claims.ExpiresAt,
		Roles: claims.Roles, Scopes: claims.Scopes,
	}, nil
}

// logWrongIssuer logs that a token whose signature is valid names another issuer: one of the two programs is configured
// wrongly, and every token is refused. Other clients cannot cause it.
func (v *Verifier) logWrongIssuer(ctx context.Context, err error) {
	if other, ok := errors.AsType[token.IssuerError](err); ok {
		v.wrongIssuer.Do(func() {
			v.log.WarnContext(ctx, "a token has a valid signature and another issuer; make Config.Issuer and "+
				"GATEHOUSE_ISSUER the same, byte for byte", "issuer", other.Issuer, "configured", v.issuer)
		})
	}
}

func unavailable(reason string) error { return fmt.Errorf("%w: %s", ErrUnavailable, reason) }

// checkURL accepts http and https only.
func checkURL(field, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("verify.Config: %s is %q; write an address like https://id.example.org", field, address)
	}
	return nil
}

// noRedirects returns a copy of the client that follows none: keys come from the configured address, or not at all.
func noRedirects(client *http.Client) *http.Client {
	own := http.Client{Timeout: fetchTimeout}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}
