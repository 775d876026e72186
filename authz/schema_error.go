package authz

import (
	"fmt"
	"sort"
	"strings"
)

// SchemaError says why a schema may not be served. Each Issue names a place of the schema and how to mend it.
type SchemaError struct{ Issues []Issue }

// Issue is one place of a schema that is not guarded as it must be.
type Issue struct {
	Coordinate string // Type, Type.field, Type.field(argument:) or Input.field
	Message    string // what is wrong, and how to mend it
}

func (e *SchemaError) Error() string {
	lines := make([]string, len(e.Issues))
	for i, issue := range e.Issues {
		lines[i] = issue.Coordinate + ": " + issue.Message
	}
	if len(lines) == 1 {
		return "the schema is not a complete access policy: " + lines[0]
	}
	return "the schema is not a complete access policy:\n  " + strings.Join(lines, "\n  ")
}

// issues collects all that is wrong with a schema, so that one start reports everything.
type issues []Issue

func (all *issues) add(coordinate, format string, args ...any) {
	*all = append(*all, Issue{Coordinate: coordinate, Message: fmt.Sprintf(format, args...)})
}

// err returns the collected issues in a stable order, or nil.
func (all issues) err() error {
	if len(all) == 0 {
		return nil
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Coordinate < all[j].Coordinate })
	return &SchemaError{Issues: all}
}
