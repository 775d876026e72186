package token

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// aSchedule has three keys: the old one ends an hour from now, the next one signs in ten minutes, and the last one,
// whose end is not known, in two hours.
func aSchedule() []Scheduled {
	keys := testKeys()
	return []Scheduled{
		{Key: keys["RS256"], SignsAt: theTime.Add(2 * time.Hour)},
		{Key: keys["EdDSA"], SignsAt: theTime.Add(-time.Hour), EndsAt: theTime.Add(time.Hour)},
		{Key: keys["ES256"], SignsAt: theTime.Add(10 * time.Minute), EndsAt: theTime.Add(3 * time.Hour)},
	}
}

// At each moment that matters: which key signs, which verify, and which are published.
func TestKeys_ChangeAtTheirTimes(t *testing.T) {
	keys := must(NewKeys(aSchedule()...))
	for _, c := range []struct {
		after               time.Duration
		signs               string
		verifies, published []string
	}{
		{-2 * time.Hour, "EdDSA", []string{"EdDSA"}, []string{"EdDSA", "ES256", "RS256"}}, // nothing has begun
		{0, "EdDSA", []string{"EdDSA"}, []string{"EdDSA", "ES256", "RS256"}},
		{9*time.Minute + 29*time.Second, "EdDSA", []string{"EdDSA"}, []string{"EdDSA", "ES256", "RS256"}},
		{9*time.Minute + 30*time.Second, "EdDSA", []string{"EdDSA", "ES256"}, []string{"EdDSA", "ES256", "RS256"}},
		{10*time.Minute - 1, "EdDSA", []string{"EdDSA", "ES256"}, []string{"EdDSA", "ES256", "RS256"}},
		{10 * time.Minute, "ES256", []string{"EdDSA", "ES256"}, []string{"ES256", "EdDSA", "RS256"}},
		{time.Hour - 1, "ES256", []string{"EdDSA", "ES256"}, []string{"ES256", "EdDSA", "RS256"}},
		{time.Hour, "ES256", []string{"ES256"}, []string{"ES256", "RS256"}},
		{2 * time.Hour, "RS256", []string{"ES256", "RS256"}, []string{"RS256", "ES256"}},
		{3 * time.Hour, "RS256", []string{"RS256"}, []string{"RS256"}},
		{300 * time.Hour, "RS256", []string{"RS256"}, []string{"RS256"}},
	} {
		now := theTime.Add(c.after)
		if key := keys.Signing(now); key.Algorithm() != c.signs {
			t.Errorf("%v after: %s signs, want %s", c.after, key.Algorithm(), c.signs)
		}
		for algorithm, key := range testKeys() {
			found, want := keys.find(key.ID(), now) != nil, slices.Contains(c.verifies, algorithm)
			testenv.Equal(t, want, found, "%v after: %s verifies", c.after, algorithm)
		}
		var set struct{ Keys []struct{ Alg string } }
		check(t, json.Unmarshal(keys.JWKS(now), &set))
		var shown []string
		for _, k := range set.Keys {
			shown = append(shown, k.Alg)
		}
		if !slices.Equal(shown, c.published) {
			t.Errorf("%v after: %v are published, want %v", c.after, shown, c.published)
		}
	}
}

func TestKeys_AllEndedIssuesNothing(t *testing.T) {
	f := newForger("EdDSA")
	ended := Scheduled{Key: f.key, EndsAt: theTime}
	check(t, f.issuer.config.Keys.Replace(ended))
	claims := Claims{UserID: theUser, SessionID: theSession, AuthenticatedAt: theTime.Add(-time.Hour)}
	if text, err := f.issuer.Issue(claims); err == nil {
		t.Errorf("issued %s", text)
	}
	testenv.Equal(t, `{"keys":[]}`, string(f.issuer.config.Keys.JWKS(theTime)), "published")
	f.now = theTime.Add(-1)
	if _, err := f.issuer.Issue(claims); err != nil {
		t.Errorf("the positive control, a moment before: %v", err)
	}
}

