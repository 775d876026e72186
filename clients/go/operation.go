package gatehouse

import (
	"encoding/json"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// operation is what a request does, as far as the client decides by it.
type operation struct {
	query  bool
	fields map[string]string // names of root fields by their keys in the answer, without those of fragments
	single bool              // fields is all of them, and one
}

// readOperation reads a request's body. What cannot be read, such as a hash without a document, counts as a mutation of
// unknown fields.
func readOperation(body []byte) operation {
	var request struct{ Query, OperationName string }
	if json.Unmarshal(body, &request) != nil {
		return operation{}
	}
	document, err := parser.ParseQuery(&ast.Source{Input: request.Query})
	if err != nil {
		return operation{}
	}
	run := document.Operations.ForName(request.OperationName)
	if run == nil {
		return operation{}
	}
	o := operation{query: run.Operation == ast.Query, fields: map[string]string{}}
	spread := false
	for _, selection := range run.SelectionSet {
		if field, ok := selection.(*ast.Field); ok {
			o.fields[field.Alias] = field.Name
		} else {
			spread = true
		}
	}
	o.single = !spread && len(o.fields) == 1
	return o
}

// ends reports whether it ends a session: its caller's, which must be that of who asked.
func (o operation) ends() bool {
	for _, name := range o.fields {
		if ending(name) {
			return true
		}
	}
	return false
}

func ending(field string) bool { return field == "logout" || field == "deleteAccount" }

// refused reports whether an answer says that the access token is not taken, and the operation may be sent again. A
// mutation was refused as a whole, and nothing of it was done, when its answer has no `data`, or when its only field
// was refused.
func (o operation) refused(a answer) bool {
	whole := a.Data == nil || (o.single && string(a.Data) == "null")
	if !o.query && !whole {
		return false
	}
	for _, e := range a.Errors {
		if !o.query && len(e.Path) > 1 {
			return false
		}
		if e.Code == Unauthenticated {
			return true
		}
	}
	return false
}
