package main

import (
	"context"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/verify"
)

// usersOf takes callers from the access tokens of a Gatehouse.
func usersOf(issuer string) (users, error) {
	v, err := verify.New(verify.Config{Issuer: issuer})
	if err != nil {
		return users{}, err
	}
	return users{
		middleware: v.Optional,
		viewer: func(ctx context.Context) (authz.Viewer, error) {
			t, err := verify.From(ctx)
			return account{t}, err
		},
	}, nil
}

// account is a user of the Gatehouse, whose administrators are the editors here.
type account struct{ *verify.Token }

func (a account) Name() string             { return a.UserID.String() }
func (a account) HasRole(role string) bool { return role == "EDITOR" && a.Token.HasRole("ADMIN") }
