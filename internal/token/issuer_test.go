package token

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestVerify_ReturnsWhatWasIssued(t *testing.T) {
	for _, algorithm := range algorithms {
		f := newForger(algorithm)
		said := Claims{
			UserID: theUser, SessionID: theSession, ID: "one", AuthenticatedAt: theTime.Add(-time.Hour),
			IssuedAt: theTime, ExpiresAt: theTime.Add(time.Minute), Roles: []string{"ADMIN", "USER"},
			Scopes: []string{"read", "write"},
		}
		read := must(f.issuer.Verify(must(f.issuer.Issue(said))))
		testenv.Equal(t, said, read, "%s", algorithm)
	}
}

func TestIssue_ZeroFieldsGetDefaults(t *testing.T) {
	f := newForger("EdDSA")
	now := theTime.Add(999 * time.Millisecond)
	f.now = now
	c := Claims{UserID: theUser, SessionID: theSession, AuthenticatedAt: now}
	explicit := c
	explicit.IssuedAt, explicit.ExpiresAt = now, now.Add(10*time.Minute)
	if _, err := f.issuer.Issue(explicit); err != nil {
		t.Errorf("an explicit ExpiresAt after the full TTL: %v", err)
	}
	ids := map[string]bool{}
	for range 100 {
		read := must(f.issuer.Verify(must(f.issuer.Issue(c))))
		ids[read.ID] = true
		if read.IssuedAt != theTime || read.ExpiresAt != theTime.Add(10*time.Minute) ||
			read.AuthenticatedAt != theTime {
			t.Fatalf("%v", read)
		}
	}
	testenv.Equal(t, 100, len(ids), "ids of 100 tokens")
}

// The form on the wire is a contract: other programs read it.
func TestIssue_WireFormatStays(t *testing.T) {
	f := newForger("EdDSA")
	claims := theClaims
	claims.ID, claims.AuthenticatedAt, claims.AMR = "one", theTime.Add(-time.Minute), Password.With(OneTimeCode)
	s := strings.Split(must(f.issuer.Issue(claims)), ".")
	header, _ := decode(s[0])
	payload, _ := decode(s[1])
	if want := `{"alg":"EdDSA","kid":"` + f.key.ID() + `","typ":"at+jwt"}`; string(header) != want {
		t.Errorf("header %s, want %s", header, want)
	}
	want := `{"acr":"aal2","amr":["pwd","otp","mfa"],"aud":"gatehouse","auth_time":1782907140,"client_id":"gatehouse","exp":1782907800,"iat":1782907200,` +
		`"iss":"https://id.example.org",` +
		`"jti":"one","nbf":1782907200,"roles":[],"sid":"` + theSession.String() + `","sub":"` +
		theUser.String() + `"}`
	testenv.Equal(t, want, string(payload), "payload")
}

func TestIssue_PlainGolangJWTVerifiesTheToken(t *testing.T) {
	for _, algorithm := range algorithms {
		f := newForger(algorithm)
		text := must(f.issuer.Issue(theClaims))
		_, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return public(f.key), nil },
			jwt.WithValidMethods([]string{algorithm}), jwt.WithStrictDecoding(), jwt.WithIssuer(theIssuer),
			jwt.WithAudience(theAudience), jwt.WithExpirationRequired(), jwt.WithTimeFunc(f.issuer.config.Clock))
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestVerify_TokenExpiresAtItsSecond(t *testing.T) {
	f := newForger("EdDSA")
	text := must(f.issuer.Issue(theClaims))
	for after, want := range map[time.Duration]error{
		-31 * time.Second: ErrInvalid, -30 * time.Second: nil, 0: nil,
		10*time.Minute - 1: nil, 10 * time.Minute: ErrExpired, 10*time.Minute + 1: ErrExpired,
		1000 * time.Hour: ErrExpired,
	} {
		f.now = theTime.Add(after)
		if _, err := f.issuer.Verify(text); !errors.Is(err, want) {
			t.Errorf("%v after: %v, want %v", after, err, want)
		}
	}
}

