package authz

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// say puts the rules of a place into plain words, with Config.Words for the schema's names.
func (g *Guard) say(rules []Rule) string {
	words := make([]string, len(rules))
	for i, r := range rules {
		alternatives := make([]string, len(r))
		for j, c := range r {
			alternatives[j] = g.sayClause(c)
		}
		words[i] = strings.Join(alternatives, ", or ")
	}
	return strings.Join(words, "; of these, ")
}

func (g *Guard) sayClause(c Clause) string {
	var who []string
	if len(c.Roles) > 0 {
		who = append(who, join(g.words(c.Roles), "or"))
	}
	if c.Owner != "" {
		who = append(who, join(g.words([]string{c.Owner}), ""))
	}
	said := strings.Join(who, " and at once ")
	if said == "" {
		said = "whoever is signed in"
	}
	if len(c.Scopes) > 0 {
		said += " with scope " + join(c.Scopes, "and")
	}
	if c.MaxAge > 0 {
		link := " who"
		if len(who) == 0 {
			link = " and"
		}
		said += fmt.Sprintf(link+" proved who they are at most %d s before", c.MaxAge)
	}
	return said
}

func (g *Guard) words(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n
		if w, ok := g.config.Labels[n]; ok {
			out[i] = w
		}
	}
	return out
}

// Describe writes each rule behind the description of its place ("Access: administrators, or yourself."), so that
// introspection, and with it every editor, shows it. It changes the schema: call it before the schema is served. A
// second call changes nothing.
func (g *Guard) Describe() {
	for _, a := range g.Access() {
		if len(a.Rules) == 0 && a.Who != everyone {
			continue
		}
		said := "Access: " + a.Who + "."
		if description := g.descriptionOf(a.Coordinate); description != nil && !strings.HasSuffix(*description, said) {
			*description = strings.TrimSpace(*description + "\n\n" + said)
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
	if field == nil || argument == "" {
		if field == nil {
			return nil
		}
		return &field.Description
	}
	if def := field.Arguments.ForName(argument); def != nil {
		return &def.Description
	}
	return nil
}
