package accounts

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/recoverycode"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

const (
	recoveryCodes = 10
	// Each code has 60 bits: twelve letters of five, in three groups.
	recoveryLetters = 12
	recoveryGroup   = 4
	// recoveryAlphabet is Crockford's base32: nobody takes one letter for another.
	recoveryAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
)

// RecoveryCodesPayload is GraphQL's type of that name.
type RecoveryCodesPayload struct {
	RecoveryCodes []string
	Factor        *RecoveryCodes
}

// newRecoveryCodes draws codes as they are shown.
func newRecoveryCodes() []string {
	codes := make([]string, recoveryCodes)
	for i := range codes {
		random := make([]byte, recoveryLetters)
		rand.Read(random)
		var code strings.Builder
		for n, b := range random {
			if n > 0 && n%recoveryGroup == 0 {
				code.WriteByte('-')
			}
			code.WriteByte(recoveryAlphabet[b%byte(len(recoveryAlphabet))])
		}
		codes[i] = code.String()
	}
	return codes
}

// recoveryText is a code as it is compared: how people group its letters does not matter, nor case, nor a letter that is
// taken for a digit.
func recoveryText(code string) string {
	return strings.NewReplacer(" ", "", "-", "", "o", "0", "i", "1", "l", "1").Replace(strings.ToLower(code))
}

// replaceRecoveryCodes gives an account that the transaction holds these codes, and no others.
func (s *Service) replaceRecoveryCodes(
	ctx context.Context, tx *transaction, account *ent.User, codes []string, now time.Time,
) (*RecoveryCodes, error) {
	if _, err := tx.RecoveryCode.Delete().Where(recoverycode.UserID(account.ID)).Exec(ctx); err != nil {
		return nil, err
	}
	set, err := s.config.NewID()
	if err != nil {
		return nil, err
	}
	rows := make([]*ent.RecoveryCodeCreate, len(codes))
	for i, code := range codes {
		id, err := s.config.NewID()
		if err != nil {
			return nil, err
		}
		rows[i] = tx.RecoveryCode.Create().SetID(id).SetUserID(account.ID).SetSetID(set).
			SetDigest(s.factorKeys.RecoveryDigest(account.ID, recoveryText(code))).SetCreatedAt(now)
	}
	made := &RecoveryCodes{ID: set, CreatedAt: now, Remaining: len(codes), UserID: account.ID}
	return made, tx.RecoveryCode.CreateBulk(rows...).Exec(ctx)
}

// recoveryCodesOf returns the codes of a user, nil when there are none.
func recoveryCodesOf(ctx context.Context, c *ent.Client, userID uuid.UUID) (*RecoveryCodes, error) {
	rows, err := c.RecoveryCode.Query().Where(recoverycode.UserID(userID)).All(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	codes := &RecoveryCodes{ID: rows[0].SetID, CreatedAt: rows[0].CreatedAt.UTC(), UserID: userID}
	for _, row := range rows {
		switch {
		case row.UsedAt == nil:
			codes.Remaining++
		case codes.LastUsedAt == nil || row.UsedAt.After(*codes.LastUsedAt):
			codes.LastUsedAt = inUTC(row.UsedAt)
		}
	}
	return codes, nil
}

// useRecoveryCode uses up a code of an account, and reports whether there was one. Of parallel uses the condition lets
// one pass.
func (s *Service) useRecoveryCode(
	ctx context.Context, tx *transaction, account *ent.User, code string, now time.Time,
) (bool, error) {
	digest := s.factorKeys.RecoveryDigest(account.ID, recoveryText(code))
	n, err := tx.RecoveryCode.Update().
		Where(recoverycode.UserID(account.ID), recoverycode.Digest(digest), recoverycode.UsedAtIsNil()).SetUsedAt(now).Save(ctx)
	if n == 1 && err == nil {
		tx.emit(Event{Kind: RecoveryCodeUsed, UserID: account.ID})
	}
	return n == 1, err
}

// RegenerateRecoveryCodes makes ten new codes, which are shown once; no older one works any more. Problems:
// NOT_FOUND for an account without factors, REAUTHENTICATION_REQUIRED, UNAUTHENTICATED.
func (s *Service) RegenerateRecoveryCodes(ctx context.Context, v *viewer.Viewer) (*RecoveryCodesPayload, error) {
	now, codes := s.now(), newRecoveryCodes()
	var made *RecoveryCodes
	err := s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
		made = nil
		kinds, err := needFactor(ctx, tx, v, caller)
		if err != nil {
			return err
		}
		if len(kinds) == 0 {
			return problem.New(problem.NotFound, "The account has no second factor, and so needs no recovery codes.")
		}
		tx.emit(Event{Kind: RecoveryCodesReplaced, UserID: caller.ID, SessionID: v.SessionID})
		if err := tx.factorsChanged(ctx, caller, now); err != nil {
			return err
		}
		made, err = s.replaceRecoveryCodes(ctx, tx, caller, codes, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &RecoveryCodesPayload{RecoveryCodes: codes, Factor: made}, nil
}
