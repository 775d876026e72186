package querylimit

import (
	"strings"
	"testing"
)

func TestParseLimits_AnySubset(t *testing.T) {
	for text, want := range map[string]Limits{
		"":         DefaultLimits(),
		" ":        DefaultLimits(),
		"tokens=7": {64 << 10, 7, 8, 250, 10, 15, 100},
		"body=64KiB,tokens=1000,depth=8,fields=250,roots=10,aliases=15,page=100": DefaultLimits(),
		"page=1, aliases=2, roots=3, fields=4, depth=5, tokens=6, body=7":        {7, 6, 5, 4, 3, 2, 1},
		"body=2MiB": {2 << 20, 1000, 8, 250, 10, 15, 100},
	} {
		got, err := ParseLimits(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
		if again, err := ParseLimits(got.String()); err != nil || again != got {
			t.Errorf("%q: %s is read as %+v, %v", text, got, again, err)
		}
	}
	if got := DefaultLimits().String(); got != "body=64KiB,tokens=1000,depth=8,fields=250,roots=10,aliases=15,page=100" {
		t.Errorf("the defaults are %s", got)
	}
}

func TestParseLimits_ErrorsNameTheLimit(t *testing.T) {
	for text, want := range map[string]string{
		"dept=8":            `"dept" is not a limit; there are body, tokens, depth, fields, roots, aliases, page`,
		"Depth=8":           `"Depth" is not a limit`,
		"depth":             `"depth" is not name=number`,
		"depth=8,":          `"" is not name=number`,
		"depth=0":           "depth=0: it must be a whole number above zero",
		"depth=-1":          "depth=-1: it must be",
		"depth=8.5":         "depth=8.5: it must be",
		"depth=1KiB":        "depth=1KiB: it must be",
		"body=64KB":         "body=64KB: it must be a whole number above zero, with KiB or MiB behind it if wanted",
		"depth=8,depth=9":   "depth is given twice",
		"tokens=9999999999": "tokens=9999999999: it must be",
		"tokens=2147483648": "tokens=2147483648: it must be",
	} {
		if l, err := ParseLimits(text); err == nil || !strings.Contains(err.Error(), want) || l != (Limits{}) {
			t.Errorf("%q: %v, %v, want %s", text, l, err, want)
		}
	}
}
