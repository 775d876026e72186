package passkey

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

func sameJSON(t *testing.T, want string, got []byte) {
	t.Helper()
	var a, b any
	testenv.Check(t, json.Unmarshal([]byte(want), &a))
	testenv.Check(t, json.Unmarshal(got, &b))
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The options are the inner objects, as parseCreationOptionsFromJSON and parseRequestOptionsFromJSON take them.
func TestOptions_AreWhatBrowsersParse(t *testing.T) {
	rp, random := newRelyingParty(t), []byte("sixteen bytes of 16")
	p := Passkey{ID: []byte("an id"), Transports: []string{"usb"}}
	made, err := rp.CreationOptions(random, User{Handle: []byte("handle"), Name: "ann@example.com", DisplayName: "Ann",
		Passkeys: []Passkey{p}})
	testenv.Check(t, err)
	sameJSON(t, `{"rp": {"id": "accounts.example", "name": "Example"},
		"user": {"id": "aGFuZGxl", "name": "ann@example.com", "displayName": "Ann"},
		"challenge": "c2l4dGVlbiBieXRlcyBvZiAxNg", "timeout": 300000, "attestation": "none",
		"pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -8},
			{"type": "public-key", "alg": -257}],
		"excludeCredentials": [{"type": "public-key", "id": "YW4gaWQ", "transports": ["usb"]}],
		"authenticatorSelection": {"requireResidentKey": true, "residentKey": "required",
			"userVerification": "required"}}`, made)
	any, err := rp.RequestOptions(random, nil)
	testenv.Check(t, err)
	sameJSON(t, `{"challenge": "c2l4dGVlbiBieXRlcyBvZiAxNg", "timeout": 300000, "rpId": "accounts.example",
		"userVerification": "required"}`, any)
	one, err := rp.RequestOptions(random, []Passkey{p})
	testenv.Check(t, err)
	sameJSON(t, `{"challenge": "c2l4dGVlbiBieXRlcyBvZiAxNg", "timeout": 300000, "rpId": "accounts.example",
		"userVerification": "required",
		"allowCredentials": [{"type": "public-key", "id": "YW4gaWQ", "transports": ["usb"]}]}`, one)
	for name, f := range map[string]func() (json.RawMessage, error){
		"a short challenge": func() (json.RawMessage, error) { return rp.CreationOptions(random[:15], User{Handle: random}) },
		"no user handle":    func() (json.RawMessage, error) { return rp.CreationOptions(random, User{Name: "ann"}) },
		"a long user handle": func() (json.RawMessage, error) {
			return rp.CreationOptions(random, User{Handle: make([]byte, 65)})
		},
		"a short challenge to sign in": func() (json.RawMessage, error) { return rp.RequestOptions(random[:15], nil) },
	} {
		if options, err := f(); err == nil {
			t.Errorf("%s: %s", name, options)
		}
	}
}

// Browsers make passkeys for domains alone.
func TestNew_WantsADomain(t *testing.T) {
	allow := func(string) bool { return true }
	for id, ok := range map[string]bool{"accounts.example": true, "localhost": true, "xn--mnchen-3ya.example": true,
		"": false, "127.0.0.1": false, "::1": false, "[::1]": false, "accounts.example:443": false,
		"https://accounts.example": false, "accounts.example/": false, "münchen.example": false, "a b.example": false} {
		rp, err := New(Config{ID: id, Name: "Example", AllowsOrigin: allow, Timeout: time.Minute})
		if (err == nil) != ok || ok && rp.ID() != id || !ok && !errors.Is(err, ErrNoDomain) {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, c := range []Config{{ID: rpID, AllowsOrigin: allow, Timeout: 1}, {ID: rpID, Name: "x", Timeout: 1},
		{ID: rpID, Name: "x", AllowsOrigin: allow}} {
		if _, err := New(c); err == nil {
			t.Errorf("configured: %+v", c)
		}
	}
}

func TestRelatedOrigins_NamesPagesOfHTTPS(t *testing.T) {
	for want, origins := range map[string][]string{
		`{"origins":["https://app.example","https://other.test:8443"]}`: {"https://app.example",
			"http://localhost:5173", "capacitor://localhost", "https://other.test:8443"},
		`{"origins":[]}`: nil,
	} {
		w := httptest.NewRecorder()
		RelatedOrigins(origins)(w, httptest.NewRequest("GET", RelatedOriginsPath, nil))
		testenv.Equal(t, want, w.Body.String(), "the document")
		testenv.Equal(t, "application/json", w.Header().Get("Content-Type"), "its type")
	}
}

// No response makes the parsers or the verifiers panic, and each refusal is one of this package's: here each byte of a
// valid one is replaced.
func TestResponses_EachReplacedByteIsHandled(t *testing.T) {
	rp, s := newRelyingParty(t), newES256()
	p := newStored(t, rp, s)
	for _, answer := range [][]byte{newCreation(challenge, s).creation(), newAssertion(challenge, s).assertion(p.ID)} {
		for i := range answer {
			for _, b := range []byte{0, '"', 'A', 0xff, answer[i] ^ 1} {
				changed := slices.Clone(answer)
				changed[i] = b
				if _, err := register(rp, changed); err != nil && !isRefusal(err) {
					t.Errorf("%q: %v", changed, err)
				}
				if _, err := signIn(rp, changed, p.Passkey); err != nil && !isRefusal(err) {
					t.Errorf("%q: %v", changed, err)
				}
			}
		}
	}
}
