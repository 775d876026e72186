package accounts

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/passkey"
	"github.com/gatehouse/gatehouse/ent/recoverycode"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/totpfactor"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// FactorKind is a value of GraphQL's enum of that name: what a sign-in can be completed with.
type FactorKind string

// The kinds of factors.
const (
	FactorTotp          FactorKind = "TOTP"
	FactorPasskey       FactorKind = "PASSKEY"
	FactorRecoveryCodes FactorKind = "RECOVERY_CODES"
)

// Factor is GraphQL's interface of that name: what proves a user beside the password.
type Factor interface {
	Node
	Kind() FactorKind
	NodeID() uuid.UUID
}

// TotpFactor is GraphQL's type of that name: an authenticator app that counts.
type TotpFactor struct {
	ID         uuid.UUID
	CreatedAt  time.Time
	LastUsedAt *time.Time

	UserID uuid.UUID // whose it is; not part of the schema
}

// RecoveryCodes is GraphQL's type of that name: the codes that were made together.
type RecoveryCodes struct {
	ID         uuid.UUID // which the codes have in common
	CreatedAt  time.Time
	LastUsedAt *time.Time
	Remaining  int

	UserID uuid.UUID // whose they are; not part of the schema
}

// OwnerID returns the user whose factor it is.
func (f *TotpFactor) OwnerID() uuid.UUID { return f.UserID }

// OwnerID returns the user whose codes they are.
func (f *RecoveryCodes) OwnerID() uuid.UUID { return f.UserID }

// NodeID returns the ID.
func (f *TotpFactor) NodeID() uuid.UUID { return f.ID }

// NodeID returns the ID.
func (f *RecoveryCodes) NodeID() uuid.UUID { return f.ID }

// Kind is how errors name it.
func (*TotpFactor) Kind() FactorKind { return FactorTotp }

// Kind is how errors name them.
func (*RecoveryCodes) Kind() FactorKind { return FactorRecoveryCodes }

// Factors returns a user's factors that count, the recovery codes last.
func (s *Service) Factors(ctx context.Context, of *User) ([]Factor, error) {
	return factorsOf(ctx, s.config.Client, of.ID)
}

