package repo

import (
	"fmt"
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// dialect is words that no one would search for, each with the field's term. They match as a word of a comment or as a
// part of an identifier.
var dialect = map[string]string{
	"patience": "timeout", "patient": "fault server, or a timeout",
	"judge": "check, match or delay", "judged": "checked", "judges": "checks",
	"tend": "maintain, or run in the background", "tends": "maintains", "tended": "maintained",
	"tending": "background tasks",
	"dear":    "expensive", "dearly": "expensive", "dearest": "most expensive",
	"bouncer": "limit", "gatekeeper": "object filter", "apologize": "write an internal error",
	"world": "process", "elsewhere": "at a relying service, or in other services",
	"whoever": "name the actor: client, caller, instance, operator", "stranger": "untrusted or unknown",
	"strangers": "untrusted or unknown",
	"familiar":  "known", "ledger": "counter store", "shelves": "tables",
	"strayed": "unplanned", "strays": "unplanned", "misnamed": "type mismatch", "vigil": "cleanup script",
	"stubborn": "without redirects", "contestant": "subject", "ailing": "SQLite server", "hurried": "with a timeout",
	"abroad": "in another time zone", "bailiff": "enforcer", "anew": "again",
	"nobody knows": "name the actor", "at once": "immediately, or simultaneously", "now and then": "periodically",
}

// argued is where a word of the dialect stays, and why.
var argued = map[string]string{
	"test/repo/vocabulary_test.go": "the list itself",
}

// TestVocabulary_IsTheFields looks for the words of the dialect in the identifiers and comments of Go files by hand.
func TestVocabulary_IsTheFields(t *testing.T) {
	for _, name := range tracked(t, "*.go") {
		text := servertest.ReadFile(t, name)
		if argued[name] != "" || generated.MatchString(text) {
			continue
		}
		for _, hit := range dialectIn(name, text) {
			t.Error(hit)
		}
	}
	text := "package a\n\n// whoever asks is S-001\nvar hashPatience, atOnce int // at once\n"
	if got := dialectIn("a.go", text); len(got) != 4 {
		t.Errorf("the detector finds %q", got)
	}
}

var (
	generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	caseIDs   = regexp.MustCompile(`\b[AGJRS]-[0-9]{3}\b`) // of lists that are not in the repository
	humps     = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	dialects  = dialectPattern()
)

func dialectPattern() *regexp.Regexp {
	var words []string
	for word := range dialect {
		words = append(words, strings.ReplaceAll(word, " ", `\s+`))
	}
	return regexp.MustCompile(`\b(?:` + strings.Join(words, "|") + `)\b`)
}

// dialectIn returns where in a Go file a word of the dialect stands, and what to write instead.
func dialectIn(name, text string) (hits []string) {
	files := token.NewFileSet()
	file := files.AddFile(name, files.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), nil, scanner.ScanComments)
	for {
		at, kind, literal := s.Scan()
		switch kind {
		case token.EOF:
			return hits
		case token.IDENT:
			literal = humps.ReplaceAllString(strings.ReplaceAll(literal, "PgBouncer", ""), "$1 $2")
			literal = strings.ReplaceAll(literal, "_", " ")
		case token.COMMENT:
			literal = strings.ReplaceAll(literal, "\n//", "\n")
			for _, id := range caseIDs.FindAllString(literal, -1) {
				hits = append(hits, fmt.Sprintf("%s:%d: %s: its list is not here", name, files.Position(at).Line, id))
			}
		default:
			continue
		}
		for _, word := range dialects.FindAllString(strings.ToLower(literal), -1) {
			word = strings.Join(strings.Fields(word), " ")
			if kind == token.IDENT && strings.Contains(word, " ") {
				continue // atOnce is in a name what it is
			}
			hits = append(hits, fmt.Sprintf("%s:%d: %s: %s", name, files.Position(at).Line, word, dialect[word]))
		}
	}
}