// GO-2024-3250: "expired" invites to refresh, so it must not be said of a token that anybody could have written.
func TestVerify_ExpiredIsReportedOnlyForTokensThatWereGood(t *testing.T) {
	f := newForger("EdDSA")
	past := f.payload().with("exp", at(-1))
	valid := f.claiming(past)
	f.try(t, "control", valid, ErrExpired)
	f.refuse(t, map[string]string{
		"a changed signature": valid[:len(valid)-4] + "AAAA",
		"another type":        f.sign(f.header().with("typ", `"JWT"`).String(), past.String()),
		"another issuer":      f.claiming(past.with("iss", `"x"`)),
		"another audience":    f.claiming(past.with("aud", `"x"`)),
		"no subject":          f.claiming(past.without("sub")),
		"a role as text":      f.claiming(past.with("roles", `"USER"`)),
		"a scope as array":    f.claiming(past.with("scope", `[]`)),
	})
}

func TestIssue_ClaimsThatVerifyWouldRefuseAreRefused(t *testing.T) {
	f := newForger("EdDSA")
	good := theClaims
	if _, err := f.issuer.Issue(good); err != nil {
		t.Fatalf("the positive control: %v", err)
	}
	for name, spoil := range map[string]func(*Claims){
		"no user":                 func(c *Claims) { c.UserID = uuid.Nil },
		"no session":              func(c *Claims) { c.SessionID = uuid.Nil },
		"never authenticated":     func(c *Claims) { c.AuthenticatedAt = time.Time{} },
		"authenticated later":     func(c *Claims) { c.AuthenticatedAt = theTime.Add(time.Minute) },
		"longer than the TTL":     func(c *Claims) { c.ExpiresAt = theTime.Add(10*time.Minute + time.Second) },
		"ends when it begins":     func(c *Claims) { c.ExpiresAt = theTime },
		"begins before the epoch": func(c *Claims) { c.IssuedAt = time.Unix(-86400, 0) },
		"begins in the year 9999": func(c *Claims) { c.IssuedAt = time.Unix(maxDate, 0) },
		"an id of 129 bytes":      func(c *Claims) { c.ID = strings.Repeat("a", 129) },
		"an empty role":           func(c *Claims) { c.Roles = []string{"USER", ""} },
		"a role not UTF-8":        func(c *Claims) { c.Roles = []string{"\xff"} },
		"an empty scope":          func(c *Claims) { c.Scopes = []string{""} },
		"a scope of two words":    func(c *Claims) { c.Scopes = []string{"read write"} },
		"too many roles":          func(c *Claims) { c.Roles = slices.Repeat([]string{"USER"}, 2001) },
	} {
		c := good
		spoil(&c)
		if text, err := f.issuer.Issue(c); err == nil {
			_, err = f.issuer.Verify(text)
			t.Errorf("%s: issued, and Verify says %v", name, err)
		}
	}
}

func TestIssue_WithoutRandomnessFails(t *testing.T) {
	f := newForger("EdDSA")
	f.issuer.config.Rand = strings.NewReader("short")
	if _, err := f.issuer.Issue(theClaims); err == nil {
		t.Error("an id came from nowhere")
	}
}

func TestNewIssuer_BadConfigurationIsRefused(t *testing.T) {
	keys := newForger("EdDSA").issuer.config.Keys
	good := Config{Keys: keys, Issuer: "a", Audience: "b"}
	if i, err := NewIssuer(good); err != nil || i.TTL() != 10*time.Minute {
		t.Fatalf("the positive control: %v", err)
	}
	for name, spoil := range map[string]func(*Config){
		"no keys":              func(c *Config) { c.Keys = nil },
		"empty keys":           func(c *Config) { c.Keys = &Keys{} },
		"no issuer":            func(c *Config) { c.Issuer = "" },
		"an issuer not UTF-8":  func(c *Config) { c.Issuer = "\xff" },
		"no audience":          func(c *Config) { c.Audience = "" },
		"a TTL below a second": func(c *Config) { c.TTL = time.Millisecond },
		"a broken TTL":         func(c *Config) { c.TTL = 1500 * time.Millisecond },
		"a negative TTL":       func(c *Config) { c.TTL = -time.Minute },
		"a TTL over a day":     func(c *Config) { c.TTL = MaxTTL + time.Second },
	} {
		c := good
		spoil(&c)
		if _, err := NewIssuer(c); err == nil {
			t.Errorf("%s: works", name)
		}
	}
}

