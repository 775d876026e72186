package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/graph/model"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// resolver answers fields by one call each: who may ask is decided before (package authz), whose it is behind
// (package accounts).
type resolver struct {
	accounts *accounts.Service
	guard    *authz.Guard
}

// Register is the resolver for the register field.
func (r *mutationResolver) Register(ctx context.Context, input accounts.RegisterInput) (*accounts.AuthPayload, error) {
	return signIn(ctx, input.Cookie, r.accounts.Register, input)
}

// Login is the resolver for the login field.
func (r *mutationResolver) Login(ctx context.Context, input accounts.LoginInput) (*accounts.AuthPayload, error) {
	return signIn(ctx, input.Cookie, r.accounts.Login, input)
}

// CompleteLogin is the resolver for the completeLogin field.
func (r *mutationResolver) CompleteLogin(ctx context.Context, input accounts.CompleteLoginInput) (*accounts.AuthPayload, error) {
	return signIn(ctx, input.Cookie, r.accounts.CompleteLogin, input)
}

// Refresh is the resolver for the refresh field.
func (r *mutationResolver) Refresh(ctx context.Context, input accounts.RefreshInput) (*accounts.AuthPayload, error) {
	return refresh(ctx, r.accounts.Refresh, input)
}

// Logout is the resolver for the logout field.
func (r *mutationResolver) Logout(ctx context.Context) (*accounts.LogoutPayload, error) {
	return logout(ctx, r.accounts.Logout)
}

// RevokeSession is the resolver for the revokeSession field.
func (r *mutationResolver) RevokeSession(ctx context.Context, id uuid.UUID) (*accounts.RevokeSessionPayload, error) {
	return r.accounts.RevokeSession(ctx, viewer.From(ctx), id)
}

// RevokeOtherSessions is the resolver for the revokeOtherSessions field.
func (r *mutationResolver) RevokeOtherSessions(ctx context.Context) (*accounts.RevokeOtherSessionsPayload, error) {
	return r.accounts.RevokeOtherSessions(ctx, viewer.From(ctx))
}

// UpdateProfile is the resolver for the updateProfile field.
func (r *mutationResolver) UpdateProfile(ctx context.Context, input model.UpdateProfileInput) (*accounts.UpdateProfilePayload, error) {
	return r.accounts.UpdateProfile(ctx, viewer.From(ctx), accounts.ProfileChange{Name: omittable(input.Name), Locale: omittable(input.Locale)})
}

// CreateAccessToken is the resolver for the createAccessToken field.
func (r *mutationResolver) CreateAccessToken(ctx context.Context, input accounts.CreateAccessTokenInput) (*accounts.CreateAccessTokenPayload, error) {
	return r.accounts.CreateAccessToken(ctx, viewer.From(ctx), input)
}

// RevokeAccessToken is the resolver for the revokeAccessToken field.
func (r *mutationResolver) RevokeAccessToken(ctx context.Context, id uuid.UUID) (*accounts.RevokeAccessTokenPayload, error) {
	return r.accounts.RevokeAccessToken(ctx, viewer.From(ctx), id)
}

// Reauthenticate is the resolver for the reauthenticate field.
func (r *mutationResolver) Reauthenticate(ctx context.Context, input accounts.ReauthenticateInput) (*accounts.AuthPayload, error) {
	return r.accounts.Reauthenticate(ctx, viewer.From(ctx), input)
}

// ChangePassword is the resolver for the changePassword field.
func (r *mutationResolver) ChangePassword(ctx context.Context, input accounts.ChangePasswordInput) (*accounts.AuthPayload, error) {
	return signIn(ctx, cookieFrom(ctx).sent != "", r.accounts.ChangePassword, input)
}

// RequestEmailVerification is the resolver for the requestEmailVerification field.
func (r *mutationResolver) RequestEmailVerification(ctx context.Context) (*accounts.RequestEmailVerificationPayload, error) {
	return r.accounts.RequestEmailVerification(ctx, viewer.From(ctx))
}

