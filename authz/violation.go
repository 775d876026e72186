package authz

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Code is the value of extensions.code in a denial.
type Code string

// The codes of denials, in the order in which they are reported.
const (
	Unauthenticated          Code = "UNAUTHENTICATED"           // reason: missing, expired, revoked or invalid
	ReauthenticationRequired Code = "REAUTHENTICATION_REQUIRED" // maxAge: seconds; mfa: true
	InsufficientScope        Code = "INSUFFICIENT_SCOPE"        // missingScopes: names
	Forbidden                Code = "FORBIDDEN"
	NotFound                 Code = "NOT_FOUND" // an owner rule failed on an object, or there is none
)

var codeOrder = []Code{Unauthenticated, ReauthenticationRequired, InsufficientScope, Forbidden, NotFound}

// maxViolations bounds the errors of one response.
const maxViolations = 50

// violation is one forbidden coordinate of an operation.
type violation struct {
	code          Code
	coordinate    string
	at            *pathElement // in the operation
	path          ast.Path     // in the response, when the operation ran
	message       string
	extensions    map[string]any
	stepUp        stepUp   // of ReauthenticationRequired
	missingScopes []string // of InsufficientScope
	err           error    // why the rule could not be decided: shown by Config.ErrorPresenter
}

// deny explains why have does not satisfy a requirement: what of the nearest alternative is missing. The object is not
// known yet, so the viewer counts as its owner.
func (t *table) deny(coordinate string, r *requirement, have bits, c caller) *violation {
	if c.isAnonymous() {
		return denyAnonymous(coordinate, c)
	}
	have = have.union(t.owners)
	worst := &violation{}
	for i, a := range r.needs {
		if a.hold(have) {
			continue
		}
		near := t.nearest(a, have)
		switch {
		case near.code == ReauthenticationRequired && worst.code == ReauthenticationRequired:
			worst = worst.stepUp.and(near.stepUp).violation()
		case near.rank() > worst.rank():
			worst = near
		default:
			continue
		}
		if worst.code == Forbidden {
			worst.message = "it needs " + r.rules[i].String()
			if c.isRestricted() {
				worst.message += ", and the access token opens only what names its scopes"
			}
		}
	}
	worst.coordinate = coordinate
	worst.message = fmt.Sprintf("%s is denied: %s.", coordinate, worst.message)
	return worst
}

// rank is the place of a violation's code in the order of reports.
func (v *violation) rank() int { return slices.Index(codeOrder, v.code) }

// remedies says, for each reason why the caller is anonymous, how to sign in.
var remedies = map[AnonymousError]string{
	ErrMissing: "no credential was sent; sign in and send one along",
	ErrExpired: "the access token has expired; refresh it",
	ErrRevoked: "the session of the access token has ended; sign in again",
	ErrInvalid: "the credential is not valid here; sign in again",
}

func denyAnonymous(coordinate string, c caller) *violation {
	if c.err != nil {
		return &violation{code: Unauthenticated, coordinate: coordinate, err: c.err}
	}
	remedy, ok := remedies[AnonymousError(c.reason)]
	if !ok {
		remedy = "sign in"
	}
	return &violation{
		code:       Unauthenticated,
		coordinate: coordinate,
		message:    fmt.Sprintf("%s needs a signed-in caller: %s.", coordinate, remedy),
		extensions: map[string]any{"reason": c.reason},
	}
}

// nearest explains the alternative that the viewer could satisfy most easily: by authenticating again, rather than with
// a second factor, which not everyone has; with that rather than with more scopes; and with those rather than with what
// only others can grant.
func (t *table) nearest(a alternatives, have bits) *violation {
	var best *violation
	for _, mask := range a {
		v := t.missing(mask, have)
		if best == nil || v.rank() < best.rank() || v.rank() == best.rank() && best.stepUp.mfa && !v.stepUp.mfa {
			best = v
		}
	}
	return best
}

// missing explains which atoms of a mask the viewer lacks.
func (t *table) missing(mask, have bits) *violation {
	var scopes []string
	var lacks stepUp
	for i, one := range t.atoms {
		if !mask.has(i) || have.has(i) {
			continue
		}
		switch one.kind {
		case kindScope:
			scopes = append(scopes, one.name)
		case kindAge:
			lacks = lacks.and(stepUp{maxAge: one.age})
		case kindMFA:
			lacks.mfa = true
		default:
			return &violation{code: Forbidden}
		}
	}
	if len(scopes) > 0 {
		return &violation{
			code:          InsufficientScope,
			message:       "the access token lacks scope " + strings.Join(scopes, " "),
			extensions:    map[string]any{"missingScopes": scopes},
			missingScopes: scopes,
		}
	}
	return lacks.violation()
}

// hasNotFoundCode is the default of Config.IsNotFound.
func hasNotFoundCode(err error) bool {
	e, ok := errors.AsType[*gqlerror.Error](err)
	return ok && fmt.Sprint(e.Extensions["code"]) == string(NotFound)
}

// notFound is the same for a missing object and for one that is not the viewer's.
func notFound(coordinate string) *violation {
	return &violation{
		code:       NotFound,
		coordinate: coordinate,
		message:    fmt.Sprintf("%s: there is no such object, or it is not yours.", coordinate),
	}
}

// present turns violations into the errors of a response, in the order of their codes, one a coordinate.
func (g *Guard) present(ctx context.Context, all []*violation) gqlerror.List {
	var list gqlerror.List
	seen := map[string]bool{}
	for _, code := range codeOrder {
		for _, v := range all {
			if v.code != code || seen[v.coordinate] {
				continue
			}
			seen[v.coordinate] = true
			list = append(list, g.presentOne(ctx, v))
		}
	}
	if extra := len(list) - maxViolations; extra > 0 {
		list = list[:maxViolations]
		list[maxViolations-1].Extensions["truncated"] = extra
	}
	return list
}

func (g *Guard) presentOne(ctx context.Context, v *violation) *gqlerror.Error {
	path := v.path
	if path == nil {
		path = v.at.path()
	}
	if v.err != nil {
		original := g.config.ErrorPresenter(ctx, v.err)
		e := *original
		e.Path, e.Locations = path, v.at.locations()
		e.Extensions = map[string]any{}
		maps.Copy(e.Extensions, original.Extensions)
		return &e
	}
	extensions := map[string]any{"code": string(v.code), "coordinate": v.coordinate}
	maps.Copy(extensions, v.extensions)
	return &gqlerror.Error{Message: v.message, Path: path, Locations: v.at.locations(), Extensions: extensions}
}
