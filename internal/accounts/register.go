package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Register creates an account with the role USER and signs it in. Of parallel calls with one address, one wins and the
// others get EMAIL_TAKEN: the key of addresses decides. Problems: BAD_USER_INPUT, EMAIL_TAKEN, RATE_LIMITED; by
// Config.Registration FORBIDDEN, or VERIFICATION_REQUIRED for every address.
func (s *Service) Register(ctx context.Context, v *viewer.Viewer, in RegisterInput) (*AuthPayload, error) {
	if err := s.mayRegister(); err != nil {
		return nil, err
	}
	now := s.now()
	d, err := checkInput(in)
	if err != nil {
		return nil, err
	}
	if s.config.Registration == RegistrationConfirmed {
		return nil, s.requestRegistration(ctx, v, d, now)
	}
	d.caller = v.Caller()
	t := s.throttle.register(d.address, v.Origin, now)
	if err := s.charge(ctx, v, t); err != nil {
		return nil, err
	}
	var payload *AuthPayload
	err = s.createAccount(ctx, d, []Role{RoleUser}, now,
		func(ctx context.Context, tx *transaction, row *ent.User) (err error) {
			payload, err = s.signIn(ctx, tx, newSession{row, token.Password, v.Origin}, now)
			return err
		})
	if err != nil {
		return nil, s.refundUnverified(ctx, t, err)
	}
	return payload, nil
}

// newAccount is a checked RegisterInput.
type newAccount struct {
	address, password string
	name, locale      *string
	proved            bool     // who chose the password has shown that they read the mail of the address
	caller            []string // who waits; nil: the operator
}

// Check refuses what Register refuses of the input alone: all its wrong fields. Problem: BAD_USER_INPUT.
func (in RegisterInput) Check() error {
	_, err := checkInput(in)
	return err
}

func checkInput(in RegisterInput) (*newAccount, error) {
	address, wrongAddress := foldAddress(in.Email)
	name, wrongName := cleanName(in.Name)
	locale, wrongLocale := cleanLocale(in.Locale)
	err := errors.Join(wrongAddress, checkPassword("password", in.Password, address), wrongName, wrongLocale)
	if err != nil {
		return nil, err
	}
	return &newAccount{address: address, password: in.Password, name: name, locale: locale}, nil
}

// createAccount creates an account and calls then in the same transaction. Links that would make
// another of its address end. Problem: EMAIL_TAKEN.
func (s *Service) createAccount(ctx context.Context, d *newAccount, roles []Role, now time.Time,
	then func(context.Context, *transaction, *ent.User) error) error {
	hash, err := s.hash(ctx, unknown(d.caller), d.password)
	if err != nil {
		return err
	}
	id, err := s.config.NewID()
	if err != nil {
		return err
	}
	return s.inTx(ctx, d.caller, func(ctx context.Context, tx *transaction) error {
		if err := takeAddress(ctx, tx, d.address, id); err != nil {
			return err
		}
		create := tx.User.Create().
			SetID(id).SetEmail(d.address).SetNillableName(d.name).SetNillableLocale(d.locale).SetPasswordHash(hash).
			SetRoles(roleNames(roles...)).SetStatus(string(StatusActive)).
			SetCreatedAt(now).SetUpdatedAt(now)
		if d.proved {
			create.SetEmailVerified(true).SetEmailProvedGeneration(0)
		}
		row, err := create.Save(ctx)
		if err != nil {
			return err
		}
		tx.emit(Event{Kind: AccountCreated, UserID: id})
		if err := then(ctx, tx, row); err != nil {
			return err
		}
		return tx.withdraw(ctx, d.address, now, token.Invitation, token.Registration)
	})
}
