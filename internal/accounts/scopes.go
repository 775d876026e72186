package accounts

import (
	"slices"
	"strings"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// Scope is what a personal access token may be made for. schema.graphql says what each opens.
type Scope string

// The scopes.
const (
	ScopeAccountRead  Scope = "account:read"
	ScopeAccountWrite Scope = "account:write"
	ScopeUsersRead    Scope = "users:read"
	ScopeUsersWrite   Scope = "users:write"
	ScopeAuditRead    Scope = "audit:read"
)

// Scopes returns every scope, sorted.
func Scopes() []Scope {
	return []Scope{ScopeAccountRead, ScopeAccountWrite, ScopeAuditRead, ScopeUsersRead, ScopeUsersWrite}
}

// cleanScopes returns scopes as a row stores them: sorted, each once. Problem: BAD_USER_INPUT.
func cleanScopes(given []string) ([]string, error) {
	all := scopeNames(Scopes())
	if len(given) == 0 {
		return nil, problem.BadInput("scopes", problem.Required,
			"A token needs a scope, since it opens nothing without one; the scopes are "+strings.Join(all, ", ")+".")
	}
	for _, scope := range given {
		if !slices.Contains(all, scope) {
			return nil, problem.BadInput("scopes", problem.NotAllowed,
				"There is no such scope; the scopes are "+strings.Join(all, ", ")+".")
		}
	}
	clean := slices.Clone(given)
	slices.Sort(clean)
	return slices.Compact(clean), nil
}

func scopeNames(scopes []Scope) []string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return names
}
