package graph

import (
	"context"
	"log/slog"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// GuardConfig is what the product's guard depends on. No field is required.
type GuardConfig struct {
	Introspection bool
	Audit         bool                                         // compare every field that runs with the plan
	Present       func(context.Context, error) *gqlerror.Error // for credentials that could not be checked
	Log           *slog.Logger
}

// NewGuard compiles the schema's rules for the product's viewers and owners.
func NewGuard(schema *ast.Schema, c GuardConfig) (*authz.Guard, error) {
	return authz.New(schema, authz.Config{
		Viewer:          func(ctx context.Context) authz.Viewer { return viewer.From(ctx) },
		SignedIn:        signedIn,
		Owners:          map[string]authz.Owner{"SELF": self},
		Labels:          map[string]string{"ADMIN": "administrators", "USER": "users", "SELF": "yourself"},
		Introspection:   c.Introspection,
		VerifyExecution: c.Audit,
		ErrorPresenter:  c.Present,
		Log:             c.Log,
	})
}

// signedIn returns the caller whom register, login or refresh signed in.
func signedIn(_ context.Context, result any) authz.Viewer {
	if p, ok := result.(*accounts.AuthPayload); ok && p.Viewer != nil {
		return p.Viewer
	}
	return viewer.Anonymous(viewer.Missing)
}

// self reports whether the object is the viewer's own. A type of accounts has an owner when it has a method OwnerID.
func self(_ context.Context, v authz.Viewer, object any) (bool, error) {
	caller, ok := v.(*viewer.Viewer)
	if !ok || caller.UserID == uuid.Nil {
		return false, nil
	}
	owned, ok := object.(interface{ OwnerID() uuid.UUID })
	return ok && owned.OwnerID() == caller.UserID, nil
}
