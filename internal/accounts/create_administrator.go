package accounts

import (
	"context"

	"github.com/gatehouse/gatehouse/ent"
)

// CreateAdministrator creates an account with the roles ADMIN and USER, without signing in. It changes no account that
// exists: see Promote. Problems: BAD_USER_INPUT, EMAIL_TAKEN.
func (s *Service) CreateAdministrator(ctx context.Context, address, password string) (*User, error) {
	d, err := checkInput(RegisterInput{Email: address, Password: password})
	if err != nil {
		return nil, err
	}
	var created *User
	roles := []Role{RoleAdmin, RoleUser}
	err = s.createAccount(ctx, d, roles, s.now(), func(ctx context.Context, tx *transaction, row *ent.User) error {
		created = userOf(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return created, nil
}
