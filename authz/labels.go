package authz

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// String says the clause in words, as they stand behind "needs".
func (c clause) String() string {
	var terms []string
	if len(c.roles) > 0 {
		terms = append(terms, "role "+join(c.roles, "or"))
	}
	if c.owner != "" {
		terms = append(terms, "to be its owner ("+c.owner+")")
	}
	if len(c.scopes) > 0 {
		terms = append(terms, "scope "+join(c.scopes, "and"))
	}
	if c.maxAge > 0 {
		terms = append(terms, fmt.Sprintf("a proof of identity not older than %d s", c.maxAge))
	}
	if len(terms) == 0 {
		return "a signed-in caller"
	}
	return strings.Join(terms, " and ")
}

// String says the rule in words.
func (r rule) String() string {
	words := make([]string, len(r))
	for i, c := range r {
		words[i] = c.String()
	}
	return strings.Join(words, "; or ")
}

func join(words []string, last string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

func arrows(path []string) string { return strings.Join(path, " → ") }

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