// The key of an instance whose clock is behind signs, though it has not begun, and its tokens are good.
func TestKeys_LoneKeySignsBeforeItsTime(t *testing.T) {
	f := newForger("EdDSA")
	check(t, f.issuer.config.Keys.Replace(Scheduled{Key: f.key, SignsAt: theTime.Add(time.Hour)}))
	text := must(f.issuer.Issue(theClaims))
	if _, err := f.issuer.Verify(text); err != nil {
		t.Error(err)
	}
}

func TestJWKS_HasPublicKeysOnly(t *testing.T) {
	keys := must(NewKeys(aSchedule()...))
	var set struct{ Keys []map[string]string }
	check(t, json.Unmarshal(keys.JWKS(theTime), &set))
	want := map[string][]string{
		"EdDSA": {"crv", "x"}, "ES256": {"crv", "x", "y"}, "RS256": {"e", "n"},
	}
	if len(set.Keys) != 3 || set.Keys[0]["kid"] != keys.Signing(theTime).ID() {
		t.Fatalf("%s", keys.JWKS(theTime))
	}
	for _, k := range set.Keys {
		names := append(want[k["alg"]], "alg", "kid", "kty", "use")
		for _, name := range names {
			if k[name] == "" {
				t.Errorf("%s has no %s", k["alg"], name)
			}
		}
		if len(k) != len(names) || k["use"] != "sig" || k["kid"] != testKeys()[k["alg"]].ID() {
			t.Errorf("%v", k)
		}
	}
	keys.JWKS(theTime)[0] = 'x'
	testenv.Equal(t, '{', keys.JWKS(theTime)[0], "the set, into which a caller has written")
}

func TestKeys_BrokenScheduleIsRefusedAndTheOldOneStays(t *testing.T) {
	a, b := testKeys()["EdDSA"].WithoutSchedule(), testKeys()["ES256"].WithoutSchedule()
	if _, err := NewKeys(a, b); err != nil {
		t.Fatalf("the positive control: %v", err)
	}
	for name, keys := range map[string][]Scheduled{
		"no key": {}, "an element without a key": {b, {}}, "a key twice": {b, b},
		"a key twice, at other times": {b, {Key: b.Key, SignsAt: theTime}},
	} {
		old := must(NewKeys(a))
		if _, err := NewKeys(keys...); err == nil {
			t.Errorf("%s: is taken", name)
		}
		if err := old.Replace(keys...); err == nil || old.Signing(theTime) != a.Key {
			t.Errorf("%s: %v, and %v signs", name, err, old.Signing(theTime))
		}
	}
}

func TestKeys_KeyVerifiesWhileItIsScheduled(t *testing.T) {
	f := newForger("EdDSA")
	ofOld, ofNew := f.valid(), newForger("ES256").valid()
	next, keys := testKeys()["ES256"], f.issuer.config.Keys
	later := Scheduled{Key: next, SignsAt: theTime.Add(time.Hour)}
	for _, step := range []struct {
		name     string
		schedule []Scheduled
		old, new error
	}{
		{"before", []Scheduled{f.key.WithoutSchedule()}, nil, ErrNoKey},
		{"published ahead", []Scheduled{f.key.WithoutSchedule(), later}, nil, ErrNoKey},
		{"overlapping", []Scheduled{f.key.WithoutSchedule(), {Key: next, SignsAt: theTime}}, nil, nil},
		{"ended", []Scheduled{{Key: f.key, EndsAt: theTime}, next.WithoutSchedule()}, ErrNoKey, nil},
		{"removed", []Scheduled{next.WithoutSchedule()}, ErrNoKey, nil},
		{"back", []Scheduled{next.WithoutSchedule(), f.key.WithoutSchedule()}, nil, nil},
	} {
		check(t, keys.Replace(step.schedule...))
		for range 2 { // the second time, both tokens were seen before
			if _, err := f.issuer.Verify(ofOld); !errors.Is(err, step.old) {
				t.Errorf("%s: a token of the old key: %v", step.name, err)
			}
			if _, err := f.issuer.Verify(ofNew); !errors.Is(err, step.new) {
				t.Errorf("%s: a token of the new key: %v", step.name, err)
			}
		}
		issued := must(f.issuer.Issue(theClaims))
		if _, err := f.issuer.Verify(issued); err != nil {
			t.Errorf("%s: a token issued now: %v", step.name, err)
		}
	}
}

