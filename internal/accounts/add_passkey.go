package accounts

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	entpasskey "github.com/gatehouse/gatehouse/ent/passkey"
	"github.com/gatehouse/gatehouse/internal/passkey"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// AddPasskeyInput is GraphQL's input of that name.
type AddPasskeyInput struct {
	Response any
	Name     *string
}

// AddPasskeyPayload is GraphQL's type of that name.
type AddPasskeyPayload struct {
	Factor        *Passkey
	RecoveryCodes []string // with the first factor
}

// newPasskey is a checked AddPasskeyInput.
type newPasskey struct {
	creation *passkey.Creation
	ceremony token.OneTime
	name     *string
}

// AddPasskey stores a passkey that a browser has made for StartPasskey in the same session. The session has used it, and
// so has proved two factors. Options are used up by a response that is refused, too. Problems: BAD_USER_INPUT, FORBIDDEN,
// INVALID_CREDENTIALS, INVALID_TOKEN, RATE_LIMITED, REAUTHENTICATION_REQUIRED, UNAUTHENTICATED.
func (s *Service) AddPasskey(ctx context.Context, v *viewer.Viewer, in AddPasskeyInput) (*AddPasskeyPayload, error) {
	now := s.now()
	n, err := s.checkPasskey(ctx, v, in, now)
	if err != nil {
		return nil, err
	}
	var payload *AddPasskeyPayload
	var refused error
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
		payload, refused = nil, nil
		before, err := needFactor(ctx, tx, v, caller)
		if err != nil {
			return err
		}
		if err := endCeremony(ctx, tx, v, n.ceremony, now); err != nil {
			return err
		}
		made, err := s.config.Passkeys.Register(n.creation, n.ceremony.Text())
		if err != nil {
			refused = passkeyRefused(err)
			return nil
		}
		row, err := s.storePasskey(ctx, tx, caller, made, n.name, now)
		if problem.Is(err, problem.InvalidCredentials) {
			refused = err
			return nil
		}
		if err != nil {
			return err
		}
		codes, err := s.factorAdded(ctx, tx, v, addedFactor{caller, len(before) == 0, passkeyAMR(row)}, now)
		if err != nil {
			return err
		}
		tx.emit(Event{Kind: FactorAdded, UserID: caller.ID, SessionID: v.SessionID, Factor: FactorPasskey})
		payload = &AddPasskeyPayload{Factor: passkeyOf(row), RecoveryCodes: codes}
		return nil
	})
	if err := cmp.Or(err, refused); err != nil {
		return nil, err
	}
	return payload, nil
}

func (s *Service) checkPasskey(
	ctx context.Context, v *viewer.Viewer, in AddPasskeyInput, now time.Time,
) (*newPasskey, error) {
	if _, err := s.relyingParty(); err != nil {
		return nil, err
	}
	name, wrongName := cleanName(in.Name)
	creation, err := passkey.ParseCreation(responseText(in.Response))
	if err != nil {
		err = malformedResponse("response", err)
	}
	if err := errors.Join(err, wrongName); err != nil {
		return nil, err
	}
	t, err := s.presentedCeremony(ctx, v, token.AddPasskey, creation.Challenge, now)
	if err != nil {
		return nil, err
	}
	if t.User != v.UserID {
		return nil, ceremonyRefused(tokenUnknown)
	}
	return &newPasskey{creation, t, name}, nil
}

// storePasskey writes a new passkey of an account that the transaction holds. Problems: FORBIDDEN; INVALID_CREDENTIALS
// for an id that some account has.
func (s *Service) storePasskey(
	ctx context.Context, tx *transaction, account *ent.User, p *passkey.Passkey, name *string, now time.Time,
) (*ent.Passkey, error) {
	n, err := tx.Passkey.Query().Where(entpasskey.UserID(account.ID)).Count(ctx)
	if err != nil {
		return nil, err
	}
	if n >= maxPasskeys {
		return nil, tooManyPasskeys()
	}
	id, err := s.config.NewID()
	if err != nil {
		return nil, err
	}
	err = tx.Passkey.Create().SetID(id).SetUserID(account.ID).SetCredentialID(p.ID).SetPublicKey(p.PublicKey).
		SetSignCount(int64(p.SignCount)).SetTransports(strings.Join(p.Transports, " ")).SetAaguid(p.AAGUID).
		SetBackupEligible(p.BackupEligible).SetBackedUp(p.BackedUp).SetNillableName(name).
		SetCredentialGeneration(account.CredentialGeneration).SetCreatedAt(now).
		OnConflictColumns(entpasskey.FieldCredentialID).DoNothing().Exec(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, problem.New(problem.InvalidCredentials, "The passkey is in use already.")
	}
	if err != nil {
		return nil, err
	}
	return tx.Passkey.Get(ctx, id)
}
