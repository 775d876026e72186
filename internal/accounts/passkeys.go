package accounts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	entpasskey "github.com/gatehouse/gatehouse/ent/passkey"
	"github.com/gatehouse/gatehouse/internal/passkey"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

const (
	// CeremonyTTL is how long the options of a passkey may be answered, once.
	CeremonyTTL = 5 * time.Minute
	// maxPasskeys is how many an account has.
	maxPasskeys = 20
	// passkeyHandleLen is the length of the name that authenticators know an account by, in bytes.
	passkeyHandleLen = 32
)

// Passkey is GraphQL's type of that name.
type Passkey struct {
	ID           uuid.UUID
	CreatedAt    time.Time
	LastUsedAt   *time.Time
	Name         *string
	CredentialID string // base64url, as browsers write it
	BackedUp     bool

	UserID uuid.UUID // whose it is; not part of the schema
}

// OwnerID returns the user whose passkey it is.
func (p *Passkey) OwnerID() uuid.UUID { return p.UserID }

// NodeID returns the ID.
func (p *Passkey) NodeID() uuid.UUID { return p.ID }

// Kind is how errors name it.
func (*Passkey) Kind() FactorKind { return FactorPasskey }

func passkeyOf(row *ent.Passkey) *Passkey {
	return &Passkey{
		ID: row.ID, CreatedAt: row.CreatedAt.UTC(), LastUsedAt: inUTC(row.LastUsedAt), Name: row.Name,
		CredentialID: base64.RawURLEncoding.EncodeToString(row.CredentialID), BackedUp: row.BackedUp, UserID: row.UserID,
	}
}

// passkeysOf reads the passkeys of a user, the oldest first.
func passkeysOf(ctx context.Context, c *ent.Client, userID uuid.UUID) ([]*ent.Passkey, error) {
	return c.Passkey.Query().Where(entpasskey.UserID(userID)).Order(ent.Asc(entpasskey.FieldID)).All(ctx)
}

// verifiable is a row as package passkey knows it.
func verifiable(row *ent.Passkey) passkey.Passkey {
	return passkey.Passkey{
		ID: row.CredentialID, PublicKey: row.PublicKey, SignCount: uint32(row.SignCount),
		Transports: strings.Fields(row.Transports), AAGUID: row.Aaguid,
		BackupEligible: row.BackupEligible, BackedUp: row.BackedUp,
	}
}

func allVerifiable(rows []*ent.Passkey) []passkey.Passkey {
	all := make([]passkey.Passkey, len(rows))
	for i, row := range rows {
		all[i] = verifiable(row)
	}
	return all
}

// passkeyAMR is what a passkey proves: a key and, since it verifies its user, their finger or PIN. Two factors in one.
func passkeyAMR(row *ent.Passkey) token.AMR {
	if row.BackupEligible {
		return token.SoftwareKey | token.UserPresence | token.MultiFactor
	}
	return token.HardwareKey | token.UserPresence | token.MultiFactor
}

// relyingParty returns what verifies passkeys. Problem: FORBIDDEN, where the issuer has no domain.
func (s *Service) relyingParty() (*passkey.RelyingParty, error) {
	if s.config.Passkeys == nil {
		return nil, problem.New(problem.Forbidden, "Passkeys are for a domain, and the issuer of this server has none, "+
			"but an IP address: give GATEHOUSE_ISSUER a domain.")
	}
	return s.config.Passkeys, nil
}

// responseText is a response as JSON text, as package passkey reads it.
func responseText(response any) []byte {
	text, _ := json.Marshal(response) // it was JSON
	return text
}

// presentedCeremony reads the challenge that a response answers, of which a forged one costs no statement. Problems:
// INVALID_TOKEN, RATE_LIMITED.
func (s *Service) presentedCeremony(
	ctx context.Context, v *viewer.Viewer, purpose token.OneTimePurpose, challenge string, now time.Time,
) (token.OneTime, error) {
	t, err := s.config.OneTime.Parse(purpose, challenge)
	if err := s.throttled(ctx, s.throttle.oneTime(t, err, v.Origin, now)); err != nil {
		return token.OneTime{}, err
	}
	if err != nil {
		return token.OneTime{}, ceremonyRefused(tokenUnknown).WithCause(err)
	}
	return t, nil
}

// endCeremony uses up the challenge of a response, if the session that answers began it, or nobody who is signed in did
// both. Problem: INVALID_TOKEN.
func endCeremony(ctx context.Context, tx *transaction, v *viewer.Viewer, t token.OneTime, now time.Time) error {
	row, err := usable(ctx, tx.OneTimeToken, t, now)
	if err == nil && sessionOfToken(row) != v.SessionID {
		err = ceremonyRefused(tokenUnknown)
	}
	if err == nil {
		err = tx.useUp(ctx, row, now)
	}
	if refused := problem.All(err); len(refused) > 0 {
		return ceremonyRefused(refused[0].Reason)
	}
	return err
}

func sessionOfToken(row *ent.OneTimeToken) uuid.UUID {
	if row.SessionID == nil {
		return uuid.Nil
	}
	return *row.SessionID
}

// ceremonyRefused says of a challenge what linkRefused says of a link.
func ceremonyRefused(reason string) *problem.Problem {
	return problem.New(problem.InvalidToken, "The options are used, expired, of another session or unknown; ask for others.").
		WithReason(reason)
}

// malformedResponse refuses what is not a browser's response.
func malformedResponse(field string, err error) error {
	return problem.BadInput(field, problem.Malformed,
		"It is not what toJSON() of a browser's credential returns.").WithCause(fmt.Errorf("reading it: %w", err))
}
