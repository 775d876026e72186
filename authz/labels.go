package authz

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// String describes the clause as it stands behind "needs".
func (c Clause) String() string {
	var terms []string
	if len(c.Roles) > 0 {
		terms = append(terms, "role "+joinWords(c.Roles, "or"))
	}
	if c.Owner != "" {
		terms = append(terms, "to be its owner ("+c.Owner+")")
	}
	if len(c.Scopes) > 0 {
		terms = append(terms, "scope "+joinWords(c.Scopes, "and"))
	}
	if c.MFA {
		terms = append(terms, "a second factor")
	}
	if c.MaxAge > 0 {
		terms = append(terms, fmt.Sprintf("an authentication at most %d s old", c.MaxAge))
	}
	if len(terms) == 0 {
		return "a signed-in caller"
	}
	return strings.Join(terms, " and ")
}

// String describes the rule by its alternatives.
func (r Rule) String() string {
	alternatives := make([]string, len(r))
	for i, c := range r {
		alternatives[i] = c.String()
	}
	return strings.Join(alternatives, "; or ")
}

// joinWords joins with commas, and with a conjunction before the last word.
func joinWords(words []string, conjunction string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " " + conjunction + " " + words[last]
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
