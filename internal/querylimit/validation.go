package querylimit

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// ValidationRules returns gqlparser's rules with changes. A message never repeats a value, which may be a password of
// the wrong type. An answer has a bounded number of errors. Without suggestions, no message proposes a name of the
// schema; gqlgen's own switch for that covers two of the seven rules that do.
func ValidationRules(suggestions bool) func() *rules.Rules {
	values := rules.ValuesOfCorrectTypeRule.RuleFunc
	if !suggestions {
		values = rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc
	}
	return func() *rules.Rules {
		r := rules.NewDefaultRules()
		for _, rule := range []core.Rule{
			rules.FieldsOnCorrectTypeRuleWithoutSuggestions, rules.ScalarLeafsRuleWithoutSuggestions,
		} {
			r.AddRule(rule.Name, rule.RuleFunc)
		}
		r.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, redactValues(values))
		if !suggestions {
			r.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
			r.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
		}
		limit := &errorCap{}
		for name, rule := range r.GetInner() {
			r.ReplaceRule(name, limit.wrap(rule))
		}
		return r
	}
}

// maxValidationErrors bounds the errors of validation in one answer: a document can hold a thousand mistakes and,
// through fragments, repeat each of them in each operation.
const maxValidationErrors = 5

// errorCap passes the first errors of all rules together and counts the others in extensions.truncated of the last one.
type errorCap struct {
	n    int
	last *gqlerror.Error
}

func (c *errorCap) wrap(rule core.RuleFunc) core.RuleFunc {
	return func(observers *core.Events, addError core.AddErrFunc) {
		rule(observers, func(options ...core.ErrorOption) {
			if c.n++; c.n <= maxValidationErrors {
				addError(append(options, func(err *gqlerror.Error) { c.last = err })...)
				return
			}
			if c.last.Extensions == nil {
				c.last.Extensions = map[string]any{}
			}
			c.last.Extensions["truncated"] = c.n - maxValidationErrors
		})
	}
}

// redactValues rewrites the messages of a rule about values so that they say which kind of value was found, not the
// value. The name of an unknown enum value stays: no enum is secret. Messages about fields of an object hold no value.
func redactValues(rule core.RuleFunc) core.RuleFunc {
	return func(observers *core.Events, addError core.AddErrFunc) {
		var current *ast.Value
		observers.OnValue(func(_ *core.Walker, v *ast.Value) { current = v }) // before the rule sees the same value
		rule(observers, func(options ...core.ErrorOption) {
			addError(append(options, func(err *gqlerror.Error) {
				if isSensitive(current) && !strings.HasPrefix(err.Message, `Field "`) &&
					!strings.HasPrefix(err.Message, "OneOf Input Object") {
					err.Message = fmt.Sprintf("Expected a value of type %q, found %s.", current.ExpectedType,
						kindNames[current.Kind])
				}
			})...)
		})
	}
}

func isSensitive(v *ast.Value) bool {
	return v != nil && v.ExpectedType != nil && !(v.Kind == ast.EnumValue && v.Definition.Kind == ast.Enum)
}

var kindNames = map[ast.ValueKind]string{
	ast.IntValue: "a number", ast.FloatValue: "a number", ast.BooleanValue: "a boolean", ast.NullValue: "null",
	ast.StringValue: "a string", ast.BlockValue: "a string", ast.EnumValue: "a word without quotes",
	ast.ListValue: "a list", ast.ObjectValue: "an object", ast.Variable: "a variable",
}
