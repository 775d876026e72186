package graph

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

var word = regexp.MustCompile(`[_A-Za-z][_0-9A-Za-z]*`)

// namesOf returns the names that a schema does not show where it may not be read: all but those that every schema has.
func namesOf(schema *ast.Schema) map[string]bool {
	names := map[string]bool{}
	for _, def := range schema.Types {
		if def.BuiltIn {
			continue
		}
		names[def.Name] = true
		for _, f := range def.Fields {
			names[f.Name] = true
			for _, a := range f.Arguments {
				names[a.Name] = true
			}
		}
		for _, v := range def.EnumValues {
			names[v.Name] = true
		}
	}
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		if root != nil {
			delete(names, root.Name)
		}
	}
	return names
}

// conceal takes the schema's names out of a message that the request did not send. Suggestions are one way to learn
// them; a required field that is missing, or the type of a field that was guessed, are others. The message has been
// shortened: what is left of a name at its end goes too.
func (p ErrorPresenter) conceal(ctx context.Context, message string) string {
	if p.hidden == nil || !graphql.HasOperationContext(ctx) {
		return message
	}
	if cut, ok := strings.CutSuffix(message, "…"); ok {
		message = strings.TrimRightFunc(cut, func(r rune) bool { return r < 0x80 && inName(byte(r)) }) + "…"
	}
	op := graphql.GetOperationContext(ctx)
	return word.ReplaceAllStringFunc(message, func(name string) string {
		if p.hidden[name] && !hasWord(op.RawQuery, name) && !hasWord(fmt.Sprint(op.Variables), name) {
			return "…"
		}
		return name
	})
}

// hasWord reports whether a name stands in a text, not within another.
func hasWord(text, name string) bool {
	for at := 0; ; at++ {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		at += i
		end := at + len(name)
		if (at == 0 || !inName(text[at-1])) && (end == len(text) || !inName(text[end])) {
			return true
		}
	}
}

func inName(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
