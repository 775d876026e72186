package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse/gatehouse/authz"
)

func TestAccessTableIsWhatTheSchemaSays(t *testing.T) {
	code, out, errs := command(t, nil, "access")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if diff := cmp.Diff(read(t, "ACCESS.md"), out); diff != "" {
		t.Errorf("ACCESS.md is not what schema.graphql grants; look at what a change opens, then run make gen (-committed +schema):\n%s", diff)
	}
}

func TestAccessTableIsThereForMachines(t *testing.T) {
	code, out, errs := command(t, nil, "access", "--json")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var table []authz.Access
	if err := json.Unmarshal([]byte(out), &table); err != nil {
		t.Fatal(err)
	}
	want := authz.Access{Coordinate: "Query.me", Needs: "a signed-in caller"}
	if len(table) == 0 || table[0] != want {
		t.Errorf("the first line is %+v, want %+v", table, want)
	}
}
