package graph

// THIS CODE WILL BE UPDATED WITH SCHEMA CHANGES. PREVIOUS IMPLEMENTATION FOR SCHEMA CHANGES WILL BE KEPT IN THE COMMENT SECTION. IMPLEMENTATION FOR UNCHANGED SCHEMA WILL BE KEPT.

import (
	"context"

	"github.com/gatehouse/gatehouse/graph/model"
	"github.com/gatehouse/gatehouse/internal/accounts"
)

type resolver struct{}

// Register is the resolver for the register field.
func (r *mutationResolver) Register(ctx context.Context, input accounts.RegisterInput) (*accounts.AuthPayload, error) {
	panic("not implemented")
}

// Login is the resolver for the login field.
func (r *mutationResolver) Login(ctx context.Context, input accounts.LoginInput) (*accounts.AuthPayload, error) {
	panic("not implemented")
}

// Refresh is the resolver for the refresh field.
func (r *mutationResolver) Refresh(ctx context.Context, input accounts.RefreshInput) (*accounts.AuthPayload, error) {
	panic("not implemented")
}

// Logout is the resolver for the logout field.
func (r *mutationResolver) Logout(ctx context.Context) (*accounts.LogoutPayload, error) {
	panic("not implemented")
}

// UpdateProfile is the resolver for the updateProfile field.
func (r *mutationResolver) UpdateProfile(ctx context.Context, input model.UpdateProfileInput) (*accounts.UpdateProfilePayload, error) {
	panic("not implemented")
}

// Me is the resolver for the me field.
func (r *queryResolver) Me(ctx context.Context) (*accounts.User, error) {
	panic("not implemented")
}

// Mutation returns MutationResolver implementation.
func (r *resolver) Mutation() MutationResolver { return &mutationResolver{r} }

// Query returns QueryResolver implementation.
func (r *resolver) Query() QueryResolver { return &queryResolver{r} }

type (
	mutationResolver struct{ *resolver }
	queryResolver    struct{ *resolver }
)
