package graph

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// validation returns gqlparser's rules with two changes. Values are never repeated in a message: the one of a wrong
// type may be a password. And without suggestions no message names a part of the schema that the document did not
// name; gqlgen's own switch for that covers two of the seven kinds of message that do.
func validation(suggestions bool) func() *rules.Rules {
	values := rules.ValuesOfCorrectTypeRule.RuleFunc
	if !suggestions {
		values = rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc
	}
	return func() *rules.Rules {
		r := rules.NewDefaultRules()
		r.AddRule(rules.FieldsOnCorrectTypeRuleWithoutSuggestions.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc)
		r.AddRule(rules.ScalarLeafsRuleWithoutSuggestions.Name, rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc)
		r.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, withholding(values))
		if !suggestions {
			r.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
			r.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
		}
		few := &few{}
		for name, rule := range r.GetInner() {
			r.ReplaceRule(name, few.of(rule))
		}
		return r
	}
}

// maxInvalid bounds the errors of validation in one answer: a document can hold a thousand mistakes and, through
// fragments, show each of them to each operation.
const maxInvalid = 5

// few lets the first errors of all rules together through and counts the others on the last one.
type few struct {
	n    int
	last *gqlerror.Error
}

func (f *few) of(rule core.RuleFunc) core.RuleFunc {
	return func(observers *core.Events, addError core.AddErrFunc) {
		rule(observers, func(options ...core.ErrorOption) {
			if f.n++; f.n <= maxInvalid {
				addError(append(options, func(err *gqlerror.Error) { f.last = err })...)
				return
			}
			if f.last.Extensions == nil {
				f.last.Extensions = map[string]any{}
			}
			f.last.Extensions["truncated"] = f.n - maxInvalid
		})
	}
}

// withholding rewrites the messages of a rule about values so that they say what kind of value was found, not which.
// The name of an enum value that does not exist stays: nothing secret is an enum.
func withholding(rule core.RuleFunc) core.RuleFunc {
	return func(observers *core.Events, addError core.AddErrFunc) {
		var at *ast.Value
		observers.OnValue(func(_ *core.Walker, v *ast.Value) { at = v }) // before the rule sees the same value
		rule(observers, func(options ...core.ErrorOption) {
			addError(append(options, func(err *gqlerror.Error) {
				if secret(at) && !strings.HasPrefix(err.Message, `Field "`) && strings.Contains(err.Message, at.String()) {
					err.Message = fmt.Sprintf("Expected a value of type %q, found %s.", at.ExpectedType, kindOf(at))
				}
			})...)
		})
	}
}

func secret(v *ast.Value) bool {
	return v != nil && v.ExpectedType != nil && !(v.Kind == ast.EnumValue && v.Definition.Kind == ast.Enum)
}

func kindOf(v *ast.Value) string {
	switch v.Kind {
	case ast.IntValue, ast.FloatValue:
		return "a number"
	case ast.StringValue, ast.BlockValue:
		return "a string"
	case ast.BooleanValue:
		return "a boolean"
	case ast.NullValue:
		return "null"
	case ast.EnumValue:
		return "a word without quotes"
	case ast.ListValue:
		return "a list"
	case ast.ObjectValue:
		return "an object"
	default:
		return "a variable"
	}
}
