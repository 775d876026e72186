package querylimit

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits bounds one operation. A field that is zero stands for its default.
type Limits struct {
	Body    int // bytes of a request's body, or of a GET request's query string
	Tokens  int // tokens of a document, comments included; also the values of a JSON body
	Depth   int // how deep fields are nested
	Fields  int // fields, with fragments expanded
	Roots   int // fields of the root type
	Aliases int // fields with an alias
	Page    int // elements of one page; the resolvers hold it, not this package
}

// DefaultLimits returns the limits that apply when nothing is configured.
func DefaultLimits() Limits {
	return Limits{Body: 64 << 10, Tokens: 1000, Depth: 8, Fields: 250, Roots: 10, Aliases: 15, Page: 100}
}

// limitNames are the names in the configuration and in extensions.limit, in the order of fields.
var limitNames = []string{"body", "tokens", "depth", "fields", "roots", "aliases", "page"}

func (l *Limits) fields() []*int {
	return []*int{&l.Body, &l.Tokens, &l.Depth, &l.Fields, &l.Roots, &l.Aliases, &l.Page}
}

// ParseLimits reads limits like "body=64KiB,tokens=1000": any subset, each a whole number above zero, body with an
// optional unit of KiB or MiB. A limit that is not given has its default.
func ParseLimits(text string) (Limits, error) {
	limits, seen := DefaultLimits(), map[string]bool{}
	if strings.TrimSpace(text) == "" {
		return limits, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(part), "=")
		i := slices.Index(limitNames, name)
		switch {
		case !found:
			return Limits{}, fmt.Errorf("%q is not name=number", part)
		case i < 0:
			return Limits{}, fmt.Errorf("%q is not a limit; there are %s", name, strings.Join(limitNames, ", "))
		case seen[name]:
			return Limits{}, fmt.Errorf("%s is given twice", name)
		}
		n, err := parseLimit(name, value)
		if err != nil {
			return Limits{}, err
		}
		*limits.fields()[i], seen[name] = n, true
	}
	return limits, nil
}

func parseLimit(name, value string) (int, error) {
	digits, unit, example := value, 1, "a whole number above zero"
	if name == "body" {
		example += ", with KiB or MiB behind it if wanted"
		if d, ok := strings.CutSuffix(value, "KiB"); ok {
			digits, unit = d, 1<<10
		} else if d, ok := strings.CutSuffix(value, "MiB"); ok {
			digits, unit = d, 1<<20
		}
	}
	// 31 bits leave room for a unit and for sums.
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%s=%s: it must be %s", name, value, example)
	}
	return int(n) * unit, nil
}

// String returns the limits as ParseLimits reads them.
func (l Limits) String() string {
	parts := make([]string, len(limitNames))
	for i, name := range limitNames {
		value := strconv.Itoa(*l.fields()[i])
		if name == "body" && l.Body%(1<<10) == 0 {
			value = strconv.Itoa(l.Body>>10) + "KiB"
		}
		parts[i] = name + "=" + value
	}
	return strings.Join(parts, ",")
}

// WithDefaults returns the limits with the default for each that is zero.
func (l Limits) WithDefaults() Limits {
	defaults := DefaultLimits()
	for i, field := range l.fields() {
		*field = cmp.Or(*field, *defaults.fields()[i])
	}
	return l
}
