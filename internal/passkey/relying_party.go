package passkey

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// ErrNoDomain says that browsers make no passkeys for an ID, such as an IP address.
var ErrNoDomain = errors.New("passkeys are for a domain")

// The reasons for which a response is refused. Their causes are for the log.
var (
	// ErrMalformed says that a response is not what toJSON returns.
	ErrMalformed = errors.New("the response is not that of a passkey")
	// ErrRefused says that a response does not hold.
	ErrRefused = errors.New("the passkey is refused")
	// ErrOrigin is ErrRefused: the page is not one that may use passkeys.
	ErrOrigin = fmt.Errorf("%w: it was used on a page whose origin is not allowed", ErrRefused)
	// ErrCloned is ErrRefused: the signature holds, and its counter is not above the stored one. There may be a copy.
	ErrCloned = fmt.Errorf("%w: its counter went back", ErrRefused)
)

// Config configures a RelyingParty.
type Config struct {
	ID           string                   // required: the domain that passkeys are for, without a port; no IP address
	Name         string                   // required: shown by some authenticators
	AllowsOrigin func(origin string) bool // required: whether pages of an origin, byte for byte, may use passkeys
	Timeout      time.Duration            // required: how long browsers wait for the user
}

// RelyingParty makes options and verifies responses for one domain. It may be used concurrently.
type RelyingParty struct {
	library *webauthn.WebAuthn
	config  Config
}

// New checks the configuration. For an ID that is no domain it returns ErrNoDomain.
func New(c Config) (*RelyingParty, error) {
	if c.Name == "" || c.AllowsOrigin == nil || c.Timeout <= 0 {
		return nil, errors.New("passkey: Name, AllowsOrigin and Timeout are required")
	}
	if err := protocol.ValidateRPID(c.ID); err != nil {
		return nil, fmt.Errorf("%w, and %q is none: %w", ErrNoDomain, c.ID, err)
	}
	library, err := webauthn.New(&webauthn.Config{
		RPID:                  c.ID,
		RPDisplayName:         c.Name,
		RPOrigins:             []string{"https://" + c.ID}, // not used: each ceremony names the origin that checkOrigin allowed
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(),
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			UserVerification:   protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{ // for the browser; that a challenge ends, its maker sees to
			Login:        webauthn.TimeoutConfig{Timeout: c.Timeout},
			Registration: webauthn.TimeoutConfig{Timeout: c.Timeout},
		},
		// Browsers and password managers add outputs that nobody asked for, such as credProps.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("configuring passkeys: %w", err)
	}
	return &RelyingParty{library, c}, nil
}

// ID is the domain that passkeys are for.
func (rp *RelyingParty) ID() string { return rp.config.ID }

// session is what the library wants to know of a ceremony that was begun.
func (rp *RelyingParty) session(challenge string, client protocol.CollectedClientData) webauthn.SessionData {
	return webauthn.SessionData{
		Challenge:        challenge,
		RelyingPartyID:   rp.config.ID,
		Origin:           client.Origin,
		UserVerification: protocol.VerificationRequired,
		CredParams:       algorithms,
	}
}

// checkClient compares the challenge, and the origin byte for byte: the library would also take one in capitals, or with
// a path.
func (rp *RelyingParty) checkClient(challenge string, client protocol.CollectedClientData) error {
	if client.Challenge != challenge {
		return fmt.Errorf("%w: it answers another challenge", ErrRefused)
	}
	if !rp.config.AllowsOrigin(client.Origin) {
		return fmt.Errorf("%w: %.200q", ErrOrigin, client.Origin)
	}
	return nil
}

// refused is ErrRefused with what the library says.
func refused(err error) error {
	if e, ok := errors.AsType[*protocol.Error](err); ok && e.DevInfo != "" {
		return fmt.Errorf("%w: %s: %s", ErrRefused, e.Details, e.DevInfo)
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

// malformed is ErrMalformed with what the library says.
func malformed(err error) error { return fmt.Errorf("%w: %w", ErrMalformed, err) }
