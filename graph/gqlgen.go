//go:build ignore

// Runs gqlgen, by `make gen`, and changes what it writes: lists are marshalled by marshalList, which knows from
// waitingFields whether the elements need a goroutine each, and objects by fieldSet of what collectFields returns.
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"log"
	"os"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
)

// replaced is text that gqlgen writes, and what stands in its place.
var replaced = map[string]string{
	"graphql.MarshalSliceConcurrently(ctx, len(v), 0, false, ": "marshalList(ctx, sel, len(v), ",
	"out := graphql.NewFieldSet(fields)":                       "out := newFieldSet(fields)",
	"graphql.CollectFields(ec.OperationContext, ":              "collectFields(ctx, ec.OperationContext, ",
	"var buf bytes.Buffer":                                     "buf := bytes.NewBuffer(make([]byte, 0, 128))",
	"data.MarshalGQL(&buf)":                                    "data.MarshalGQL(buf)",
	// It would make a set of fields for each object, for @defer, which no request may use.
	"deferred := graphql.NewDeferredGroup(ctx)": "var deferred graphql.DeferredGroup",
	"make(chan graphql.DeferredResult)":         "nil",
}

func main() {
	c, err := config.LoadConfigFromDefaultLocations()
	check(err)
	c.SkipValidation = true // what gqlgen writes lacks waitingFields; what make gen runs next compiles it
	var waiting waitingFields
	check(api.Generate(c, api.AddPlugin(&waiting)))
	code, err := os.ReadFile(c.Exec.Filename)
	check(err)
	for old, now := range replaced {
		if !bytes.Contains(code, []byte(old)) {
			log.Fatalf("gqlgen does not write %q any more; see whether graph/gqlgen.go is still needed", old)
		}
		code = bytes.ReplaceAll(code, []byte(old), []byte(now))
	}
	code, err = format.Source(append(code, waiting.code()...))
	check(err)
	check(os.WriteFile(c.Exec.Filename, code, 0o666))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// waitingFields is a plugin of gqlgen that collects the fields whose resolvers may wait, "object.field": those that
// gqlgen itself resolves concurrently. A field of an interface waits when that of any of its types does.
type waitingFields []string

// Name is the plugin's name in gqlgen's messages.
func (*waitingFields) Name() string { return "waiting fields" }

// GenerateCode is called with all that gqlgen is about to write.
func (w *waitingFields) GenerateCode(data *codegen.Data) error {
	for _, object := range data.Objects {
		for _, f := range object.Fields {
			if !f.IsConcurrent() {
				continue
			}
			*w = append(*w, object.Name+"."+f.Name)
			for _, name := range object.Definition.Interfaces {
				if data.Schema.Types[name].Fields.ForName(f.Name) != nil {
					*w = append(*w, name+"."+f.Name)
				}
			}
		}
	}
	return nil
}

func (w waitingFields) code() []byte {
	var b bytes.Buffer
	b.WriteString("\n// waitingFields are the fields whose resolvers may wait.\nvar waitingFields = map[string]bool{\n")
	for _, f := range w {
		fmt.Fprintf(&b, "\t%q: true,\n", f)
	}
	b.WriteString("}\n")
	return b.Bytes()
}
