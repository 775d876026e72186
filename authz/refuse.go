package authz

import (
	"fmt"
	"sort"
	"strings"
)

// Refusal is the reason why a schema may not be served: each Fault names a place and how to mend it.
type Refusal struct{ Faults []Fault }

// Fault is one place of a schema that is not guarded as it must be.
type Fault struct {
	Coordinate string // Type, Type.field, Type.field(argument:) or Input.field
	Message    string // a sentence that says what is wrong and how to mend it
}

func (r *Refusal) Error() string {
	lines := make([]string, len(r.Faults))
	for i, f := range r.Faults {
		lines[i] = f.Coordinate + ": " + f.Message
	}
	if len(lines) == 1 {
		return "the schema is not a complete access policy: " + lines[0]
	}
	return "the schema is not a complete access policy:\n  " + strings.Join(lines, "\n  ")
}

// faults collects what is wrong with a schema, so that it can be mended in one go.
type faults []Fault

func (f *faults) add(coordinate, format string, args ...any) {
	*f = append(*f, Fault{Coordinate: coordinate, Message: fmt.Sprintf(format, args...)})
}

// refusal returns what was collected, in a stable order, or nil.
func (f faults) refusal() error {
	if len(f) == 0 {
		return nil
	}
	sort.SliceStable(f, func(i, j int) bool { return f[i].Coordinate < f[j].Coordinate })
	return &Refusal{Faults: f}
}
