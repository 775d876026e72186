package graph

import (
	"context"

	"github.com/gatehouse/gatehouse/graph/model"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// resolver answers fields by one call each: who may ask is decided before (package authz), whose it is behind
// (package accounts).
type resolver struct{ accounts *accounts.Service }

// Register is the resolver for the register field.
func (r *mutationResolver) Register(ctx context.Context, input accounts.RegisterInput) (*accounts.AuthPayload, error) {
	return r.accounts.Register(ctx, input)
}

// Login is the resolver for the login field.
func (r *mutationResolver) Login(ctx context.Context, input accounts.LoginInput) (*accounts.AuthPayload, error) {
	return r.accounts.Login(ctx, input)
}

// Refresh is the resolver for the refresh field.
func (r *mutationResolver) Refresh(ctx context.Context, input accounts.RefreshInput) (*accounts.AuthPayload, error) {
	return r.accounts.Refresh(ctx, input)
}

// Logout is the resolver for the logout field.
func (r *mutationResolver) Logout(ctx context.Context) (*accounts.LogoutPayload, error) {
	return r.accounts.Logout(ctx, viewer.From(ctx))
}

// UpdateProfile is the resolver for the updateProfile field.
func (r *mutationResolver) UpdateProfile(ctx context.Context, input model.UpdateProfileInput) (*accounts.UpdateProfilePayload, error) {
	return r.accounts.UpdateProfile(ctx, viewer.From(ctx), accounts.ProfileChange{Name: given(input.Name)})
}

// Me is the resolver for the me field.
func (r *queryResolver) Me(ctx context.Context) (*accounts.User, error) {
	return r.accounts.Me(ctx, viewer.From(ctx))
}

// Mutation returns MutationResolver implementation.
func (r *resolver) Mutation() MutationResolver { return &mutationResolver{r} }

// Query returns QueryResolver implementation.
func (r *resolver) Query() QueryResolver { return &queryResolver{r} }

type (
	mutationResolver struct{ *resolver }
	queryResolver    struct{ *resolver }
)
