package authz

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// describe puts an audience into plain words, with Config.Labels for the schema's names.
func (g *Guard) describe(who audience) string {
	var words []string
	for _, one := range oneOfRoles(g.table.grants(who)) {
		words = append(words, g.describeGrant(one))
	}
	switch {
	case words == nil:
		return "nobody"
	case words[0] == "":
		return "everyone"
	}
	return strings.Join(words, ", or ")
}

// roleChoice is a Grant with several roles of which one is enough.
type roleChoice struct {
	Grant
	oneOf []string
}

// oneOfRoles joins the grants that differ in their only role.
func oneOfRoles(all []Grant) (joined []roleChoice) {
	for _, g := range all {
		one := roleChoice{Grant: g}
		if len(g.Roles) == 1 {
			one.Roles, one.oneOf = nil, g.Roles
		}
		i := slices.IndexFunc(joined, func(c roleChoice) bool {
			return c.oneOf != nil && one.oneOf != nil && reflect.DeepEqual(c.Grant, one.Grant)
		})
		if i < 0 {
			joined = append(joined, one)
		} else {
			joined[i].oneOf = append(slices.Clone(joined[i].oneOf), one.oneOf...)
		}
	}
	return joined
}

func (g *Guard) describeGrant(c roleChoice) string {
	var who []string
	if len(c.oneOf) > 0 {
		who = append(who, joinWords(g.labels(c.oneOf...), "or"))
	}
	who = append(who, g.labels(append(slices.Clone(c.Roles), c.Owners...)...)...)
	text := strings.Join(who, " and at the same time ")
	if text == "" && c.SignedIn {
		text = "signed-in users"
	}
	var with []string
	if c.MFA {
		with = append(with, "a second factor")
	}
	if len(c.Scopes) > 0 {
		with = append(with, "scope "+joinWords(c.Scopes, "and"))
	}
	if len(with) > 0 {
		text += " with " + strings.Join(with, " and ")
	}
	if len(c.Scopes) > 0 && c.Unrestricted {
		text += " whom no scopes restrict"
	}
	if c.MaxAge > 0 {
		text += fmt.Sprintf(" who authenticated in the last %d s", c.MaxAge)
	}
	return text
}

func (g *Guard) labels(names ...string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = name
		if label, ok := g.config.Labels[name]; ok {
			all[i] = label
		}
	}
	return all
}

// Describe writes who may use a place before its description ("Access: administrators, or yourself."), so that
// introspection, and with it every editor, shows it. It changes the schema: call it before the schema is served. A second
// call changes nothing.
func (g *Guard) Describe() {
	for _, a := range g.Access() {
		if a.Inherited {
			continue
		}
		text := "Access: " + a.Who + "."
		if description := g.descriptionOf(a.Coordinate); description != nil && !strings.HasPrefix(*description, text) {
			*description = strings.TrimSpace(text + "\n\n" + *description)
		}
	}
}

// descriptionOf finds the description of Type.field, Type.field(argument:) or Input.field.
func (g *Guard) descriptionOf(coordinate string) *string {
	coordinate, argument, _ := strings.Cut(strings.TrimSuffix(coordinate, ":)"), "(")
	typeName, fieldName, _ := strings.Cut(coordinate, ".")
	var field *ast.FieldDefinition
	if def := g.table.schema.Types[typeName]; def != nil {
		field = def.Fields.ForName(fieldName)
	}
	switch {
	case field == nil:
		return nil
	case argument == "":
		return &field.Description
	}
	if def := field.Arguments.ForName(argument); def != nil {
		return &def.Description
	}
	return nil
}
