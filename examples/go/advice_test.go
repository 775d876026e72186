package main

import (
	"os"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	gatehouse "github.com/gatehouse/gatehouse/clients/go"
)

// The compiler does not ask a Go switch for every constant; this does.
func TestAdviceKnowsEveryErrorCode(t *testing.T) {
	text, err := os.ReadFile("../../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	codes := gqlparser.MustLoadSchema(&ast.Source{Input: string(text)}).Types["ErrorCode"].EnumValues
	if len(codes) == 0 {
		t.Fatal("the schema has no codes")
	}
	for _, code := range codes {
		if advice(&gatehouse.Error{Code: gatehouse.Code(code.Name)}) == unknownCode {
			t.Errorf("advice does not know %s: give it a case", code.Name)
		}
	}
}
