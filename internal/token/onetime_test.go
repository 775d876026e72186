package token

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

const oneTimeSecret = "0123456789abcdefghijklmnopqrstuvwxyz"

func oneTimeTokens(secrets ...string) *OneTimeTokens {
	var all []*Secret
	for _, text := range secrets {
		all = append(all, must(ParseSecret(text)))
	}
	return must(NewOneTimeTokens(must(NewSecrets(all[0], all[1:]...))))
}

// A token is taken for its own purpose and no other; no bit of it can be changed, and no other text names it.
func TestOneTimeTokens_NameOnePurpose(t *testing.T) {
	k, user, id := oneTimeTokens(oneTimeSecret), uuid.New(), uuid.New()
	for _, purpose := range OneTimePurposes() {
		o := must(k.New(purpose, user, id))
		for _, other := range OneTimePurposes() {
			got, err := k.Parse(other, o.Text())
			testenv.Equal(t, other == purpose, err == nil, "a token of %s for %s", purpose, other)
			if err == nil && (got.User != user || got.ID != id || !got.Matches(o.Digest())) {
				t.Errorf("%v, want %v", got, o)
			}
			testenv.Equal(t, other == purpose, must(k.New(other, user, id)).Matches(o.Digest()), "the digest of %s for %s",
				purpose, other)
			testenv.Equal(t, other == purpose, must(k.New(other, user, id)).Code(id) == o.Code(id), "the code of %s for %s",
				purpose, other)
		}
		raw := must(base64.RawURLEncoding.DecodeString(o.Text()))
		for i := range raw {
			changed := slices.Clone(raw)
			changed[i] ^= 1
			if _, err := k.Parse(purpose, base64.RawURLEncoding.EncodeToString(changed)); !errors.Is(err, ErrInvalid) {
				t.Errorf("byte %d can be changed: %v", i, err)
			}
		}
		for _, text := range []string{"", o.Text()[1:], o.Text() + "A", o.Text() + "\n", strings.Repeat("*", 86)} {
			if _, err := k.Parse(purpose, text); !errors.Is(err, ErrInvalid) {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

// A token cannot be made for nobody, nor for a purpose that does not exist.
func TestOneTimeTokens_NeedAPurposeAUserAndAnID(t *testing.T) {
	k := oneTimeTokens(oneTimeSecret)
	for _, o := range []OneTime{{Purpose: VerifyEmail, ID: uuid.New()}, {Purpose: VerifyEmail, User: uuid.New()},
		{Purpose: "login", User: uuid.New(), ID: uuid.New()}} {
		if _, err := k.New(o.Purpose, o.User, o.ID); err == nil {
			t.Errorf("made: %v", o)
		}
	}
}

// A code is eight digits, another one for each token and each session.
func TestOneTimeTokens_CodesAreBoundToTheirSession(t *testing.T) {
	k, session := oneTimeTokens(oneTimeSecret), uuid.New()
	seen := map[string]bool{}
	for range 100 {
		o := must(k.New(VerifyEmail, uuid.New(), uuid.New()))
		code := o.Code(session)
		if len(code) != 8 || strings.Trim(code, "0123456789") != "" || !o.IsCode(session, code) || o.IsCode(uuid.New(), code) {
			t.Errorf("the code %q", code)
		}
		seen[code] = true
	}
	if len(seen) < 99 {
		t.Errorf("%d of 100 codes differ", len(seen))
	}
}

// While the secret is rotated, what the former one made is read, and sent again as it was.
func TestOneTimeTokens_OutliveTheirSecret(t *testing.T) {
	const another = "another secret of a test, of 32 bytes or more"
	former, both := oneTimeTokens(oneTimeSecret), oneTimeTokens(another, oneTimeSecret)
	o := must(former.New(ResetAccess, uuid.New(), uuid.New()))
	again, ok := both.Stored(ResetAccess, o.User, o.ID, o.Digest())
	if !ok || again.Text() != o.Text() || again.Code(o.ID) != o.Code(o.ID) {
		t.Errorf("%v, %v", again, ok)
	}
	parsed, err := both.Parse(ResetAccess, o.Text())
	testenv.Check(t, err)
	testenv.Equal(t, true, parsed.Matches(o.Digest()), "the digest matches")
	only := oneTimeTokens(another)
	_, ok = only.Stored(ResetAccess, o.User, o.ID, o.Digest())
	_, err = only.Parse(ResetAccess, o.Text())
	if ok || !errors.Is(err, ErrInvalid) {
		t.Errorf("with another secret: %v, %v", ok, err)
	}
}

// Printing a token shows neither its text nor its tag.
func TestOneTime_PrintsNoSecret(t *testing.T) {
	o := must(oneTimeTokens(oneTimeSecret).New(VerifyEmail, uuid.New(), uuid.New()))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if text := fmt.Sprintf(verb, o); text != fmt.Sprintf("token.OneTime(verify, %s)", o.ID) {
			t.Errorf("%s: %s", verb, text)
		}
	}
}
