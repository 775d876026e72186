package accounts

import (
	"cmp"
	"context"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// ReauthenticateInput is GraphQL's input of that name.
type ReauthenticateInput struct {
	Password, Code *string
	Passkey        any
}

// Reauthenticate proves who the caller is again, by the password or by a code of their authenticator app: this session,
// and no other, gets a new auth_time, which counts for all of its access tokens, and one that says so. What was proved
// before stays. Its refresh token stays as it is. Problems: BAD_USER_INPUT, INVALID_CREDENTIALS, RATE_LIMITED,
// UNAUTHENTICATED.
func (s *Service) Reauthenticate(ctx context.Context, v *viewer.Viewer, in ReauthenticateInput) (*AuthPayload, error) {
	switch {
	case in.Passkey != nil && (in.Password != nil || in.Code != nil):
		return nil, problem.BadInput("passkey", problem.NotAllowed, "One proof is enough; leave the passkey out.")
	case in.Passkey != nil:
		return s.reauthenticateByPasskey(ctx, v, in.Passkey)
	case in.Password == nil && in.Code == nil:
		return nil, problem.BadInput("password", problem.Required, "The password is required, a code or a passkey.")
	case in.Password != nil && in.Code != nil:
		return nil, problem.BadInput("code", problem.NotAllowed, "The password is enough; leave the code out.")
	case in.Code != nil:
		return s.reauthenticateByCode(ctx, v, *in.Code)
	}
	now := s.now()
	proved, err := s.prove(ctx, v, *in.Password, now)
	if err != nil {
		return nil, err
	}
	var payload *AuthPayload
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, row *ent.User) error {
		err := replaceHash(ctx, tx, row, proved.verified, proved.hash)
		if err != nil {
			return err
		}
		if payload, err = s.provedAgain(ctx, tx, v, row, token.Password, now); err != nil {
			return err
		}
		return s.refundSucceeded(ctx, tx, proved.try)
	})
	if err != nil {
		return nil, err
	}
	return payload, nil
}

// reauthenticateByCode is Reauthenticate by a code of the caller's authenticator app. Its tries have counters of their
// own: a right password refunds none.
func (s *Service) reauthenticateByCode(ctx context.Context, v *viewer.Viewer, code string) (*AuthPayload, error) {
	now := s.now()
	me, err := s.Me(ctx, v)
	if err != nil {
		return nil, err
	}
	t := s.throttle.knownFactor(me.Email, v.SessionID, now)
	if err := s.charge(ctx, v, t); err != nil {
		return nil, err
	}
	var payload *AuthPayload
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, row *ent.User) error {
		payload = nil
		ok, err := s.useTotp(ctx, tx, row, code, now)
		if err != nil || !ok {
			return cmp.Or(err, error(wrongCode()))
		}
		if payload, err = s.provedAgain(ctx, tx, v, row, token.OneTimeCode, now); err != nil {
			return err
		}
		return s.refundSucceeded(ctx, tx, t)
	})
	if problem.Is(err, problem.InvalidCredentials) {
		return nil, s.failed(ctx, ReauthenticationFailed, v.UserID, err)
	}
	return payload, err
}

// reauthenticateByPasskey is Reauthenticate by one of the caller's passkeys.
func (s *Service) reauthenticateByPasskey(ctx context.Context, v *viewer.Viewer, response any) (*AuthPayload, error) {
	now := s.now()
	u, err := s.presentedPasskey(ctx, v, "passkey", response, now)
	if err != nil {
		return nil, err
	}
	var payload *AuthPayload
	var refused error
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, row *ent.User) error {
		payload, refused = nil, nil
		if err := endCeremony(ctx, tx, v, u.ceremony, now); err != nil {
			return err
		}
		amr, no, err := s.usePasskey(ctx, tx, row, u, now)
		if refused = no; no != nil || err != nil {
			return err
		}
		payload, err = s.provedAgain(ctx, tx, v, row, amr, now)
		return err
	})
	if err == nil && refused != nil {
		return nil, s.failed(ctx, ReauthenticationFailed, v.UserID, refused)
	}
	return payload, err
}

// provedAgain records what the caller has proved now, and when, and returns an access token that says so.
func (s *Service) provedAgain(
	ctx context.Context, tx *transaction, v *viewer.Viewer, row *ent.User, by token.AMR, now time.Time,
) (*AuthPayload, error) {
	in, err := tx.Session.UpdateOneID(v.SessionID).Where(session.UserID(row.ID)).SetAuthenticatedAt(now).Save(ctx)
	if err != nil {
		return nil, err
	}
	if in, err = tx.addProof(ctx, in, by); err != nil {
		return nil, err
	}
	tx.emit(Event{Kind: Reauthenticated, UserID: row.ID, SessionID: in.ID})
	return s.accessPayload(row, in, now)
}

// addProof adds to what was proved before in a session, also when another instance recorded that a moment ago.
func (*transaction) addProof(ctx context.Context, in *ent.Session, by token.AMR) (*ent.Session, error) {
	before := token.ParseAMR(in.Amr)
	if after := before.With(by); after != before {
		return in.Update().SetAmr(after.String()).Save(ctx)
	}
	return in, nil
}

// proof is a password that was right.
type proof struct {
	verified string // the hash that it was compared with
	hash     string // the one to keep from now on
	try      *attempt
}

// prove verifies the caller's own password outside of any transaction. Problems: INVALID_CREDENTIALS, RATE_LIMITED,
// UNAUTHENTICATED.
func (s *Service) prove(ctx context.Context, v *viewer.Viewer, text string, now time.Time) (*proof, error) {
	row, err := s.config.Client.User.Query().Where(user.ID(v.UserID)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, sessionEnded()
	}
	if err != nil {
		return nil, err
	}
	if !password.Possible(text) {
		if err := s.chargeImpossible(ctx, v, now); err != nil {
			return nil, err
		}
		return nil, s.failed(ctx, ReauthenticationFailed, row.ID, wrongPassword())
	}
	t := s.throttle.proof(row.Email, v.SessionID, now)
	if err := s.charge(ctx, v, t); err != nil {
		return nil, err
	}
	hash, ok, err := s.verify(ctx, t.caller(v), text, row.PasswordHash)
	if err != nil {
		return nil, s.refundUnverified(ctx, t, err)
	}
	if !ok {
		return nil, s.failed(ctx, ReauthenticationFailed, row.ID, wrongPassword())
	}
	return &proof{row.PasswordHash, hash, t}, nil
}

func wrongPassword() *problem.Problem {
	return problem.New(problem.InvalidCredentials, "The password is wrong.")
}

// replaceHash is keepHash for an account whose hash may have changed since it was verified.
func replaceHash(ctx context.Context, tx *transaction, row *ent.User, verified, hash string) error {
	if row.PasswordHash != verified {
		return wrongPassword()
	}
	return keepHash(ctx, tx, row, hash)
}

// keepHash gives an account that the transaction holds a hash, unless it has that one.
func keepHash(ctx context.Context, tx *transaction, row *ent.User, hash string) error {
	if row.PasswordHash == hash {
		return nil
	}
	return tx.User.Update().Where(user.ID(row.ID)).SetPasswordHash(hash).Exec(ctx)
}
