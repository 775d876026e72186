package graph

import (
	"io"
	"slices"

	"github.com/99designs/gqlgen/graphql"
)

// fieldSet is gqlgen's, which makes a map for each object that it writes, of the names that it has written.
type fieldSet struct {
	*graphql.FieldSet
	fields []graphql.CollectedField
}

func newFieldSet(fields []graphql.CollectedField) *fieldSet {
	return &fieldSet{graphql.NewFieldSet(fields), fields}
}

// MarshalGQL writes the object. Fields that an interface and its type both have may be there twice.
func (s *fieldSet) MarshalGQL(w io.Writer) {
	write := func(text string) { _, _ = io.WriteString(w, text) }
	write("{")
	for i, field := range s.fields {
		before := s.fields[:i]
		if slices.ContainsFunc(before, func(f graphql.CollectedField) bool { return f.Alias == field.Alias }) {
			continue
		}
		if i > 0 {
			write(",")
		}
		write(`"`)
		write(field.Alias) // a name, which needs no escapes
		write(`":`)
		s.Values[i].MarshalGQL(w)
	}
	write("}")
}
