package repo

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const operationsPage = "docs/operations.md"

// TestOperationsPage_QuotesWhatTheCodeSays finds every quoted word of the page in the code, so that operators watch for
// lines that the program writes.
func TestOperationsPage_QuotesWhatTheCodeSays(t *testing.T) {
	code := programText(t)
	for _, word := range quoted(servertest.ReadFile(t, operationsPage)) {
		if !isSaid(code, word) {
			t.Errorf("%s: `%s` is not in the code", operationsPage, word)
		}
	}
	if isSaid(code, "a sentence that "+"the program never writes") {
		t.Error("every sentence is found")
	}
}

// programText is what the program is made of, and what is delivered with it; the page of variables is generated.
func programText(t *testing.T) string {
	t.Helper()
	files := slices.DeleteFunc(tracked(t, "*.go", "*.sql", "*.mod", "Makefile", "Dockerfile", "*.yml", "deploy/*",
		"schema.graphql", "docs/configuration.md"), func(name string) bool {
		return strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "test/")
	})
	return join(t, files)
}

// quoted returns the words in backquotes of a page, without its blocks and the names of tests, which have a test of
// their own.
func quoted(page string) (words []string) {
	page = regexp.MustCompile("(?sm)^```.*?^```").ReplaceAllString(page, "")
	for _, found := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(page, -1) {
		if word := strings.Join(strings.Fields(found[1]), " "); !regexp.MustCompile(`^Test[A-Z]\w+$`).MatchString(word) {
			words = append(words, word)
		}
	}
	return words
}

// othersWords are of programs that are not ours.
var othersWords = regexp.MustCompile(`^(go|pg_dump|psql|sqlite3|docker|ulimit|VACUUM|synchronous)\b`)

// isSaid reports whether a word of a page is in the code: as it is, as the name of a file, as a variable with a value,
// as a command with its flags, or as a sentence with a number that the program writes in.
func isSaid(code, word string) bool {
	if strings.Contains(code, word) || othersWords.MatchString(word) {
		return true
	}
	if _, err := os.Stat(strings.TrimPrefix(word, "../")); err == nil {
		return true
	}
	if name, _, ok := strings.Cut(word, "="); ok && strings.Contains(code, name) {
		return true
	}
	if command, ok := strings.CutPrefix(word, "gatehouse "); ok || strings.HasPrefix(word, "--") {
		return !slices.ContainsFunc(strings.Fields(command), func(part string) bool {
			return !strings.Contains(part, "@") && !strings.Contains(code, `"`+strings.TrimLeft(part, "-"))
		})
	}
	if !strings.ContainsAny(word, "0123456789") {
		return false
	}
	pattern := regexp.MustCompile(`[0-9]+`).ReplaceAllString(regexp.QuoteMeta(word), "(%[dv]|[0-9]+)")
	return regexp.MustCompile(pattern).MatchString(code)
}

// TestOperationsPage_ListsEveryEventAndMetric that is served, and no other.
func TestOperationsPage_ListsEveryEventAndMetric(t *testing.T) {
	page := servertest.ReadFile(t, operationsPage)
	names, metrics := servedMetrics(t)
	events := map[string]bool{}
	for _, found := range regexp.MustCompile(`security_events_total\{event="(\w+)"`).FindAllStringSubmatch(metrics, -1) {
		events[found[1]] = true
	}
	maps.DeleteFunc(names, func(name string, _ bool) bool { return !strings.HasPrefix(name, "gatehouse_") })
	for header, served := range map[string]map[string]bool{"| event | meaning |": events, "| metric | meaning |": names} {
		testenv.Equal(t, slices.Sorted(maps.Keys(served)), firstColumn(page, header),
			"%s: the table %s", operationsPage, header)
	}
}

// firstColumn returns the sorted words in backquotes of a table's first column.
func firstColumn(page, header string) (words []string) {
	_, table, _ := strings.Cut(page, header+"\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for row := range strings.Lines(table) {
		if cells := strings.Split(row, "|"); len(cells) > 2 {
			words = append(words, quoted(cells[1])...)
		}
	}
	slices.Sort(words)
	return words
}

// TestOperationsPage_NamesATestForEachFault in its table of what each part does when another is away.
func TestOperationsPage_NamesATestForEachFault(t *testing.T) {
	_, table, _ := strings.Cut(servertest.ReadFile(t, operationsPage), "|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(strings.TrimSpace(table), "\n")
	for _, row := range rows {
		if !regexp.MustCompile("`Test[A-Z]\\w+`").MatchString(row) {
			t.Errorf("no test: %s", row)
		}
	}
	if len(rows) < 30 {
		t.Errorf("%d rows", len(rows))
	}
}