// VerifyEmail is the resolver for the verifyEmail field.
func (r *mutationResolver) VerifyEmail(ctx context.Context, input accounts.VerifyEmailInput) (*accounts.VerifyEmailPayload, error) {
	return r.accounts.VerifyEmail(ctx, viewer.From(ctx), input)
}

// RequestPasswordReset is the resolver for the requestPasswordReset field.
func (r *mutationResolver) RequestPasswordReset(ctx context.Context, input accounts.RequestPasswordResetInput) (*accounts.RequestPasswordResetPayload, error) {
	return r.accounts.RequestPasswordReset(ctx, viewer.From(ctx), input)
}

// ResetPassword is the resolver for the resetPassword field.
func (r *mutationResolver) ResetPassword(ctx context.Context, input accounts.ResetPasswordInput) (*accounts.AuthPayload, error) {
	return signIn(ctx, input.Cookie, r.accounts.ResetPassword, input)
}

// ChangeEmail is the resolver for the changeEmail field.
func (r *mutationResolver) ChangeEmail(ctx context.Context, input accounts.ChangeEmailInput) (*accounts.ChangeEmailPayload, error) {
	return r.accounts.ChangeEmail(ctx, viewer.From(ctx), input)
}

// ConfirmEmailChange is the resolver for the confirmEmailChange field.
func (r *mutationResolver) ConfirmEmailChange(ctx context.Context, input accounts.ConfirmEmailChangeInput) (*accounts.ConfirmEmailChangePayload, error) {
	return r.accounts.ConfirmEmailChange(ctx, viewer.From(ctx), input)
}

// RevertEmailChange is the resolver for the revertEmailChange field.
func (r *mutationResolver) RevertEmailChange(ctx context.Context, input accounts.RevertEmailChangeInput) (*accounts.RevertEmailChangePayload, error) {
	return r.accounts.RevertEmailChange(ctx, viewer.From(ctx), input)
}

// InviteUser is the resolver for the inviteUser field.
func (r *mutationResolver) InviteUser(ctx context.Context, input accounts.InviteUserInput) (*accounts.InviteUserPayload, error) {
	return r.accounts.InviteUser(ctx, viewer.From(ctx), input)
}

// AcceptInvitation is the resolver for the acceptInvitation field.
func (r *mutationResolver) AcceptInvitation(ctx context.Context, input accounts.AcceptInvitationInput) (*accounts.AuthPayload, error) {
	return signIn(ctx, input.Cookie, r.accounts.AcceptInvitation, input)
}

// SecureAccount is the resolver for the secureAccount field.
func (r *mutationResolver) SecureAccount(ctx context.Context, input accounts.SecureAccountInput) (*accounts.SecureAccountPayload, error) {
	return r.accounts.SecureAccount(ctx, viewer.From(ctx), input)
}

// ExportMyData is the resolver for the exportMyData field.
func (r *mutationResolver) ExportMyData(ctx context.Context) (*accounts.ExportMyDataPayload, error) {
	return r.accounts.ExportMyData(ctx, viewer.From(ctx))
}

// DownloadMyData is the resolver for the downloadMyData field.
func (r *mutationResolver) DownloadMyData(ctx context.Context, input accounts.DownloadMyDataInput) (*accounts.DownloadMyDataPayload, error) {
	return r.accounts.DownloadMyData(ctx, viewer.From(ctx), input)
}

// StartTotp is the resolver for the startTotp field.
func (r *mutationResolver) StartTotp(ctx context.Context) (*accounts.StartTotpPayload, error) {
	return r.accounts.StartTotp(ctx, viewer.From(ctx))
}

// ConfirmTotp is the resolver for the confirmTotp field.
func (r *mutationResolver) ConfirmTotp(ctx context.Context, input accounts.ConfirmTotpInput) (*accounts.ConfirmTotpPayload, error) {
	return r.accounts.ConfirmTotp(ctx, viewer.From(ctx), input)
}