// factorsOf reads the factors of a user that count. Recovery codes stand for others, and count only beside one.
func factorsOf(ctx context.Context, c *ent.Client, userID uuid.UUID) ([]Factor, error) {
	all := []Factor{}
	apps, err := c.TotpFactor.Query().Where(totpfactor.UserID(userID), totpfactor.Confirmed(true)).All(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range apps {
		all = append(all, totpFactorOf(row))
	}
	passkeys, err := passkeysOf(ctx, c, userID)
	if err != nil {
		return nil, err
	}
	for _, row := range passkeys {
		all = append(all, passkeyOf(row))
	}
	codes, err := recoveryCodesOf(ctx, c, userID)
	if codes != nil && len(all) > 0 {
		all = append(all, codes)
	}
	return all, err
}

func totpFactorOf(row *ent.TotpFactor) *TotpFactor {
	return &TotpFactor{ID: row.ID, CreatedAt: row.CreatedAt.UTC(), LastUsedAt: inUTC(row.LastUsedAt), UserID: row.UserID}
}

func inUTC(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	moment := at.UTC()
	return &moment
}

// Factor returns a factor that counts, whosever it is; nil when there is none.
func (s *Service) Factor(ctx context.Context, id uuid.UUID) (Factor, error) {
	app, err := s.config.Client.TotpFactor.Query().Where(totpfactor.ID(id), totpfactor.Confirmed(true)).Only(ctx)
	if err == nil {
		return totpFactorOf(app), nil
	}
	if !ent.IsNotFound(err) {
		return nil, err
	}
	key, err := s.config.Client.Passkey.Get(ctx, id)
	if err == nil {
		return passkeyOf(key), nil
	}
	return nil, ent.MaskNotFound(err)
}

// factorNode returns a factor of a user, or nil.
func (s *Service) factorNode(ctx context.Context, userID, id uuid.UUID) (Factor, error) {
	all, err := factorsOf(ctx, s.config.Client, userID)
	for _, f := range all {
		if f.NodeID() == id {
			return f, err
		}
	}
	return nil, err
}

// secondFactors returns what an account can complete a sign-in with; none when a password alone opens it. An account
// that never had a factor costs no statement.
func secondFactors(ctx context.Context, c *ent.Client, row *ent.User) (kinds []FactorKind, err error) {
	if row.FactorGeneration == 0 {
		return nil, nil
	}
	all, err := factorsOf(ctx, c, row.ID)
	for _, f := range all {
		codes, ok := f.(*RecoveryCodes)
		if (!ok || codes.Remaining > 0) && !slices.Contains(kinds, f.Kind()) {
			kinds = append(kinds, f.Kind())
		}
	}
	return kinds, err
}

// needFactor refuses a session of an account with factors that has shown none of them: who has stolen a password must not
// put factors of their own in the place of the owner's, nor make a token that outlives the session. It returns the
// factors there are. What the viewer says of the session may be old, and then less than what was proved.
// Problem: REAUTHENTICATION_REQUIRED.
func needFactor(ctx context.Context, tx *transaction, v *viewer.Viewer, caller *ent.User) ([]FactorKind, error) {
	kinds, err := secondFactors(ctx, tx.Client(), caller)
	if err == nil && len(kinds) > 0 && !v.MFA() {
		err = problem.New(problem.ReauthenticationRequired, "The account has a second factor; prove it by reauthenticate.").
			With("mfa", true)
	}
	return kinds, err
}

// addedFactor is a factor that a session has just proved.
type addedFactor struct {
	of     *ent.User
	first  bool
	proves token.AMR
}

// factorAdded counts a factor, also as what the caller's session has proved, and returns recovery codes with the first.
func (s *Service) factorAdded(
	ctx context.Context, tx *transaction, v *viewer.Viewer, f addedFactor, now time.Time,
) (codes []string, err error) {
	if f.first {
		codes = newRecoveryCodes()
		if _, err := s.replaceRecoveryCodes(ctx, tx, f.of, codes, now); err != nil {
			return nil, err
		}
	}
	if err := tx.factorsChanged(ctx, f.of, now); err != nil {
		return nil, err
	}
	in, err := tx.Session.Query().Where(session.ID(v.SessionID), session.UserID(f.of.ID)).Only(ctx)
	if err == nil {
		_, err = tx.addProof(ctx, in, f.proves)
	}
	return codes, err
}

// factorsChanged records that an account that the transaction holds has other factors now. Devices are no longer
// remembered, and all instances learn of it.
func (tx *transaction) factorsChanged(ctx context.Context, row *ent.User, now time.Time) error {
	tx.touched = append(tx.touched, row.ID)
	return tx.User.Update().Where(user.ID(row.ID)).AddFactorGeneration(1).SetUpdatedAt(now).Exec(ctx)
}

// removeFactors takes all factors away from an account that the transaction holds, confirmed or not.
func (tx *transaction) removeFactors(ctx context.Context, row *ent.User, now time.Time) error {
	before, err := secondFactors(ctx, tx.Client(), row)
	if err != nil {
		return err
	}
	if _, err := tx.TotpFactor.Delete().Where(totpfactor.UserID(row.ID)).Exec(ctx); err != nil {
		return err
	}
	if _, err := tx.Passkey.Delete().Where(passkey.UserID(row.ID)).Exec(ctx); err != nil {
		return err
	}
	if _, err := tx.RecoveryCode.Delete().Where(recoverycode.UserID(row.ID)).Exec(ctx); err != nil {
		return err
	}
	if len(before) == 0 {
		return nil
	}
	for _, kind := range before {
		if kind != FactorRecoveryCodes {
			tx.emit(Event{Kind: FactorRemoved, UserID: row.ID, Factor: kind})
		}
	}
	return tx.factorsChanged(ctx, row, now)
}
