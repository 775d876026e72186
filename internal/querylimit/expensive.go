package querylimit

import "github.com/vektah/gqlparser/v2/ast"

// ExpensiveFields is how many fields an answer may have, rows of full pages included, before its operation counts as
// expensive. A page of 100 users stays below this with seven of their fields and exceeds it with all and the
// cursors; me stays below it with 100 sessions, and exceeds it with those twice.
const ExpensiveFields = 1000

// AnswerFields counts the fields that an answer to a valid operation can have, each list as long as a page may be.
// Fragments are entered as often as they are spread; the limits of an operation bound that.
func AnswerFields(op *ast.OperationDefinition, page int) int {
	return fieldsOf(op.SelectionSet, 1, page)
}

func fieldsOf(selection ast.SelectionSet, times, page int) (n int) {
	for _, s := range selection {
		switch s := s.(type) {
		case *ast.Field:
			below := times
			if s.Definition.Type.Elem != nil {
				below = min(times*page, maxCount)
			}
			n = add(n, add(times, fieldsOf(s.SelectionSet, below, page)))
		case *ast.InlineFragment:
			n = add(n, fieldsOf(s.SelectionSet, times, page))
		case *ast.FragmentSpread:
			n = add(n, fieldsOf(s.Definition.SelectionSet, times, page))
		}
	}
	return n
}
