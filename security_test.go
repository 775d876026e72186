package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityPageIsTrue holds docs/security.md against the tests that there are, and against the lists of cases.
func TestSecurityPageIsTrue(t *testing.T) {
	page := read(t, "docs/security.md")
	var tests strings.Builder
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(path, "_test.go") {
			tests.WriteString(read(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`).FindAllString(page, -1) {
		if !strings.Contains(tests.String(), "\nfunc "+name+"(") {
			t.Errorf("there is no %s", name)
		}
	}
	for list, cases := range map[string]int{"G": 85, "A": 76, "R": 42} {
		for n := range cases {
			id := fmt.Sprintf("%s-%03d", list, n+1)
			if rows := strings.Count(page, "\n| "+id+" | "); rows != 1 {
				t.Errorf("%s has %d rows", id, rows)
			}
		}
	}
}
