package authz

import (
	"fmt"
	"sort"
	"strings"
)

// SchemaError is the reason why a schema may not be served: each Fault names a place and how to mend it.
type SchemaError struct{ Issues []Issue }

// Issue is one place of a schema that is not guarded as it must be.
type Issue struct {
	Coordinate string // Type, Type.field, Type.field(argument:) or Input.field
	Message    string // a sentence that says what is wrong and how to mend it
}

func (r *SchemaError) Error() string {
	lines := make([]string, len(r.Issues))
	for i, f := range r.Issues {
		lines[i] = f.Coordinate + ": " + f.Message
	}
	if len(lines) == 1 {
		return "the schema is not a complete access policy: " + lines[0]
	}
	return "the schema is not a complete access policy:\n  " + strings.Join(lines, "\n  ")
}

// faults collects what is wrong with a schema, so that it can be mended in one go.
type faults []Issue

func (f *faults) add(coordinate, format string, args ...any) {
	*f = append(*f, Issue{Coordinate: coordinate, Message: fmt.Sprintf(format, args...)})
}

// refusal returns what was collected, in a stable order, or nil.
func (f faults) refusal() error {
	if len(f) == 0 {
		return nil
	}
	sort.SliceStable(f, func(i, j int) bool { return f[i].Coordinate < f[j].Coordinate })
	return &SchemaError{Issues: f}
}
