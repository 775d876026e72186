package accounts

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// maxCodeAttempts is how often a code may be tried. Then only the link in its mail still works.
const maxCodeAttempts = 5

// mailProof is what a client shows of a mail: the token of its link, or its code.
type mailProof struct {
	purpose     token.OneTimePurpose
	token, code *string
}

// redeemFunc is what a token is used up for.
type redeemFunc func(ctx context.Context, tx *transaction, r redeemed) error

// redeemProof uses up the token of a mail in the transaction of what it is for. The token of the link says whose it is,
// and the caller may be anybody; the code counts for the session that asked for the mail. Problems: BAD_USER_INPUT,
// INVALID_TOKEN, RATE_LIMITED; with a code also INVALID_CREDENTIALS, UNAUTHENTICATED.
func (s *Service) redeemProof(ctx context.Context, v *viewer.Viewer, p mailProof, now time.Time, f redeemFunc) error {
	switch {
	case p.token == nil && p.code == nil:
		return problem.BadInput("token", problem.Required, "The token of the link is required, or the code.")
	case p.token != nil && p.code != nil:
		return problem.BadInput("code", problem.NotAllowed, "The token of the link is enough; leave the code out.")
	case p.code != nil:
		return s.redeemCode(ctx, v, p, now, f)
	}
	t, err := s.presented(ctx, v, p.purpose, *p.token, now)
	if err != nil {
		return err
	}
	return s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		r, err := s.redeem(ctx, tx, t, now)
		if err != nil {
			return err
		}
		if r.own, err = isSignedIn(ctx, tx.Client(), v, r.account, now); err != nil {
			return err
		}
		return f(ctx, tx, r)
	})
}

// redeemCode is redeemProof by a code. A wrong one is committed, since attempts count.
func (s *Service) redeemCode(ctx context.Context, v *viewer.Viewer, p mailProof, now time.Time, f redeemFunc) error {
	var refused error
	err := s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
		refused = nil
		row, err := tx.OneTimeToken.Query().Where(onetimetoken.UserID(caller.ID), onetimetoken.Purpose(string(p.purpose)),
			onetimetoken.SessionID(v.SessionID), onetimetoken.UsedAtIsNil(), onetimetoken.ExpiresAtGT(now),
			onetimetoken.AttemptsLT(maxCodeAttempts)).Order(ent.Desc(onetimetoken.FieldID)).First(ctx)
		if ent.IsNotFound(err) {
			return linkRefused(tokenExpired)
		}
		if err != nil {
			return err
		}
		t, ok := s.config.OneTime.Stored(p.purpose, row.UserID, row.ID, row.Digest)
		if !ok || !t.IsCode(v.SessionID, strings.ReplaceAll(*p.code, " ", "")) {
			refused = problem.New(problem.InvalidCredentials, "The code is wrong.")
			tx.emit(Event{Kind: CodeRefused, UserID: caller.ID, SessionID: v.SessionID})
			return row.Update().AddAttempts(1).Exec(ctx)
		}
		if err := tx.useUp(ctx, row, now); err != nil {
			return err
		}
		return f(ctx, tx, redeemed{account: caller, token: row, own: true})
	})
	return cmp.Or(err, refused)
}
