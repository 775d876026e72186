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
	ReauthenticationRequired Code = "REAUTHENTICATION_REQUIRED" // maxAge: seconds
	InsufficientScope        Code = "INSUFFICIENT_SCOPE"        // missingScopes: names
	Forbidden                Code = "FORBIDDEN"
	NotFound                 Code = "NOT_FOUND" // an owner rule failed on an object, or there is none
)

var codeOrder = []Code{Unauthenticated, ReauthenticationRequired, InsufficientScope, Forbidden, NotFound}

// maxViolations bounds the errors of one response.
const maxViolations = 50

// violation is one forbidden coordinate of an operation.
type violation struct {
	code       Code
	coordinate string
	at         *pathElement // in the operation
	path       ast.Path     // in the response, when the operation ran
	message    string
	extensions map[string]any
	err        error // why the rule could not be decided: shown by Config.ErrorPresenter
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
		if near := t.nearest(a, have); slices.Index(codeOrder, near.code) > slices.Index(codeOrder, worst.code) {
			worst = near
			if worst.code == Forbidden {
				worst.message = "it needs " + r.rules[i].String()
				if c.isRestricted() {
					worst.message += ", and the access token opens only what names its scopes"
				}
			}
		}
	}
	worst.coordinate = coordinate
	worst.message = fmt.Sprintf("%s is denied: %s.", coordinate, worst.message)
	return worst
}

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

// nearest explains the alternative that the viewer could satisfy most easily: by authenticating again rather than with
// more scopes, and with more scopes rather than with what only others can grant.
func (t *table) nearest(a alternatives, have bits) *violation {
	var best *violation
	for _, mask := range a {
		if v := t.missing(mask, have); best == nil || slices.Index(codeOrder, v.code) < slices.Index(codeOrder, best.code) {
			best = v
		}
	}
	return best
}

// missing explains which atoms of a mask the viewer lacks.
func (t *table) missing(mask, have bits) *violation {
	v := &violation{code: ReauthenticationRequired}
	var scopes []string
	for i, one := range t.atoms {
		if !mask.has(i) || have.has(i) {
			continue
		}
		switch one.kind {
		case kindScope:
			scopes = append(scopes, one.name)
		case kindAge:
			v.extensions = map[string]any{"maxAge": one.age}
			v.message = fmt.Sprintf("authenticate again; the last time may be at most %d s ago", one.age)
		default:
			return &violation{code: Forbidden}
		}
	}
	if len(scopes) > 0 {
		return &violation{
			code:       InsufficientScope,
			message:    "the access token lacks scope " + strings.Join(scopes, " "),
			extensions: map[string]any{"missingScopes": scopes},
		}
	}
	return v
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
