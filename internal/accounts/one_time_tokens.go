package accounts

import (
	"context"
	"fmt"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// oneTimeTTL is how long a token of each purpose may be used.
var oneTimeTTL = map[token.OneTimePurpose]time.Duration{
	token.ResetAccess:   30 * time.Minute,
	token.VerifyEmail:   24 * time.Hour,
	token.ChangeEmail:   24 * time.Hour,
	token.UndoEmail:     7 * 24 * time.Hour,
	token.SecureAccount: 7 * 24 * time.Hour,
	token.Invitation:    7 * 24 * time.Hour,
	token.Registration:  24 * time.Hour,
	token.Export:        24 * time.Hour,
	token.SecondFactor:  5 * time.Minute,
	token.AddPasskey:    CeremonyTTL,
	token.UsePasskey:    CeremonyTTL,
}

// oneTimeRetention is how long a token is stored that has expired, so that its late user learns why it is refused.
const oneTimeRetention = 24 * time.Hour

// newOneTime is a token to be issued.
type newOneTime struct {
	id      uuid.UUID
	purpose token.OneTimePurpose
	user    uuid.UUID
	address string    // to which it is sent
	session uuid.UUID // that asked; uuid.Nil: none
	roles   []Role    // of an invitation
	locale  *string   // of the account that is to be made

	amr        token.AMR // of a challenge: what was proved
	generation *int      // of a challenge: the account's credential_generation
}

// issue writes a one-time token of an account that the transaction holds. It takes the place of the one before of its
// purpose, an invitation that of every one of its address; but undoing one change of address does not depend on who
// made the next, nor does what a notice warns of end the link of another notice.
func (s *Service) issue(ctx context.Context, tx *transaction, n newOneTime, now time.Time) (*ent.OneTimeToken, error) {
	made, err := s.config.OneTime.New(n.purpose, n.user, n.id)
	if err != nil {
		return nil, err
	}
	at := now
	switch n.purpose {
	case token.UndoEmail:
		at, err = tx.afterLastUndo(ctx, n.user, now)
	case token.Invitation:
		err = tx.withdraw(ctx, n.address, now, token.Invitation)
	case token.Registration: // one's link ends no other's: they all make the same account
	case token.SecureAccount, token.SecondFactor, token.UsePasskey: // two devices may sign in at the same time
	default:
		err = tx.expireTokens(ctx, n.user, now, n.purpose)
	}
	if err != nil {
		return nil, err
	}
	create := tx.OneTimeToken.Create().SetID(n.id).SetUserID(n.user).SetPurpose(string(n.purpose)).
		SetDigest(made.Digest()).SetAddress(n.address).SetCreatedAt(at).SetExpiresAt(now.Add(oneTimeTTL[n.purpose])).
		SetNillableRoles(nilIfEmpty(strings.Join(roleNames(n.roles...), " "))).SetNillableLocale(n.locale).
		SetNillableAmr(nilIfEmpty(n.amr.String())).SetNillableCredentialGeneration(n.generation)
	if n.session != uuid.Nil {
		create.SetSessionID(n.session)
	}
	return create.Save(ctx)
}

// afterLastUndo returns a time after that of every undo of an account: clocks of instances differ, and which change
// came first decides what an undo takes back.
func (tx *transaction) afterLastUndo(ctx context.Context, account uuid.UUID, now time.Time) (time.Time, error) {
	last, err := tx.OneTimeToken.Query().Where(onetimetoken.UserID(account),
		onetimetoken.Purpose(string(token.UndoEmail))).Order(ent.Desc(onetimetoken.FieldCreatedAt)).First(ctx)
	if err != nil {
		return now, ent.MaskNotFound(err)
	}
	return later(now, last.CreatedAt.UTC().Add(time.Microsecond)), nil
}

// expireTokens ends an account's unused tokens of some purposes.
func (tx *transaction) expireTokens(
	ctx context.Context, account uuid.UUID, now time.Time, purposes ...token.OneTimePurpose,
) error {
	return tx.expire(ctx, now, onetimetoken.UserID(account), purposeIn(purposes))
}

// withdraw ends the links of some purposes that would make an account of an address: it has one now, or a newer link
// takes their place.
func (tx *transaction) withdraw(
	ctx context.Context, folded string, now time.Time, purposes ...token.OneTimePurpose,
) error {
	return tx.expire(ctx, now, onetimetoken.Address(folded), purposeIn(purposes))
}

// expire ends the unused tokens in scope.
func (tx *transaction) expire(ctx context.Context, now time.Time, scope ...predicate.OneTimeToken) error {
	return tx.OneTimeToken.Update().Where(scope...).Where(isUnused(now)).SetExpiresAt(now).Exec(ctx)
}

func isUnused(now time.Time) predicate.OneTimeToken {
	return onetimetoken.And(onetimetoken.UsedAtIsNil(), onetimetoken.ExpiresAtGT(now))
}

func purposeIn(purposes []token.OneTimePurpose) predicate.OneTimeToken {
	names := make([]string, len(purposes))
	for i, p := range purposes {
		names[i] = string(p)
	}
	return onetimetoken.PurposeIn(names...)
}

// pendingPurposes are of what another person may have begun with a password or a session that they stole: a change of
// address, an export, a sign-in that wants a second factor, a passkey that is being made or used.
func pendingPurposes() []token.OneTimePurpose {
	return []token.OneTimePurpose{
		token.ChangeEmail, token.Export, token.SecondFactor, token.AddPasskey, token.UsePasskey,
	}
}

// isPending matches what pendingPurposes are of, and an invitation that gives ADMIN.
func isPending() predicate.OneTimeToken {
	return onetimetoken.Or(purposeIn(pendingPurposes()), onetimetoken.RolesContains(string(RoleAdmin)))
}

// hasPending matches users of whom something is pending that began at since or later.
func hasPending(since, now time.Time) predicate.User {
	return func(users *entsql.Selector) {
		table := entsql.Table(onetimetoken.Table)
		tokens := entsql.Dialect(users.Dialect()).Select(table.C(onetimetoken.FieldUserID)).From(table)
		onetimetoken.And(isPending(), isUnused(now), onetimetoken.CreatedAtGTE(since))(tokens)
		users.Where(entsql.In(users.C(user.FieldID), tokens))
	}
}

// cancelPending cancels what is pending in scope, when the sessions that began it end for another reason than a logout, or
// their password is replaced.
func (tx *transaction) cancelPending(ctx context.Context, now time.Time, scope ...predicate.OneTimeToken) error {
	scope = append(scope, isPending())
	rows, err := tx.OneTimeToken.Query().Where(scope...).Where(isUnused(now)).All(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	var movers []uuid.UUID
	for _, row := range rows {
		if row.Purpose == string(token.ChangeEmail) {
			movers = append(movers, row.UserID)
		}
	}
	tx.touched = append(tx.touched, movers...)
	if len(movers) > 0 {
		err := tx.User.Update().Where(user.IDIn(movers...)).ClearPendingEmail().SetUpdatedAt(now).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return tx.expire(ctx, now, scope...)
}

// presented reads a one-time token that a client sent, and charges it. Problems: INVALID_TOKEN, RATE_LIMITED.
func (s *Service) presented(
	ctx context.Context, v *viewer.Viewer, purpose token.OneTimePurpose, text string, now time.Time,
) (token.OneTime, error) {
	t, err := s.config.OneTime.Parse(purpose, text)
	if err := s.throttled(ctx, s.throttle.oneTime(t, err, v.Origin, now)); err != nil {
		return token.OneTime{}, err
	}
	if err != nil {
		return token.OneTime{}, linkRefused(tokenUnknown).WithCause(err)
	}
	return t, nil
}

// usable returns the row of a one-time token that may be used now. Problem: INVALID_TOKEN.
func usable(ctx context.Context, c *ent.OneTimeTokenClient, t token.OneTime, now time.Time) (*ent.OneTimeToken, error) {
	row, err := c.Query().Where(onetimetoken.ID(t.ID), onetimetoken.UserID(t.User)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, linkRefused(tokenUnknown)
	case err != nil:
		return nil, err
	case row.Purpose != string(t.Purpose) || !t.Matches(row.Digest):
		return nil, linkRefused(tokenUnknown)
	case row.UsedAt != nil:
		return nil, linkRefused(tokenUsed)
	case !now.Before(row.ExpiresAt):
		return nil, linkRefused(tokenExpired)
	}
	return row, nil
}

// redeemed is a one-time token that was used up, and its account.
type redeemed struct {
	account *ent.User
	token   *ent.OneTimeToken // proves the owner of its address
	own     bool              // it came with a session of the account
}

// redeem locks the account of a one-time token and uses the token up. Problem: INVALID_TOKEN.
func (s *Service) redeem(ctx context.Context, tx *transaction, t token.OneTime, now time.Time) (redeemed, error) {
	open := isActive()
	if t.Purpose == token.ResetAccess || t.Purpose == token.UndoEmail { // by which an owner has a deleted account again
		open = mayReturn(now)
	}
	account, err := lockUser(ctx, tx, user.ID(t.User), open)
	if err != nil {
		return redeemed{}, err
	}
	if account == nil {
		return redeemed{}, linkRefused(tokenRevoked)
	}
	tx.touched = append(tx.touched, account.ID)
	row, err := usable(ctx, tx.OneTimeToken, t, now)
	if err != nil {
		return redeemed{}, err
	}
	return redeemed{account: account, token: row}, tx.useUp(ctx, row, now)
}

// useUp marks a token as used. Problem: INVALID_TOKEN, when it is.
func (tx *transaction) useUp(ctx context.Context, row *ent.OneTimeToken, now time.Time) error {
	n, err := tx.OneTimeToken.Update().
		Where(onetimetoken.ID(row.ID), onetimetoken.UserID(row.UserID), onetimetoken.UsedAtIsNil()).SetUsedAt(now).Save(ctx)
	if err == nil && n == 0 {
		err = linkRefused(tokenUsed)
	}
	return err
}

// linkRefused refuses the token of a link.
func linkRefused(reason string) *problem.Problem {
	return problem.New(problem.InvalidToken,
		"The link is used, replaced by a newer one, expired or unknown; ask for another mail.").WithReason(reason)
}

// DeleteOldOneTimeTokens deletes tokens that expired oneTimeRetention ago, and takes back the changes of address whose
// tokens have expired. Call it periodically.
func (s *Service) DeleteOldOneTimeTokens(ctx context.Context) error {
	if err := s.endExpiredMoves(ctx); err != nil {
		return fmt.Errorf("ending changes of address: %w", err)
	}
	return s.sweep(ctx, onetimetoken.Table, func(ctx context.Context, tx *ent.Tx) (int, error) {
		old := entsql.And(entsql.LTE(onetimetoken.FieldExpiresAt, s.now().Add(-oneTimeRetention)),
			entsql.NEQ(onetimetoken.FieldPurpose, string(token.UndoEmail))) // an undo goes when its address is freed
		return tx.OneTimeToken.Delete().Where(unlocked(onetimetoken.Table, old)).Exec(ctx)
	})
}