// StartPasskey is the resolver for the startPasskey field.
func (r *mutationResolver) StartPasskey(ctx context.Context) (*accounts.StartPasskeyPayload, error) {
	return r.accounts.StartPasskey(ctx, viewer.From(ctx))
}

// AddPasskey is the resolver for the addPasskey field.
func (r *mutationResolver) AddPasskey(ctx context.Context, input accounts.AddPasskeyInput) (*accounts.AddPasskeyPayload, error) {
	return r.accounts.AddPasskey(ctx, viewer.From(ctx), input)
}

// StartPasskeyLogin is the resolver for the startPasskeyLogin field.
func (r *mutationResolver) StartPasskeyLogin(ctx context.Context) (*accounts.StartPasskeyLoginPayload, error) {
	return r.accounts.StartPasskeyLogin(ctx, viewer.From(ctx))
}

// PasskeyLogin is the resolver for the passkeyLogin field.
func (r *mutationResolver) PasskeyLogin(ctx context.Context, input accounts.PasskeyLoginInput) (*accounts.AuthPayload, error) {
	return signIn(ctx, input.Cookie, r.accounts.PasskeyLogin, input)
}

// RenameFactor is the resolver for the renameFactor field.
func (r *mutationResolver) RenameFactor(ctx context.Context, id uuid.UUID, name *string) (*accounts.RenameFactorPayload, error) {
	return r.accounts.RenameFactor(ctx, viewer.From(ctx), id, name)
}

// RemoveFactor is the resolver for the removeFactor field.
func (r *mutationResolver) RemoveFactor(ctx context.Context, id uuid.UUID) (*accounts.RemoveFactorPayload, error) {
	return r.accounts.RemoveFactor(ctx, viewer.From(ctx), id)
}

// RegenerateRecoveryCodes is the resolver for the regenerateRecoveryCodes field.
func (r *mutationResolver) RegenerateRecoveryCodes(ctx context.Context) (*accounts.RecoveryCodesPayload, error) {
	return r.accounts.RegenerateRecoveryCodes(ctx, viewer.From(ctx))
}

// DeleteAccount is the resolver for the deleteAccount field.
func (r *mutationResolver) DeleteAccount(ctx context.Context) (*accounts.DeleteAccountPayload, error) {
	return signOut(ctx, r.accounts.DeleteAccount)
}

// SetRoles is the resolver for the setRoles field.
func (r *mutationResolver) SetRoles(ctx context.Context, input accounts.SetRolesInput) (*accounts.SetRolesPayload, error) {
	return r.accounts.SetRoles(ctx, viewer.From(ctx), input)
}

// SuspendUser is the resolver for the suspendUser field.
func (r *mutationResolver) SuspendUser(ctx context.Context, id uuid.UUID) (*accounts.SuspendUserPayload, error) {
	return r.accounts.SuspendUser(ctx, viewer.From(ctx), id)
}

// ReinstateUser is the resolver for the reinstateUser field.
func (r *mutationResolver) ReinstateUser(ctx context.Context, id uuid.UUID) (*accounts.ReinstateUserPayload, error) {
	return r.accounts.ReinstateUser(ctx, viewer.From(ctx), id)
}

// EndSessions is the resolver for the endSessions field.
func (r *mutationResolver) EndSessions(ctx context.Context, userID uuid.UUID) (*accounts.EndSessionsPayload, error) {
	return r.accounts.EndUserSessions(ctx, viewer.From(ctx), userID)
}

// DeleteUser is the resolver for the deleteUser field.
func (r *mutationResolver) DeleteUser(ctx context.Context, id uuid.UUID) (*accounts.DeleteUserPayload, error) {
	return r.accounts.DeleteUser(ctx, viewer.From(ctx), id)
}

// SendPasswordReset is the resolver for the sendPasswordReset field.
func (r *mutationResolver) SendPasswordReset(ctx context.Context, userID uuid.UUID) (*accounts.SendPasswordResetPayload, error) {
	return r.accounts.SendPasswordReset(ctx, viewer.From(ctx), userID)
}

