package graph

import (
	"context"
	"errors"
	"log/slog"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// GuardConfig is what the product's guard depends on. A guard that decides nothing needs none of it.
type GuardConfig struct {
	Accounts      *accounts.Service // loads what mutations act on
	Introspection bool
	QueryCache    *authz.QueryCache                            // of the handler; default: plans are not cached
	AdminMFA      bool                                         // the role ADMIN counts only with a second factor
	Audit         bool                                         // compare every field that runs with the plan
	Present       func(context.Context, error) *gqlerror.Error // for credentials that could not be checked
	Log           *slog.Logger
}

// NewGuard compiles the schema's rules for the product's viewers and owners.
func NewGuard(schema *ast.Schema, c GuardConfig) (*authz.Guard, error) {
	var strong []string
	if c.AdminMFA {
		strong = []string{string(accounts.RoleAdmin)}
	}
	return authz.New(schema, authz.Config{
		Viewer:             func(ctx context.Context) (authz.Viewer, error) { return identify(viewer.From(ctx)) },
		SignedIn:           signedIn,
		Owners:             owners(),
		MultiFactorRoles:   strong,
		Objects:            objects(c.Accounts),
		IsNotFound:         isNotFound,
		Labels:             map[string]string{"ADMIN": "administrators", "USER": "users", "SELF": "yourself"},
		ScopesOnlyRestrict: true, // see viewer.HasScope
		QueryCache:         c.QueryCache,
		Introspection:      c.Introspection,
		VerifyExecution:    c.Audit,
		ErrorPresenter:     c.Present,
		Log:                c.Log,
	})
}

// identify returns the viewer, or why there is none.
func identify(v *viewer.Viewer) (authz.Viewer, error) {
	switch {
	case v.Err() != nil:
		return nil, v.Err()
	case !v.SignedIn():
		return nil, authz.AnonymousError(v.Reason())
	}
	return v, nil
}

// signedIn returns the caller whom register, login or refresh signed in.
func signedIn(_ context.Context, result any) (authz.Viewer, error) {
	p, ok := result.(*accounts.AuthPayload)
	if !ok || p.Viewer == nil {
		return nil, authz.ErrMissing
	}
	return identify(p.Viewer)
}

// objects loads what mutations act on.
func objects(service *accounts.Service) map[string]func(context.Context, string) (any, error) {
	return map[string]func(context.Context, string) (any, error){
		"Mutation.revokeAccessToken(id:)": byID("id", service.AccessToken),
		"Mutation.revokeSession(id:)":     byID("id", service.Session),
		"Mutation.removeFactor(id:)":      byID("id", service.Factor),
		"Mutation.renameFactor(id:)":      byID("id", service.Factor),
	}
}

// byID reads an id as gqlgen does, and loads its object.
func byID[T any](
	field string, load func(context.Context, uuid.UUID) (T, error),
) func(context.Context, string) (any, error) {
	return func(ctx context.Context, text string) (any, error) {
		id, err := graphql.UnmarshalUUID(text)
		if err != nil {
			return nil, problem.BadInput(field, problem.Malformed, "The id is refused; an ID is a UUID.")
		}
		return load(ctx, id)
	}
}

// owners says what each value of GraphQL's enum Owner means.
func owners() map[string][]authz.Owner {
	return map[string][]authz.Owner{"SELF": {
		self[*accounts.AuditEvent](),
		self[*accounts.Passkey](),
		self[*accounts.PersonalAccessToken](),
		self[*accounts.RecoveryCodes](),
		self[*accounts.Session](),
		self[*accounts.TotpFactor](),
		self[*accounts.User](),
	}}
}

func isNotFound(err error) bool {
	p, ok := errors.AsType[*problem.Problem](err)
	return ok && p.Code == problem.NotFound
}

// self decides whether an object is the viewer's own. Each type with a rule of owner SELF needs one, and has a method
// OwnerID.
func self[T interface{ OwnerID() uuid.UUID }]() authz.Owner {
	return authz.OwnerOf(func(_ context.Context, v *viewer.Viewer, object T) (bool, error) {
		return v.UserID != uuid.Nil && v.UserID == object.OwnerID(), nil
	})
}
