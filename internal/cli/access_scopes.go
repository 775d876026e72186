package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/accounts"
)

// printScopes prints what each scope opens to a personal access token that everybody does not have anyway: to users, and
// to administrators besides; and what two scopes open only together.
func printScopes(out io.Writer, table []authz.Access) {
	fmt.Fprint(out, "\n## What each scope opens\n\n"+
		"A session has every scope. A personal access token opens what is listed here of its scopes: the user's own, and for\n"+
		"administrators what is in the last column too. It also opens what everyone may use, but as that needs no session:\n"+
		"`logout` ends the session of an access token, and a personal access token has none.\n\n"+
		"| scopes | users | administrators besides |\n|---|---|---|\n")
	for _, scopes := range scopeSets() {
		users, administrators := opens(table, scopes, "USER"), opens(table, scopes, "USER", "ADMIN")
		known := opens(table, nil, "USER", "ADMIN")
		for _, one := range scopes {
			if len(scopes) > 1 {
				known = append(known, opens(table, []string{one}, "USER", "ADMIN")...)
			}
		}
		users = without(users, known)
		administrators = without(administrators, append(known, users...))
		if len(scopes) == 1 || len(users)+len(administrators) > 0 {
			fmt.Fprintf(out, "| `%s` | %s | %s |\n", strings.Join(scopes, "` and `"), byType(users), byType(administrators))
		}
	}
}

// scopeSets returns each scope, and each two.
func scopeSets() (sets [][]string) {
	all := accounts.Scopes()
	for _, one := range all {
		sets = append(sets, []string{string(one)})
	}
	for i, one := range all {
		for _, other := range all[i+1:] {
			sets = append(sets, []string{string(one), string(other)})
		}
	}
	return sets
}

// opens returns the fields and inputs of which a token with scopes, of a user with roles, may use some object's.
func opens(table []authz.Access, scopes []string, roles ...string) (coordinates []string) {
	program := authz.Principal{SignedIn: true, Restricted: true, Roles: roles, Scopes: scopes, Owners: []string{"SELF"}}
	for _, a := range table {
		if !a.Inherited && strings.Contains(a.Coordinate, ".") && a.Grants(program) {
			coordinates = append(coordinates, a.Coordinate)
		}
	}
	return coordinates
}

func without(all, known []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(c string) bool { return slices.Contains(known, c) })
}

// byType writes coordinates with each type once, in their order.
func byType(coordinates []string) string {
	var all []string
	former := ""
	for _, c := range coordinates {
		name, field, _ := strings.Cut(c, ".")
		if name == former {
			all[len(all)-1] += ", `" + field + "`"
		} else {
			all = append(all, "`"+c+"`")
		}
		former = name
	}
	return strings.Join(all, "; ")
}
