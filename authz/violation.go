package authz

import (
	"context"
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

var order = []Code{Unauthenticated, ReauthenticationRequired, InsufficientScope, Forbidden, NotFound}

// maxViolations bounds the errors of one answer.
const maxViolations = 50

// violation is one forbidden coordinate of an operation.
type violation struct {
	code       Code
	coordinate string
	at         *place   // where it stands in the operation
	path       ast.Path // where it was met, when the operation ran
	message    string
	extensions map[string]any
	err        error // the rule could not be decided: shown by Config.Present
}

// deny explains why have does not satisfy a requirement: what of the nearest alternative is missing. Whether the viewer
// owns an object that is not known yet is not held against them.
func (t *table) deny(coordinate string, r *requirement, have bits, v Viewer) *violation {
	if isNobody(v) {
		return denyNobody(coordinate, v)
	}
	have = have.union(t.owners)
	worst := &violation{}
	for i, alternatives := range r.needs {
		holds := slices.ContainsFunc(alternatives, func(a alternative) bool { return have.holds(a.mask) })
		if holds {
			continue
		}
		if near := t.nearest(alternatives, have); slices.Index(order, near.code) > slices.Index(order, worst.code) {
			worst = near
			if worst.code == Forbidden {
				worst.message = "it needs " + r.rules[i].String()
			}
		}
	}
	worst.coordinate = coordinate
	worst.message = fmt.Sprintf("%s is not open to you: %s.", coordinate, worst.message)
	return worst
}

// isNobody reports whether nothing is known of who is calling.
func isNobody(v Viewer) bool { return v == nil || v.Err() != nil || !v.SignedIn() }

// remedies says, for each reason why the caller is nobody, how to become somebody.
var remedies = map[string]string{
	"missing": "no credential was sent; sign in and send one along",
	"expired": "the access token has expired; refresh it",
	"revoked": "the session of the access token has ended; sign in again",
	"invalid": "the credential is not valid here; sign in again",
}

func denyNobody(coordinate string, v Viewer) *violation {
	if v != nil && v.Err() != nil {
		return &violation{code: Unauthenticated, coordinate: coordinate, err: v.Err()}
	}
	reason := "missing"
	if v != nil && v.Reason() != "" {
		reason = v.Reason()
	}
	help, ok := remedies[reason]
	if !ok {
		help = "sign in"
	}
	return &violation{
		code:       Unauthenticated,
		coordinate: coordinate,
		message:    fmt.Sprintf("%s needs a signed-in caller: %s.", coordinate, help),
		extensions: map[string]any{"reason": reason},
	}
}

// nearest explains the alternative that the viewer could satisfy most easily: a new proof of identity before more
// scopes before what only another can give.
func (t *table) nearest(alternatives []alternative, have bits) *violation {
	var best *violation
	for _, a := range alternatives {
		if v := t.missing(a, have); best == nil || slices.Index(order, v.code) < slices.Index(order, best.code) {
			best = v
		}
	}
	return best
}

func (t *table) missing(a alternative, have bits) *violation {
	v := &violation{code: ReauthenticationRequired}
	var scopes []string
	for i, one := range t.atoms {
		if !a.mask.has(i) || have.has(i) {
			continue
		}
		switch one.kind {
		case kindScope:
			scopes = append(scopes, one.name)
		case kindAge:
			v.extensions = map[string]any{"maxAge": one.age}
			v.message = fmt.Sprintf("prove who you are again, at most %d s before", one.age)
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

// notFound is the answer for an object that is not there and for one that is not the viewer's: the same for both.
func notFound(coordinate string) *violation {
	return &violation{
		code:       NotFound,
		coordinate: coordinate,
		message:    fmt.Sprintf("%s: there is no such object, or it is not yours.", coordinate),
	}
}

// present turns violations into the errors of an answer, the most pressing first, one a coordinate.
func (g *Guard) present(ctx context.Context, all []*violation) gqlerror.List {
	var list gqlerror.List
	seen := map[string]bool{}
	for _, code := range order {
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
		e := *g.config.ErrorPresenter(ctx, v.err)
		e.Path = path
		e.Extensions = maps.Clone(e.Extensions)
		if e.Extensions == nil {
			e.Extensions = map[string]any{}
		}
		return &e
	}
	extensions := map[string]any{"code": string(v.code), "coordinate": v.coordinate}
	for name, value := range v.extensions {
		extensions[name] = value
	}
	return &gqlerror.Error{Message: v.message, Path: path, Extensions: extensions}
}
