package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one line of the table.
type figure struct {
	name     string
	measured string
	value    float64
	bounds   bounds
}

// bounds are what a figure must reach (target) and what it should reach (stretch). Without a target it always passes.
type bounds struct {
	target, stretch float64
	atMost          bool // less is better
	unit            string
}

func atLeast(target, stretch float64) bounds { return bounds{target: target, stretch: stretch} }
func atMost(target, stretch float64) bounds {
	return bounds{target: target, stretch: stretch, atMost: true}
}
func (b bounds) in(unit string) bounds { b.unit = unit; return b }

func (b bounds) met(value, bound float64) bool {
	if b.atMost {
		return value <= bound
	}
	return value >= bound
}

func (b bounds) text(bound float64) string {
	switch {
	case b.target == 0:
		return "–"
	case b.atMost:
		return strings.TrimSpace(fmt.Sprintf("≤ %v %s", bound, b.unit))
	}
	return strings.TrimSpace(fmt.Sprintf("≥ %.2f %s", bound, b.unit))
}

// verdict is "NO" when the figure misses its target.
func (f figure) verdict() string {
	switch {
	case f.bounds.target == 0:
		return "–"
	case f.bounds.met(f.value, f.bounds.stretch):
		return "stretch"
	case f.bounds.met(f.value, f.bounds.target):
		return "yes"
	}
	return "NO"
}

// table is what was measured so far.
type table struct {
	figures []figure
	notes   []string
}

// add adds a figure of several rounds: their median and range.
func (t *table) add(name string, rounds []float64, b bounds) {
	value := median(rounds)
	digits := 2
	if b.unit != "" && value >= 10 {
		digits = 0
	}
	number := func(x float64) string { return fmt.Sprintf("%.*f", digits, x) }
	text := number(value)
	if b.unit != "" {
		text += " " + b.unit
	}
	if len(rounds) > 1 {
		text += fmt.Sprintf(" (%s to %s)", number(slices.Min(rounds)), number(slices.Max(rounds)))
	}
	t.figures = append(t.figures, figure{name: name, measured: text, value: value, bounds: b})
}

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

func (t *table) failed() bool {
	return slices.ContainsFunc(t.figures, func(f figure) bool { return f.verdict() == "NO" })
}

func (t *table) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "figure\t| measured: median (range)\t| target\t| stretch\t| met")
	for _, f := range t.figures {
		fmt.Fprintf(w, "%s\t| %s\t| %s\t| %s\t| %s\n", f.name, f.measured,
			f.bounds.text(f.bounds.target), f.bounds.text(f.bounds.stretch), f.verdict())
	}
	w.Flush()
	if len(t.notes) > 0 {
		fmt.Fprintln(out, "\n"+strings.Join(t.notes, "\n"))
	}
}

func median(all []float64) float64 {
	n := len(all)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(all))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// quantile is the value that the given part of all is not above.
func quantile(all []float64, q float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// ratios divides the rounds of two figures, each by that of the same round.
func ratios(a, b []float64) []float64 {
	all := make([]float64, min(len(a), len(b)))
	for i := range all {
		all[i] = a[i] / b[i]
	}
	return all
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
