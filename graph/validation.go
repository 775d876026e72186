package graph

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/querylimit"
)

// parseMessage returns gqlparser's reason why a document does not parse, without what it quotes of the document.
func parseMessage(message string) string {
	if i := strings.IndexAny(message, `"\`); i >= 0 {
		message = strings.TrimRight(message[:i], " :,.")
	}
	if message == "Expected" {
		message = "unexpected word"
	}
	return "syntax error: " + message
}

// validationMessage returns why a document or a variable does not fit the schema. Without introspection it names
// nothing of the schema that the request did not send.
func (p ErrorPresenter) validationMessage(ctx context.Context, e *gqlerror.Error) string {
	variable := len(e.Path) > 1 && e.Path[0] == ast.PathName("variable")
	switch {
	case variable && p.Introspection:
		return querylimit.Truncate("$" + e.Path[1:].String() + " " + withoutGoType(withoutValue(e.Message)))
	case variable:
		return querylimit.Truncate(redactedVariable(ctx, e))
	case !p.Introspection && e.Rule != "":
		return querylimit.Truncate(redactedRule(e))
	}
	return querylimit.Truncate(withoutValue(e.Message))
}

// withoutValue removes the value of an enum, which gqlparser puts first.
func withoutValue(message string) string {
	if before, after, ok := strings.Cut(message, " is not a valid "); ok && before != "" {
		return "is not a valid " + after
	}
	return message
}

// goTypes matches what gqlparser says of a variable in words of Go: its type, or how it could be decoded.
var goTypes = regexp.MustCompile(
	`^(?:cannot use .* as (\w+)(?:: .*)?|must be a (\w+), not a .*|(enum)s must be ints or strings)$`)

// withoutGoType removes the Go type of a variable, which says nothing to a client.
func withoutGoType(message string) string {
	return goTypes.ReplaceAllString(message, "is not a valid $1$2$3")
}

// ruleMessages are the messages of validation rules without introspection. An empty one stands for gqlparser's own: it
// repeats names of the request and no others. No word here is a name of the schema, so that a test can tell them apart.
var ruleMessages = map[string]string{
	"FieldsOnCorrectType":          "the type has no such field",
	"FragmentsOnCompositeTypes":    "",
	"KnownArgumentNames":           "the field or directive has no such argument",
	"KnownDirectives":              "",
	"KnownFragmentNames":           "",
	"KnownRootType":                "",
	"KnownTypeNames":               "",
	"LoneAnonymousOperation":       "",
	"NoFragmentCycles":             "",
	"NoUndefinedVariables":         "",
	"NoUnusedFragments":            "",
	"NoUnusedVariables":            "",
	"OverlappingFieldsCanBeMerged": "fields with the same key in the response conflict; give them different aliases",
	"PossibleFragmentSpreads":      "the fragment cannot be spread here: no object is of both types",
	"ProvidedRequiredArguments":    "the field or directive lacks a required argument",
	"ScalarLeafs": "the field needs a selection if its type is an object, and must have none " +
		"otherwise",
	"SingleFieldSubscriptions":    "",
	"UniqueArgumentNames":         "",
	"UniqueDirectivesPerLocation": "",
	"UniqueFragmentNames":         "",
	"UniqueInputFieldNames":       "",
	"UniqueOperationNames":        "",
	"UniqueVariableNames":         "",
	"ValuesOfCorrectType":         "the value does not fit its type, lacks a required field or has an unknown one",
	"VariablesAreInputTypes":      "",
	"VariablesInAllowedPosition":  "the type of the variable does not fit the place where it is used",
}

// redactedRule returns the message of a validation rule that names nothing but what the document does.
func redactedRule(e *gqlerror.Error) string {
	message, ok := ruleMessages[strings.TrimSuffix(e.Rule, "WithoutSuggestions")]
	switch {
	case !ok: // a rule that we do not know
		return "the document does not fit the schema"
	case message == "":
		return e.Message
	}
	return message
}

// redactedVariable returns why a variable does not fit its type. It names the variable and what is in it as far as the
// request sent it: a required field that is missing has a name of the schema.
func redactedVariable(ctx context.Context, e *gqlerror.Error) string {
	sent := ast.Path{e.Path[1]}
	value := graphql.GetOperationContext(ctx).Variables[fmt.Sprint(e.Path[1])]
	for _, element := range e.Path[2:] {
		next, ok := elementOf(value, element)
		if !ok {
			return "$" + sent.String() + " lacks a required field"
		}
		sent, value = append(sent, element), next
	}
	reason := "does not fit its type"
	if e.Message == "must be defined" || e.Message == "cannot be null" || e.Message == "unknown field" {
		reason = e.Message
	}
	return "$" + sent.String() + " " + reason
}

// elementOf returns the field or element of a decoded JSON value. A single value counts as a list of itself.
func elementOf(value any, element ast.PathElement) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		name, _ := element.(ast.PathName)
		field, ok := v[string(name)]
		return field, ok
	case []any:
		i, ok := element.(ast.PathIndex)
		if !ok || int(i) >= len(v) {
			return nil, false
		}
		return v[i], true
	}
	_, ok := element.(ast.PathIndex)
	return value, ok
}
