package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	want := authz.Access{Coordinate: "Query.me", Who: "whoever is signed in", Reached: true, Rules: []authz.Rule{{{}}}}
	if diff := cmp.Diff(want, table[0]); diff != "" {
		t.Errorf("the first line (-want +got):\n%s", diff)
	}
}

// TestWideningFailsWithTheCoordinates checks the schema against a table that granted less, and against its own.
func TestWideningFailsWithTheCoordinates(t *testing.T) {
	_, own, _ := command(t, nil, "access", "--json")
	var table []authz.Access
	if err := json.Unmarshal([]byte(own), &table); err != nil {
		t.Fatal(err)
	}
	for i := range table {
		if table[i].Coordinate == "Mutation.suspendUser" {
			table[i].Rules[0][0].MaxAge = 60 // it asked for a recent proof once
		}
	}
	table = slices.DeleteFunc(table, func(a authz.Access) bool { return a.Coordinate == "User.sessions" })
	stricter, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs := command(t, nil, "access", "--check", write(t, string(stricter)))
	if code != exitFailed || !strings.Contains(out, "Mutation.suspendUser: administrators") || !strings.Contains(out, "User.sessions: ") ||
		strings.Count(out, "\n") != 2 || !strings.Contains(errs, "2 places") {
		t.Errorf("exit code %d, out %q, errors %q", code, out, errs)
	}
	if code, _, errs := command(t, nil, "access", "--check", write(t, own)); code != exitDone {
		t.Errorf("its own table: exit code %d, %s", code, errs)
	}
	if code, _, errs := command(t, nil, "access", "--check", write(t, "# ACCESS")); code != exitFailed || !strings.Contains(errs, "--json") {
		t.Errorf("a file that is no table: exit code %d, %s", code, errs)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