// FuzzVerify holds two laws: no text makes it panic, and what passes is a text that this key signed, in one spelling.
func FuzzVerify(f *testing.F) {
	forger := newForger("EdDSA")
	valid := forger.valid()
	for _, seed := range []string{
		valid, valid + "=", strings.ToLower(valid), "..", "a.b.c", strings.Repeat("a.", 100), "", valid + "." + valid,
		forger.headed(forger.header().and(`"crit":["exp"]`)), forger.headed(forger.header().with("alg", `"none"`)),
		forger.claiming(forger.payload().with("exp", `1e400`)), forger.claiming(forger.payload().and(`"sub":null`)),
	} {
		f.Add(seed)
		if s := strings.Split(seed, "."); len(s) == 3 {
			for _, segment := range s[:2] {
				plain, _ := decode(segment)
				f.Add(string(plain))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		// As a complete token, and as a header or a payload that is signed.
		_, err := forger.issuer.Verify(text)
		keepsQuiet(t, err, text)
		if err == nil && text != valid {
			t.Errorf("%q passes", text)
		}
		for _, signed := range []string{
			forger.sign(text, forger.payload().String()), forger.sign(forger.header().String(), text),
		} {
			claims, err := forger.issuer.Verify(signed)
			keepsQuiet(t, err, signed)
			if err != nil && claims.UserID != uuid.Nil {
				t.Error("a refused token still has claims")
			}
			if err == nil &&
				(claims.UserID == uuid.Nil || claims.SessionID == uuid.Nil || !claims.ExpiresAt.After(theTime)) {
				t.Errorf("%s passes as %v", text, claims)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	f := newForger("EdDSA")
	measure := func(name, text string, want error, before func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				before()
				if _, err := f.issuer.Verify(text); !errors.Is(err, want) {
					b.Fatal(err)
				}
			}
		})
	}
	measure("unknown kid", f.headed(f.header().with("kid", `"x"`)), ErrInvalid, func() {})
	measure("a megabyte", strings.Repeat("a.", 1<<19), ErrInvalid, func() {})
	for _, algorithm := range algorithms {
		f = newForger(algorithm)
		measure(algorithm+"/seen before", f.control, nil, func() {})
		measure(algorithm+"/new", f.control, nil, f.issuer.cache.Clear)
	}
}

func BenchmarkIssue(b *testing.B) {
	for _, algorithm := range algorithms {
		f := newForger(algorithm)
		b.Run(algorithm, func(b *testing.B) {
			for b.Loop() {
				_ = must(f.issuer.Issue(theClaims))
			}
		})
	}
}

func TestIssuer_HasAClockAndRandomnessByDefault(t *testing.T) {
	keys := must(NewKeys(must(GenerateKey(EdDSA)).WithoutSchedule()))
	c := Config{Keys: keys, Issuer: "https://id.example.org", Audience: theAudience}
	i := must(NewIssuer(c))
	for _, c.TTL = range []time.Duration{time.Second, MaxTTL} {
		testenv.Equal(t, c.TTL, must(NewIssuer(c)).TTL(), "at a bound")
	}
	now := time.Now()
	text := must(i.Issue(Claims{UserID: theUser, SessionID: theSession, AuthenticatedAt: now, IssuedAt: now}))
	if got, err := i.Verify(text); err != nil || got.UserID != theUser {
		t.Errorf("%+v, %v", got, err)
	}
}
