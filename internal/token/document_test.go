package token

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestSignDocument_IsNoTokensSignature, and a token's is no document's, for each algorithm.
func TestSignDocument_IsNoTokensSignature(t *testing.T) {
	for algorithm, key := range testKeys() {
		keys := must(NewKeys(key.WithoutSchedule()))
		issuer := must(NewIssuer(Config{Keys: keys, Issuer: "https://id.example.org", Audience: "a"}))
		text := must(issuer.Issue(Claims{UserID: uuid.New(), SessionID: uuid.New(), AuthenticatedAt: time.Now()}))
		if _, err := issuer.Verify(text); err != nil {
			t.Errorf("%s: the control: %v", algorithm, err)
		}
		end := strings.LastIndex(text, ".")
		input := []byte(text[:end])
		signature := must(key.SignDocument(input))
		if _, err := issuer.Verify(text[:end+1] + base64url.EncodeToString(signature)); err == nil {
			t.Errorf("%s: the signature of a document makes a token", algorithm)
		}
		of, _ := decode(text[end+1:])
		public := must(ParsePublicKey(key.Public().JWKS()))
		if public.VerifyDocument(input, of) == nil || public.VerifyDocument(input[1:], signature) == nil {
			t.Errorf("%s: the signature of a token, or of another document, is a document's", algorithm)
		}
		if err := public.VerifyDocument(input, signature); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		now, former := time.Now(), Scheduled{Key: key, EndsAt: time.Now().Add(-time.Hour)}
		if err := keys.VerifyDocument(input, signature, now); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		if keys.VerifyDocument(input, of, now) == nil || must(NewKeys(former)).VerifyDocument(input, signature, now) == nil {
			t.Errorf("%s: the signature of a token, or of a key that has ended, is a document's", algorithm)
		}
		if !keys.Verifies(key.ID(), time.Now()) || keys.Verifies("another", time.Now()) {
			t.Errorf("%s: which key verifies", algorithm)
		}
	}
}

// TestParsePublicKey_RefusesAnotherKid: a kid that names another key, no key, and two.
func TestParsePublicKey_RefusesAnotherKid(t *testing.T) {
	one, other := testKeys()["EdDSA"].Public(), testKeys()["ES256"].Public()
	for name, text := range map[string]string{
		"another kid": strings.ReplaceAll(one.JWKS(), one.ID(), other.ID()),
		"no key":      `{"keys":[]}`, "no set": "{}",
		"two": string(writeJWKS([]*PublicKey{one, other})),
	} {
		if _, err := ParsePublicKey(text); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
