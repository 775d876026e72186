package authz

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// describe puts the rules of a place into plain words, with Config.Labels for the schema's names.
func (g *Guard) describe(rules []Rule) string {
	words := make([]string, len(rules))
	for i, r := range rules {
		alternatives := make([]string, len(r))
		for j, c := range r {
			alternatives[j] = g.describeClause(c)
		}
		words[i] = strings.Join(alternatives, ", or ")
	}
	return strings.Join(words, "; of these, only ")
}

func (g *Guard) describeClause(c Clause) string {
	var who []string
	if len(c.Roles) > 0 {
		who = append(who, joinWords(g.labels(c.Roles...), "or"))
	}
	if c.Owner != "" {
		who = append(who, g.labels(c.Owner)...)
	}
	text := strings.Join(who, " and at the same time ")
	if text == "" {
		text = "signed-in users"
	}
	if len(c.Scopes) > 0 {
		text += " with scope " + joinWords(c.Scopes, "and")
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

// Describe writes each rule behind the description of its place ("Access: administrators, or yourself."), so that
// introspection, and with it every editor, shows it. It changes the schema: call it before the schema is served. A
// second call changes nothing.
func (g *Guard) Describe() {
	for _, a := range g.Access() {
		if len(a.Rules) == 0 && a.Who != everyone {
			continue
		}
		text := "Access: " + a.Who + "."
		if description := g.descriptionOf(a.Coordinate); description != nil && !strings.HasSuffix(*description, text) {
			*description = strings.TrimSpace(*description + "\n\n" + text)
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
