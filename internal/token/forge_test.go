package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

var (
	theTime    = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	theUser    = uuid.MustParse("0197c1b0-0000-7000-8000-0000000000ab")
	theSession = uuid.MustParse("0197c1b0-0000-7000-8000-0000000000cd")
	theClaims  = Claims{UserID: theUser, SessionID: theSession, AuthenticatedAt: theTime}
)

const (
	theIssuer   = "https://id.example.org"
	theAudience = "gatehouse"
)

// testKeys has one key of each algorithm; drawing an RSA key is slow, so it is done once. The Ed25519 key is always the
// same, so that a fuzzer's corpus stays useful.
var testKeys = sync.OnceValue(func() map[string]*Key {
	keys := map[string]*Key{}
	for _, draw := range []func() (any, error){
		func() (any, error) { return ed25519.NewKeyFromSeed(rawSecret), nil },
		func() (any, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		func() (any, error) { return rsa.GenerateKey(rand.Reader, 2048) },
	} {
		k := must(newKey(must(draw())))
		keys[k.Algorithm()] = k
	}
	return keys
})

// forger writes tokens of every kind, right and wrong, for one issuer.
type forger struct {
	now     time.Time
	key     *Key
	issuer  *Issuer
	control string // a good token
}

func newForger(algorithm string) *forger {
	f := &forger{now: theTime, key: testKeys()[algorithm]}
	f.issuer = must(NewIssuer(Config{
		Keys: must(NewKeys(f.key.WithoutSchedule())), Issuer: theIssuer, Audience: theAudience,
		Clock: func() time.Time { return f.now },
	}))
	f.control = f.valid()
	return f
}

// another forges for the same issuer with a new Ed25519 key.
func (f *forger) another() *forger {
	return &forger{now: f.now, key: must(GenerateKey(EdDSA)), issuer: f.issuer}
}

// members is a JSON object as text, one member an element, so that it can be wrong in any way.
type members []string

func (m members) String() string { return "{" + strings.Join(m, ",") + "}" }

// with puts a raw value in the place of a member's.
func (m members) with(name, raw string) members {
	return append(m.without(name), `"`+name+`":`+raw)
}

func (m members) without(name string) members {
	var rest members
	for _, member := range m {
		if !strings.HasPrefix(member, `"`+name+`":`) {
			rest = append(rest, member)
		}
	}
	return rest
}

// and adds members as they are, even a second of the same name; before puts them in front.
func (m members) and(more ...string) members    { return append(append(members{}, m...), more...) }
func (m members) before(more ...string) members { return append(append(members{}, more...), m...) }

func (f *forger) header() members {
	return members{`"alg":"` + f.key.Algorithm() + `"`, `"kid":"` + f.key.ID() + `"`, `"typ":"at+jwt"`}
}

// payload is of a token that was issued a minute ago and lives for another nine.
func (f *forger) payload() members {
	return members{
		`"iss":"` + theIssuer + `"`, `"aud":"` + theAudience + `"`,
		`"sub":"` + theUser.String() + `"`, `"sid":"` + theSession.String() + `"`,
		`"iat":1782907140`, `"nbf":1782907140`, `"exp":1782907740`, `"jti":"of-this-token"`,
		`"auth_time":1782900000`, `"roles":["USER"]`, `"scope":"read"`, `"client_id":"` + theAudience + `"`,
		`"amr":["pwd"]`, `"acr":"aal1"`,
	}
}

// signText signs two segments as they are.
func (f *forger) signText(header, payload string) string {
	return f.signAs(f.key.public.method, f.key.private, header+"."+payload)
}

func (f *forger) signAs(method jwt.SigningMethod, key any, input string) string {
	return input + "." + base64url.EncodeToString(must(method.Sign(input, key)))
}

// sign signs any two texts as header and payload, with the right key.
func (f *forger) sign(header, payload string) string {
	return f.signText(encode(header), encode(payload))
}

func (f *forger) valid() string { return f.sign(f.header().String(), f.payload().String()) }

// headed and claiming sign a token of which only one half is out of the ordinary.
func (f *forger) headed(header members) string { return f.sign(header.String(), f.payload().String()) }
func (f *forger) claiming(payload members) string {
	return f.sign(f.header().String(), payload.String())
}

// keyed writes a token with any header, method and key, and the usual payload.
func (f *forger) keyed(header members, method jwt.SigningMethod, key any) string {
	return f.signAs(method, key, encode(header.String())+"."+encode(f.payload().String()))
}

// attempt is one token and what Verify must return.
type attempt struct {
	name, text string
	want       error // nil: it is accepted
}

func (f *forger) run(t *testing.T, attempts []attempt) {
	t.Helper()
	for _, a := range attempts {
		f.try(t, a.name, a.text, a.want)
	}
}

// refuse makes attempts that end with ErrInvalid.
func (f *forger) refuse(t *testing.T, texts map[string]string) {
	t.Helper()
	for name, text := range texts {
		f.try(t, name, text, ErrInvalid)
	}
}

// try makes one attempt. Before it, the positive control must pass, which is the token without the change.
func (f *forger) try(t *testing.T, name, text string, want error) {
	t.Helper()
	t.Run(f.key.Algorithm()+"/"+name, func(t *testing.T) {
		if _, err := f.issuer.Verify(f.control); err != nil {
			t.Fatalf("the positive control is refused: %v", err)
		}
		claims, err := f.issuer.Verify(text)
		if !errors.Is(err, want) {
			t.Fatalf("Verify = %v, want %v", err, want)
		}
		if err != nil && claims.UserID != uuid.Nil {
			t.Error("a refused token still has claims")
		}
		if err == nil && (claims.UserID != theUser || claims.SessionID != theSession) {
			t.Errorf("accepted as %v", claims)
		}
		keepsQuiet(t, err, text)
	})
}

func encode(text string) string { return base64url.EncodeToString([]byte(text)) }

// keepsQuiet holds an error to one line that repeats nothing of the token.
func keepsQuiet(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil {
		return
	}
	if strings.ContainsAny(err.Error(), "\r\n\x1b") || len(err.Error()) > 120 {
		t.Errorf("not a log line: %q", err)
	}
	for segment := range strings.SplitSeq(text, ".") {
		if plain, ok := decode(segment); len(segment) > 8 && strings.Contains(err.Error(), segment) ||
			ok && len(plain) > 8 && strings.Contains(err.Error(), string(plain)) {
			t.Errorf("%q repeats %q", err, segment)
		}
	}
}

func public(k *Key) crypto.PublicKey { return k.public.public }

// must returns a value without which a test cannot go on.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var check = testenv.Check
