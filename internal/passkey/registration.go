package passkey

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Passkey is what is stored of a passkey.
type Passkey struct {
	ID             []byte // chosen by the authenticator; no other passkey has it
	PublicKey      []byte // a COSE_Key (RFC 9052)
	SignCount      uint32 // of the newest signature; 0 for ever where the authenticator does not count
	Transports     []string
	AAGUID         []byte // the model of the authenticator: 16 bytes, which nobody vouches for
	BackupEligible bool   // it may be on several devices; this never changes
	BackedUp       bool   // it is on several devices, or in their cloud
}

// User is whose passkeys a ceremony is about.
type User struct {
	Handle      []byte // random, 1 to 64 bytes: authenticators keep it, and show it to nobody
	Name        string // by which the user tells accounts apart
	DisplayName string // may be empty
	Passkeys    []Passkey
}

const (
	minIDLen  = 16 // bytes of a credential id
	maxIDLen  = 1023
	maxKeyLen = 1024     // bytes of a COSE_Key; one of RSA-4096 has 530
	minRSALen = 2048 / 8 // bytes of an RSA modulus
	maxRSALen = 4096 / 8

	rsaExponent = 65537
)

// algorithms are those of public keys, the best first: ECDSA with P-256, Ed25519, and RSA for Windows Hello.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// transports are those by which browsers reach authenticators.
var transports = []protocol.AuthenticatorTransport{protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard,
	protocol.Hybrid, protocol.Internal}

// CreationOptions returns what a browser needs to make a passkey of a user, on no authenticator that has one of theirs.
// The challenge is random, and used once.
func (rp *RelyingParty) CreationOptions(challenge []byte, u User) (json.RawMessage, error) {
	options, _, err := rp.library.BeginRegistration(&owner{u},
		webauthn.WithCredentialParameters(algorithms),
		webauthn.WithExclusions(descriptors(u.Passkeys)),
		func(o *protocol.PublicKeyCredentialCreationOptions) error {
			o.Challenge = challenge
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("beginning a registration: %w", err)
	}
	return json.Marshal(options.Response)
}

// Creation is a browser's answer to CreationOptions, of which nothing is checked yet.
type Creation struct {
	Challenge string // base64url
	parsed    *protocol.ParsedCredentialCreationData
}

// ParseCreation reads an answer to CreationOptions, or returns ErrMalformed.
func ParseCreation(response []byte) (*Creation, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, malformed(err)
	}
	return &Creation{parsed.Response.CollectedClientData.Challenge, parsed}, nil
}

// Register verifies a new passkey, made for a challenge. It returns ErrRefused or ErrOrigin.
func (rp *RelyingParty) Register(c *Creation, challenge string) (*Passkey, error) {
	client := c.parsed.Response.CollectedClientData
	if err := rp.checkClient(challenge, client); err != nil {
		return nil, err
	}
	if err := checkAttestation(c.parsed.Response.AttestationObject); err != nil {
		return nil, err
	}
	made, err := rp.library.CreateCredential(&owner{}, rp.session(challenge, client), c.parsed)
	if err != nil {
		return nil, refused(err)
	}
	p := &Passkey{
		ID: made.ID, PublicKey: made.PublicKey, SignCount: made.Authenticator.SignCount,
		Transports: knownTransports(made.Transport), AAGUID: made.Authenticator.AAGUID,
		BackupEligible: made.Flags.BackupEligible, BackedUp: made.Flags.BackupState,
	}
	return p, p.check()
}

// checkAttestation refuses what vouches for an authenticator, which nobody asked for: certificates are not even parsed.
// A signature by the passkey itself is what some authenticators send all the same.
func checkAttestation(o protocol.AttestationObject) error {
	_, certificates := o.AttStatement["x5c"]
	_, ecdaa := o.AttStatement["ecdaaKeyId"]
	self := protocol.AttestationFormat(o.Format) == protocol.AttestationFormatPacked && !certificates && !ecdaa
	if self || protocol.AttestationFormat(o.Format) == protocol.AttestationFormatNone {
		return nil
	}
	return fmt.Errorf("%w: it came with an attestation (%.50q), and none was asked for", ErrRefused, o.Format)
}

// check refuses ids and keys that no authenticator makes. The library looks at the key only when it is used.
func (p *Passkey) check() error {
	if len(p.ID) < minIDLen || len(p.ID) > maxIDLen || len(p.PublicKey) > maxKeyLen {
		return fmt.Errorf("%w: its id has %d bytes and its key %d", ErrRefused, len(p.ID), len(p.PublicKey))
	}
	key, err := webauthncose.ParsePublicKey(p.PublicKey)
	if err != nil {
		return refused(err)
	}
	if rsa, ok := key.(webauthncose.RSAPublicKeyData); ok {
		return checkRSA(&rsa)
	}
	return nil
}

// checkRSA refuses what the library does not: another algorithm, another length, another exponent.
func checkRSA(key *webauthncose.RSAPublicKeyData) error {
	length := len(bytes.TrimLeft(key.Modulus, "\x00"))
	exponent, err := webauthncose.ParseRSAPublicKeyDataExponent(key)
	if err != nil || key.Algorithm != int64(webauthncose.AlgRS256) || exponent != rsaExponent ||
		length < minRSALen || length > maxRSALen {
		return fmt.Errorf("%w: its RSA key has %d bytes, the exponent %d and the algorithm %d", ErrRefused, length, exponent,
			key.Algorithm)
	}
	return nil
}

// knownTransports drops what browsers would not understand: a client may send any text.
func knownTransports(named []protocol.AuthenticatorTransport) (all []string) {
	for _, t := range transports {
		if slices.Contains(named, t) {
			all = append(all, string(t))
		}
	}
	return all
}

// descriptors name passkeys to a browser.
func descriptors(all []Passkey) []protocol.CredentialDescriptor {
	named := make([]protocol.CredentialDescriptor, len(all))
	for i, p := range all {
		named[i] = p.credential().Descriptor()
	}
	return named
}

// credential is the library's form of a passkey.
func (p *Passkey) credential() *webauthn.Credential {
	c := &webauthn.Credential{
		ID: p.ID, PublicKey: p.PublicKey,
		Flags:         webauthn.CredentialFlags{UserVerified: true, BackupEligible: p.BackupEligible, BackupState: p.BackedUp},
		Authenticator: webauthn.Authenticator{AAGUID: p.AAGUID, SignCount: p.SignCount},
	}
	for _, t := range p.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return c
}

// owner is the library's form of a user.
type owner struct{ User }

func (o *owner) WebAuthnID() []byte          { return o.Handle }
func (o *owner) WebAuthnName() string        { return o.Name }
func (o *owner) WebAuthnDisplayName() string { return o.DisplayName }

func (o *owner) WebAuthnCredentials() (all []webauthn.Credential) {
	for _, p := range o.Passkeys {
		all = append(all, *p.credential())
	}
	return all
}
