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
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/token"
)

// The answers of Verify that are not a token; test with errors.Is. Expired and Revoked are said only of a token whose
// signature held, and mean: refresh. Unavailable means that nobody can tell at the moment: ask again.
var (
	ErrInvalid     = token.ErrInvalid
	ErrExpired     = token.ErrExpired
	ErrRevoked     = errors.New("token: revoked")
	ErrUnavailable = errors.New("tokens cannot be checked at the moment")
)

// Config is what a Verifier is made of.
type Config struct {
	// Issuer is the iss of good tokens, compared byte for byte, and the address of the Gatehouse. Required.
	Issuer string
	// Audience is the aud of good tokens, compared byte for byte. Default "gatehouse".
	Audience string
	// JWKS is the address of the issuer's keys. Default Issuer + "/.well-known/jwks.json".
	JWKS string
	// Client asks the issuer. It follows no redirects, whatever it was told. Default: gives up after five seconds.
	Client *http.Client
	// Clock judges times, and how old keys and news are. Default time.Now, whose monotonic reading keeps ages right
	// when the wall clock is set; a clock of your own should keep it too.
	Clock func() time.Time
	// Log is told when keys or news are lost, and when they are back. Default slog.Default().
	Log *slog.Logger
	// Revocations asks for the feed of ended sessions, which Run reads. Default nil: tokens are good until they expire.
	Revocations *Feed
}

// Token is an access token that is good now. It is the caller's own: nobody else sees what is written into it.
type Token struct {
	UserID          uuid.UUID // sub
	SessionID       uuid.UUID // sid
	ID              string    // jti
	Roles           []string  // roles; with the feed, those that the user has now
	Scopes          []string
	AuthenticatedAt time.Time // auth_time: when the user last proved who they are
	IssuedAt        time.Time // iat
	ExpiresAt       time.Time // exp
}

// Verifier checks access tokens. It may be used concurrently.
type Verifier struct {
	tokens *token.Verifier
	keys   *keys
	feed   *feed // nil: none was asked for
	log    *slog.Logger
}

// New checks the configuration. It asks nobody: the keys are fetched when the first token is checked.
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
	if err := errors.Join(checkURL("Issuer", c.Issuer), checkURL("JWKS", c.JWKS)); err != nil {
		return nil, err
	}
	v := &Verifier{log: c.Log}
	v.keys = &keys{url: c.JWKS, client: stubborn(c.Client), now: c.Clock, log: c.Log}
	if c.Revocations != nil {
		var err error
		if v.feed, err = newFeed(*c.Revocations, base, c, v.keys.tell); err != nil {
			return nil, err
		}
	}
	var err error
	v.tokens, err = token.NewVerifier(token.VerifierConfig{
		Find: v.keys.find, Issuer: c.Issuer, Audience: c.Audience, Clock: c.Clock,
	})
	return v, err
}

// Run reads the feed until the context ends, and returns its error. Until Run is called, a Verifier with Revocations is
// unavailable; without Revocations, Run has nothing to do but to wait.
func (v *Verifier) Run(ctx context.Context) error {
	if v.feed != nil {
		v.feed.run(ctx)
	}
	<-ctx.Done()
	return ctx.Err()
}

// Verify returns an access token, or one of the four errors. It waits for the issuer only where no usable keys are
// there, or the kid is of a key that is not: for five seconds at most, and never beyond the context.
func (v *Verifier) Verify(ctx context.Context, text string) (*Token, error) {
	if err := v.keys.ready(ctx); err != nil {
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
		return nil, err
	}
	if v.feed != nil {
		if claims.Roles, err = v.feed.judge(claims); err != nil {
			return nil, err
		}
	}
	return &Token{
		UserID: claims.UserID, SessionID: claims.SessionID, ID: claims.ID, Roles: claims.Roles, Scopes: claims.Scopes,
		AuthenticatedAt: claims.AuthenticatedAt, IssuedAt: claims.IssuedAt, ExpiresAt: claims.ExpiresAt,
	}, nil
}

func unavailable(why string) error { return fmt.Errorf("%w: %s", ErrUnavailable, why) }

// checkURL holds an address to the two schemes that are spoken here.
func checkURL(field, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("verify.Config: %s is %q; write an address like https://id.example.org", field, address)
	}
	return nil
}

// stubborn returns the client with no redirects: keys are had from the address that was configured, or not at all.
func stubborn(client *http.Client) *http.Client {
	own := http.Client{Timeout: patience}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}