// Me is the resolver for the me field.
func (r *queryResolver) Me(ctx context.Context) (*accounts.User, error) {
	return r.accounts.Me(ctx, viewer.From(ctx))
}

// User is the resolver for the user field.
func (r *queryResolver) User(ctx context.Context, id uuid.UUID) (*accounts.User, error) {
	return r.accounts.User(ctx, id)
}

// Users is the resolver for the users field.
func (r *queryResolver) Users(ctx context.Context, first *int32, after *string, last *int32, before, search *string, filter *accounts.UserFilter, orderBy *accounts.UserOrder) (*accounts.UserConnection, error) {
	return r.accounts.Users(ctx, accounts.UserPage{
		Page:   accounts.Page{First: first, After: after, Last: last, Before: before},
		Search: search, UserFilter: valueOrZero(filter), UserOrder: valueOrZero(orderBy),
	})
}

// Node is the resolver for the node field.
func (r *queryResolver) Node(ctx context.Context, id uuid.UUID) (accounts.Node, error) {
	return r.accounts.Node(ctx, viewer.From(ctx), id)
}

// AuditLog is the resolver for the auditLog field.
func (r *queryResolver) AuditLog(ctx context.Context, first *int32, after *string, last *int32, before *string, filter *accounts.AuditFilter) (*accounts.AuditConnection, error) {
	return r.accounts.AuditLog(ctx, accounts.Page{First: first, After: after, Last: last, Before: before}, filter)
}

// Permissions is the resolver for the permissions field.
func (r *queryResolver) Permissions(ctx context.Context, coordinates []string) ([]*model.Permission, error) {
	return permissions(ctx, r.guard, coordinates)
}

// AccessTokens is the resolver for the accessTokens field.
func (r *userResolver) AccessTokens(ctx context.Context, obj *accounts.User) ([]*accounts.PersonalAccessToken, error) {
	return r.accounts.AccessTokens(ctx, obj)
}

// Activity is the resolver for the activity field.
func (r *userResolver) Activity(ctx context.Context, obj *accounts.User, first *int32, after *string, last *int32, before *string) (*accounts.AuditConnection, error) {
	return r.accounts.Activity(ctx, obj, accounts.Page{First: first, After: after, Last: last, Before: before})
}

// Factors is the resolver for the factors field.
func (r *userResolver) Factors(ctx context.Context, obj *accounts.User) ([]accounts.Factor, error) {
	return r.accounts.Factors(ctx, obj)
}

// Sessions is the resolver for the sessions field.
func (r *userResolver) Sessions(ctx context.Context, obj *accounts.User) ([]*accounts.Session, error) {
	return r.accounts.Sessions(ctx, viewer.From(ctx), obj)
}

// TotalCount is the resolver for the totalCount field.
func (r *userConnectionResolver) TotalCount(ctx context.Context, obj *accounts.UserConnection) (int32, error) {
	return r.accounts.CountUsers(ctx, obj)
}

// TotalCountIsExact is the resolver for the totalCountIsExact field.
func (r *userConnectionResolver) TotalCountIsExact(ctx context.Context, obj *accounts.UserConnection) (bool, error) {
	return r.accounts.CountsAllUsers(ctx, obj)
}

// Mutation returns MutationResolver implementation.
func (r *resolver) Mutation() MutationResolver { return &mutationResolver{r} }

// Query returns QueryResolver implementation.
func (r *resolver) Query() QueryResolver { return &queryResolver{r} }

// User returns UserResolver implementation.
func (r *resolver) User() UserResolver { return &userResolver{r} }

// UserConnection returns UserConnectionResolver implementation.
func (r *resolver) UserConnection() UserConnectionResolver { return &userConnectionResolver{r} }

type (
	mutationResolver       struct{ *resolver }
	queryResolver          struct{ *resolver }
	userResolver           struct{ *resolver }
	userConnectionResolver struct{ *resolver }
)
