package accounts

import (
	"context"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/totpfactor"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/totp"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// setupTTL is how long an authenticator app may be confirmed after startTotp.
const setupTTL = 30 * time.Minute

// StartTotpPayload is GraphQL's type of that name.
type StartTotpPayload struct{ Secret, URI, QRCode string }

// ConfirmTotpInput is GraphQL's input of that name.
type ConfirmTotpInput struct{ Code string }

// ConfirmTotpPayload is GraphQL's type of that name.
type ConfirmTotpPayload struct {
	Factor        *TotpFactor
	RecoveryCodes []string // with the first factor
}

// StartTotp makes the secret of an authenticator app, which counts for nothing until ConfirmTotp in the same session. It
// takes the place of one that was begun before. Problems: REAUTHENTICATION_REQUIRED, UNAUTHENTICATED.
func (s *Service) StartTotp(ctx context.Context, v *viewer.Viewer) (*StartTotpPayload, error) {
	now, secret := s.now(), totp.NewSecret()
	id, err := s.config.NewID()
	if err != nil {
		return nil, err
	}
	var address string
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
		if _, err := needFactor(ctx, tx, v, caller); err != nil {
			return err
		}
		address = caller.Email
		begun := tx.TotpFactor.Delete().Where(totpfactor.UserID(caller.ID), totpfactor.Confirmed(false))
		if _, err := begun.Exec(ctx); err != nil {
			return err
		}
		return tx.TotpFactor.Create().SetID(id).SetUserID(caller.ID).SetConfirmed(false).SetSessionID(v.SessionID).
			SetSealed(s.factorKeys.Seal(caller.ID, secret)).SetCreatedAt(now).Exec(ctx)
	})
	if err != nil {
		return nil, err
	}
	uri := secret.URI(s.config.AppName, address)
	image, err := totp.QRCode(uri)
	if err != nil {
		return nil, err
	}
	return &StartTotpPayload{Secret: secret.Text(), URI: uri, QRCode: image}, nil
}

// ConfirmTotp makes the app that the session has begun to set up count, in place of one before it. The session has shown
// a code, which is used up, and so has proved a second factor. Problems: INVALID_CREDENTIALS, NOT_FOUND,
// REAUTHENTICATION_REQUIRED, UNAUTHENTICATED.
func (s *Service) ConfirmTotp(ctx context.Context, v *viewer.Viewer, in ConfirmTotpInput) (*ConfirmTotpPayload, error) {
	now := s.now()
	var payload *ConfirmTotpPayload
	err := s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
		payload = nil
		before, err := needFactor(ctx, tx, v, caller)
		if err != nil {
			return err
		}
		made, err := s.confirmTotp(ctx, tx, v, in.Code, now)
		if err != nil {
			return err
		}
		codes, err := s.factorAdded(ctx, tx, v, addedFactor{caller, len(before) == 0, token.OneTimeCode}, now)
		if err != nil {
			return err
		}
		payload = &ConfirmTotpPayload{Factor: totpFactorOf(made), RecoveryCodes: codes}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return payload, nil
}

func (s *Service) confirmTotp(
	ctx context.Context, tx *transaction, v *viewer.Viewer, code string, now time.Time,
) (*ent.TotpFactor, error) {
	own := totpfactor.UserID(v.UserID)
	row, err := tx.TotpFactor.Query().Where(own, totpfactor.Confirmed(false), totpfactor.SessionID(v.SessionID),
		totpfactor.CreatedAtGT(now.Add(-setupTTL))).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, problem.New(problem.NotFound, "This session is setting up no authenticator app; call startTotp.")
	}
	if err != nil {
		return nil, err
	}
	step, ok, err := s.matchTotp(row, code, now)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, wrongCode()
	}
	replaced, err := tx.TotpFactor.Delete().Where(own, totpfactor.Confirmed(true)).Exec(ctx)
	if err != nil {
		return nil, err
	}
	tx.emit(Event{Kind: FactorAdded, UserID: v.UserID, SessionID: v.SessionID, Factor: FactorTotp})
	if replaced > 0 {
		tx.emit(Event{Kind: FactorRemoved, UserID: v.UserID, SessionID: v.SessionID, Factor: FactorTotp})
	}
	return row.Update().SetConfirmed(true).ClearSessionID().SetLastStep(step).SetCreatedAt(now).Save(ctx)
}

// matchTotp returns the step of a code that was not used before.
func (s *Service) matchTotp(row *ent.TotpFactor, code string, now time.Time) (step int64, ok bool, err error) {
	secret, err := s.factorKeys.Open(row.UserID, row.Sealed)
	if err != nil {
		return 0, false, err
	}
	step, ok = totp.Secret(secret).Match(code, now, row.LastStep)
	return step, ok, nil
}

// useTotp uses up a code of the app of an account, and reports whether it was right. Of parallel uses, on any instances,
// the condition lets one pass.
func (s *Service) useTotp(ctx context.Context, tx *transaction, account *ent.User, code string, now time.Time) (bool, error) {
	row, err := tx.TotpFactor.Query().Where(totpfactor.UserID(account.ID), totpfactor.Confirmed(true)).Only(ctx)
	if err != nil {
		return false, ent.MaskNotFound(err)
	}
	step, ok, err := s.matchTotp(row, code, now)
	if !ok || err != nil {
		return false, err
	}
	n, err := tx.TotpFactor.Update().Where(totpfactor.ID(row.ID), totpfactor.UserID(account.ID), totpfactor.LastStepLT(step)).
		SetLastStep(step).SetLastUsedAt(now).Save(ctx)
	return n == 1, err
}

func wrongCode() *problem.Problem {
	return problem.New(problem.InvalidCredentials, "The code is wrong, or was used before; wait for the next one.")
}