func TestKeys_AreReplacedWhileInUse(t *testing.T) {
	f := newForger("EdDSA")
	keys, old, next := f.issuer.config.Keys, f.key.WithoutSchedule(), testKeys()["ES256"].WithoutSchedule()
	begun := Scheduled{Key: next.Key, SignsAt: theTime}
	stop := time.Now().Add(200 * time.Millisecond)
	var all sync.WaitGroup
	all.Go(func() {
		for time.Now().Before(stop) {
			if err := errors.Join(keys.Replace(begun, old), keys.Replace(old, next)); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2 {
		all.Go(func() {
			for time.Now().Before(stop) {
				text, err := f.issuer.Issue(theClaims)
				if err == nil {
					_, err = f.issuer.Verify(text)
				}
				if err != nil || len(keys.JWKS(theTime)) == 0 {
					t.Errorf("%v", err)
				}
			}
		})
	}
	all.Wait()
}

// The tokens are right in every way and signed by the very key that their kid names, but it is not one that may sign
// now.
func TestKeys_OnlyCurrentKeysVerify(t *testing.T) {
	f := newForger("EdDSA")
	overlapping, next, removed := newForger("ES256"), newForger("RS256"), f.another()
	ended, foreign := f.another(), f.another()
	keys := f.issuer.config.Keys
	check(t, keys.Replace(f.key.WithoutSchedule(), removed.key.WithoutSchedule()))
	if _, err := f.issuer.Verify(removed.valid()); err != nil {
		t.Fatalf("before it is removed: %v", err)
	}
	check(t, keys.Replace(
		Scheduled{Key: ended.key, SignsAt: theTime.Add(-3 * time.Hour), EndsAt: theTime},
		Scheduled{Key: overlapping.key, SignsAt: theTime.Add(-2 * time.Hour), EndsAt: theTime.Add(1)},
		Scheduled{Key: f.key, SignsAt: theTime.Add(-time.Hour)},
		Scheduled{Key: next.key, SignsAt: theTime.Add(Leeway + 1)},
	))
	tokens := refreshTokens()
	ofRefresh := f.header().with("alg", `"HS256"`).with("kid", `"refresh tag"`)
	f.run(t, []attempt{
		{"the old key, inside the overlap", overlapping.valid(), nil},
		{"the next key, before activation", next.valid(), ErrNoKey},
		{"a key removed from the set", removed.valid(), ErrNoKey},
		{"a retired key", ended.valid(), ErrNoKey},
		{"another instance's key", foreign.valid(), ErrNoKey},
		{"another purpose's key", f.keyed(ofRefresh, jwt.SigningMethodHS256, tokens.keys[0].tagKey), ErrInvalid},
		{"our key under the next one's kid", f.headed(f.header().with("kid", `"`+next.key.ID()+`"`)), ErrNoKey},
		{"our key under the overlapping one's kid", f.headed(f.header().with("kid",
			`"`+overlapping.key.ID()+`"`)), ErrInvalid},
	})
	f.now = theTime.Add(1)
	f.run(t, []attempt{
		{"the next key, its tokens as far ahead as a clock may be", next.valid(), nil},
		{"the old key, after the overlap", overlapping.valid(), ErrNoKey},
	})
}
