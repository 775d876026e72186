package passkey

import (
	"encoding/json"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// RequestOptions returns what a browser needs to use a passkey: one of those given, or any that the user has here when
// none is given. The challenge is random, and used once.
func (rp *RelyingParty) RequestOptions(challenge []byte, allowed []Passkey) (json.RawMessage, error) {
	options, _, err := rp.library.BeginDiscoverableLogin(
		webauthn.WithChallenge(challenge), webauthn.WithAllowedCredentials(descriptors(allowed)))
	if err != nil {
		return nil, fmt.Errorf("beginning a sign-in: %w", err)
	}
	return json.Marshal(options.Response)
}

// Assertion is a browser's answer to RequestOptions, of which nothing is checked yet.
type Assertion struct {
	Challenge string // base64url
	ID        []byte // of the passkey
	Handle    []byte // of the user; empty where a browser was told whose passkeys it may use
	parsed    *protocol.ParsedCredentialAssertionData
}

// ParseAssertion reads an answer to RequestOptions, or returns ErrMalformed.
func ParseAssertion(response []byte) (*Assertion, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, malformed(err)
	}
	return &Assertion{parsed.Response.CollectedClientData.Challenge, parsed.RawID, parsed.Response.UserHandle, parsed}, nil
}

// SignIn verifies that a user, who may be anybody until then, has used their stored passkey for a challenge. It returns
// the passkey as it is to be stored from now on, or ErrRefused, ErrOrigin or ErrCloned.
func (rp *RelyingParty) SignIn(a *Assertion, challenge string, handle []byte, stored Passkey) (*Passkey, error) {
	if len(a.Handle) == 0 {
		return nil, fmt.Errorf("%w: it names no user", ErrRefused)
	}
	return rp.Verify(a, challenge, handle, stored)
}

// Verify is SignIn for a user who is known already: the answer need not name them.
func (rp *RelyingParty) Verify(a *Assertion, challenge string, handle []byte, stored Passkey) (*Passkey, error) {
	client := a.parsed.Response.CollectedClientData
	if err := rp.checkClient(challenge, client); err != nil {
		return nil, err
	}
	if a.parsed.Response.AuthenticatorData.Flags.HasAttestedCredentialData() {
		return nil, fmt.Errorf("%w: it has the data of a new passkey", ErrRefused)
	}
	session := rp.session(challenge, client)
	session.UserID, session.AllowedCredentialIDs = handle, [][]byte{stored.ID}
	user := &owner{User{Handle: handle, Passkeys: []Passkey{stored}}}
	used, err := rp.library.ValidateLogin(user, session, a.parsed)
	if err != nil {
		return nil, refused(err)
	}
	if used.Authenticator.CloneWarning {
		return nil, fmt.Errorf("%w: %d after %d", ErrCloned, a.parsed.Response.AuthenticatorData.Counter, stored.SignCount)
	}
	stored.SignCount, stored.BackedUp = used.Authenticator.SignCount, used.Flags.BackupState
	return &stored, nil
}
