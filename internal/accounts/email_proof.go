package accounts

import (
	"context"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// hasProvedEmail reports whether who has the password of an account has shown that they read the mail of its address. A
// confirmed address alone does not say so: its owner confirms it by a link, without a session, also when another person
// has registered the account.
func hasProvedEmail(row *ent.User) bool {
	proved := row.EmailProvedGeneration
	return row.EmailVerified && proved != nil && *proved == row.CredentialGeneration
}

// formerlyProved is the generation of a proof that holds no more. Who chose the account's factors may have given it.
const formerlyProved = -1

// neverProvedEmail reports whether nobody who held the account has ever shown that they read the mail of its address.
// The address may be another person's then, and the password and factors not theirs. Administrators were vouched for.
func neverProvedEmail(row *ent.User) bool { return row.EmailProvedGeneration == nil && !isAdmin(row) }

// recordProof adds to a change that confirms an address what its token has shown of the holder of the password.
func recordProof(change *ent.UserUpdateOne, r redeemed) *ent.UserUpdateOne {
	if r.own {
		return change.SetEmailProvedGeneration(r.account.CredentialGeneration)
	}
	if r.account.EmailProvedGeneration == nil {
		return change
	}
	return change.SetEmailProvedGeneration(formerlyProved)
}

// isSignedIn reports whether a caller has a live session of an account.
func isSignedIn(
	ctx context.Context, c *ent.Client, v *viewer.Viewer, account *ent.User, now time.Time,
) (bool, error) {
	if v.UserID != account.ID {
		return false, nil
	}
	return c.Session.Query().
		Where(session.ID(v.SessionID), session.UserID(account.ID), session.Not(expiredOrRevoked(now))).Exist(ctx)
}
