package accounts

import (
	"context"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// CreateAdministrator creates an account with the roles ADMIN and USER, without signing in. Problems: BAD_USER_INPUT,
// EMAIL_TAKEN.
func (s *Service) CreateAdministrator(ctx context.Context, address, password string) (*User, error) {
	d, err := checkInput(RegisterInput{Email: address, Password: password})
	if err != nil {
		return nil, err
	}
	var made *User
	err = s.createAccount(ctx, d, []Role{RoleAdmin, RoleUser}, s.now(),
		func(_ context.Context, _ *transaction, row *ent.User) error {
			made = userOf(row)
			return nil
		})
	return made, err
}

// Promote gives an account the role ADMIN; its password and sessions stay as they are. Problems: BAD_USER_INPUT,
// NOT_FOUND, and FORBIDDEN for a suspended account, which could not use the role.
func (s *Service) Promote(ctx context.Context, address string) (*User, error) {
	now := s.now()
	folded, err := foldAddress(address)
	if err != nil {
		return nil, err
	}
	var promoted *User
	err = s.inTx(ctx, func(ctx context.Context, tx *transaction) error {
		// Without the lock the account could be suspended or deleted before the write.
		if err := lockAdministrators(ctx, tx); err != nil {
			return err
		}
		row, err := tx.User.Query().Where(user.Email(folded)).Only(ctx)
		if ent.IsNotFound(err) {
			return problem.New(problem.NotFound, "There is no account with this e-mail address.")
		}
		if err != nil {
			return err
		}
		if row.Status != string(StatusActive) {
			return problem.New(problem.Forbidden, "The account is suspended; reinstate it first.")
		}
		if !isAdmin(row) {
			roles := roleNames(append(userOf(row).Roles, RoleAdmin)...)
			if row, err = row.Update().SetRoles(roles).SetUpdatedAt(now).Save(ctx); err != nil {
				return err
			}
			if err := s.recordRoles(ctx, tx, row, now); err != nil {
				return err
			}
		}
		promoted = userOf(row)
		return nil
	})
	return promoted, err
}
