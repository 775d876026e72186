package accounts

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/passkey"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// StartPasskeyPayload is GraphQL's type of that name.
type StartPasskeyPayload struct{ Options any }

// StartPasskey makes the options with which a browser makes a passkey of the caller. They count for this session, and end
// those before. Problems: FORBIDDEN, REAUTHENTICATION_REQUIRED, UNAUTHENTICATED.
func (s *Service) StartPasskey(ctx context.Context, v *viewer.Viewer) (*StartPasskeyPayload, error) {
	rp, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	now := s.now()
	id, err := s.config.NewID()
	if err != nil {
		return nil, err
	}
	var named passkey.User
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
		if _, err := needFactor(ctx, tx, v, caller); err != nil {
			return err
		}
		rows, err := passkeysOf(ctx, tx.Client(), caller.ID)
		if err != nil {
			return err
		}
		if len(rows) >= maxPasskeys {
			return tooManyPasskeys()
		}
		named = passkey.User{Name: caller.Email, DisplayName: valueOr(caller.Name, caller.Email), Passkeys: allVerifiable(rows)}
		if named.Handle, err = tx.passkeyHandle(ctx, caller); err != nil {
			return err
		}
		_, err = s.issue(ctx, tx, newOneTime{id: id, purpose: token.AddPasskey, user: caller.ID, address: caller.Email,
			session: v.SessionID}, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	t, err := s.config.OneTime.New(token.AddPasskey, v.UserID, id)
	if err != nil {
		return nil, err
	}
	options, err := rp.CreationOptions(t.Challenge(), named)
	if err != nil {
		return nil, err
	}
	return &StartPasskeyPayload{Options: options}, nil
}

// passkeyHandle returns how authenticators name an account that the transaction holds. It stays, so that a new passkey
// takes the place of one that an authenticator has for the account.
func (tx *transaction) passkeyHandle(ctx context.Context, account *ent.User) ([]byte, error) {
	if len(account.PasskeyHandle) > 0 {
		return account.PasskeyHandle, nil
	}
	handle := make([]byte, passkeyHandleLen)
	rand.Read(handle)
	return handle, tx.User.Update().Where(user.ID(account.ID)).SetPasskeyHandle(handle).Exec(ctx)
}

func tooManyPasskeys() error {
	return problem.New(problem.Forbidden, fmt.Sprintf("The account has %d passkeys; remove one of them first.", maxPasskeys))
}

// StartPasskeyLoginPayload is GraphQL's type of that name.
type StartPasskeyLoginPayload struct{ Options any }

// StartPasskeyLogin makes the options with which a browser uses a passkey. For a signed-in caller they name their
// passkeys, and count for this session; otherwise they name none, and the user's choice says who signs in. Problems:
// FORBIDDEN, also for a personal access token, NOT_FOUND for a caller without passkeys, RATE_LIMITED.
func (s *Service) StartPasskeyLogin(ctx context.Context, v *viewer.Viewer) (*StartPasskeyLoginPayload, error) {
	rp, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	if v.TokenID != uuid.Nil {
		return nil, problem.New(problem.Forbidden,
			"A personal access token uses no passkeys; ask with the access token of a session, or with none.")
	}
	now := s.now()
	if err := s.throttled(ctx, s.throttle.ceremony(v, now)); err != nil {
		return nil, err
	}
	id, err := s.config.NewID()
	if err != nil {
		return nil, err
	}
	n := newOneTime{id: id, purpose: token.UsePasskey, user: id}
	var allowed []passkey.Passkey
	if v.SignedIn() {
		n.user, n.session = v.UserID, v.SessionID
		err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
			rows, err := passkeysOf(ctx, tx.Client(), caller.ID)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				return problem.New(problem.NotFound, "The account has no passkey.")
			}
			allowed, n.address = allVerifiable(rows), caller.Email
			_, err = s.issue(ctx, tx, n, now)
			return err
		})
	} else {
		err = s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
			_, err := s.issue(ctx, tx, n, now)
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	return s.requestOptions(rp, n.user, id, allowed)
}

func (s *Service) requestOptions(
	rp *passkey.RelyingParty, owner, id uuid.UUID, allowed []passkey.Passkey,
) (*StartPasskeyLoginPayload, error) {
	t, err := s.config.OneTime.New(token.UsePasskey, owner, id)
	if err != nil {
		return nil, err
	}
	options, err := rp.RequestOptions(t.Challenge(), allowed)
	if err != nil {
		return nil, err
	}
	return &StartPasskeyLoginPayload{Options: options}, nil
}
