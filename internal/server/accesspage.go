package server

import (
	"slices"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/web"
)

// personas are the callers by which the page of the access table can be filtered.
var personas = []struct {
	name, label string
	is          authz.Principal
}{
	{"anyone", "not signed in", authz.Principal{}},
	{"user", "a user", authz.Principal{SignedIn: true, Roles: user}},
	{"self", "a user, of their own",
		authz.Principal{SignedIn: true, Roles: user, Owners: []string{"SELF"}, Reauthenticated: true}},
	{"administrator", "an administrator", authz.Principal{SignedIn: true, Roles: administrator}},
	{"proved", "an administrator who has just reauthenticated",
		authz.Principal{SignedIn: true, Roles: administrator, Reauthenticated: true}},
	{"factors", "an administrator who has just proved two factors",
		authz.Principal{SignedIn: true, Roles: administrator, Reauthenticated: true, MFA: true}},
}

var user, administrator = []string{"USER"}, []string{"USER", "ADMIN"}

// accessPage filters the access table by persona; without one, or with an unknown one, the table is complete.
func accessPage(table []authz.Access) func(as string) web.AccessPage {
	inherited := func(a authz.Access) bool { return a.Inherited }
	table = slices.DeleteFunc(slices.Clone(table), inherited)
	return func(as string) web.AccessPage {
		page := web.AccessPage{
			Total:    len(table),
			Personas: []web.AccessPersona{{Label: "all", Chosen: true}},
		}
		matches := func(authz.Access) bool { return true }
		for _, p := range personas {
			if p.name == as {
				page.Personas[0].Chosen = false
				p.is.EveryScope = true // as a session has
				matches = func(a authz.Access) bool { return a.Grants(p.is) }
			}
			page.Personas = append(page.Personas, web.AccessPersona{Name: p.name, Label: p.label, Chosen: p.name == as})
		}
		for _, a := range table {
			if matches(a) {
				page.Lines = append(page.Lines, web.AccessLine{What: a.Coordinate, Who: a.Who})
			}
		}
		return page
	}
}
