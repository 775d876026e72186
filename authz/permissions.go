package authz

import (
	"context"
	"fmt"
	"slices"
)

// Permission is what a place of the schema is to a caller, before an object is known.
type Permission struct {
	Coordinate    string
	Allowed       bool     // the caller may use it; with OwnOnly: of some objects
	OwnOnly       bool     // only of objects to which the caller stands in the relation that a rule names
	Code          Code     // of the denial; "" when it is allowed
	MaxAge        int      // of ReauthenticationRequired, in seconds; 0: the authentication is recent enough
	MFA           bool     // of ReauthenticationRequired: a second factor is missing
	MissingScopes []string // of InsufficientScope
}

// UnknownCoordinateError is the error of Permissions for a coordinate that Access does not list.
type UnknownCoordinateError string

func (e UnknownCoordinateError) Error() string {
	return fmt.Sprintf("authz: the schema has no place %q; write Type.field, Type.field(argument:) or Input.field", string(e))
}

// place is what Permissions knows of a line of the access table.
type place struct {
	who     audience
	returns []*objectType // of a field of which no object is seen before the field has run
}

// Permissions reports what the caller of ctx may use, by the coordinates of Access and in their order, without running
// anything: a page shows by it what its reader can do. A field is allowed when the guard lets it run with some selection
// below it; what a resolver says then is another matter. The error is an UnknownCoordinateError, or says why it is
// unknown who calls.
func (g *Guard) Permissions(ctx context.Context, coordinates ...string) ([]Permission, error) {
	c, have := g.identify(ctx, "Config.Viewer", func() (Viewer, error) { return g.config.Viewer(ctx) })
	if c.err != nil {
		return nil, c.err
	}
	all := make([]Permission, len(coordinates))
	for i, coordinate := range coordinates {
		at, ok := g.places()[coordinate]
		if !ok {
			return nil, UnknownCoordinateError(coordinate)
		}
		all[i] = g.permission(at, c, have)
		all[i].Coordinate = coordinate
	}
	return all, nil
}

// newPlaces returns the places of the access table by their coordinates.
func (g *Guard) newPlaces() map[string]place {
	all := map[string]place{}
	for _, line := range g.accessLines() {
		all[line.Coordinate] = place{who: line.audience}
	}
	for _, t := range g.table.types {
		for _, f := range t.fields {
			if at, ok := all[f.coordinate]; ok && !f.signsIn {
				at.returns = f.returns
				all[f.coordinate] = at
			}
		}
	}
	return all
}

func (g *Guard) permission(at place, c caller, have bits) Permission {
	p := g.allowance(alternatives(at.who), c, have)
	if !p.Allowed || len(at.returns) == 0 {
		return p
	}
	denied := func(t *objectType) bool { return t.require.verdict(have, g.table.owners) == denied }
	if slices.ContainsFunc(at.returns, func(t *objectType) bool { return !denied(t) }) {
		return p
	}
	return g.allowance(alternatives(g.table.audienceOf(at.returns[0].require)), c, have)
}

// allowance decides alternatives. The object is not known, so that the caller counts as its owner.
func (g *Guard) allowance(a alternatives, c caller, have bits) Permission {
	asOwner := have.union(g.table.owners)
	switch {
	case a.hold(have):
		return Permission{Allowed: true}
	case a.hold(asOwner):
		return Permission{Allowed: true, OwnOnly: true}
	case c.isAnonymous():
		return Permission{Code: Unauthenticated}
	case len(a) == 0:
		return Permission{Code: Forbidden}
	}
	v := g.table.nearest(a, asOwner)
	return Permission{Code: v.code, MaxAge: v.stepUp.maxAge, MFA: v.stepUp.mfa, MissingScopes: v.missingScopes}
}
