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
	want     bounds
}

// bounds say what a figure must be at least, or at most, and what it should be. Zero bounds judge nothing.
type bounds struct {
	least, aim float64
	most       bool // less is better
	unit       string
}

func atLeast(least, aim float64) bounds { return bounds{least: least, aim: aim} }
func atMost(most, aim float64) bounds   { return bounds{least: most, aim: aim, most: true} }
func (b bounds) in(unit string) bounds  { b.unit = unit; return b }
func (b bounds) judges() bool           { return b.least != 0 }
func (b bounds) reached(value, bound float64) bool {
	if b.most {
		return value <= bound
	}
	return value >= bound
}

func (b bounds) text(bound float64) string {
	switch {
	case !b.judges():
		return "–"
	case b.most:
		return strings.TrimSpace(fmt.Sprintf("≤ %v %s", bound, b.unit))
	}
	return strings.TrimSpace(fmt.Sprintf("%.2f %s", bound, b.unit))
}

func (f figure) ok() string {
	switch {
	case !f.want.judges():
		return "–"
	case f.want.reached(f.value, f.want.aim):
		return "aim"
	case f.want.reached(f.value, f.want.least):
		return "yes"
	}
	return "NO"
}

// table is what was measured so far.
type table struct {
	figures []figure
	notes   []string
}

// add adds a figure of several rounds: their median, with the least and the most behind it.
func (t *table) add(name string, rounds []float64, want bounds) {
	value := median(rounds)
	digits := 2
	if want.unit != "" && value >= 10 {
		digits = 0
	}
	number := func(x float64) string { return fmt.Sprintf("%.*f", digits, x) }
	text := number(value)
	if want.unit != "" {
		text += " " + want.unit
	}
	if len(rounds) > 1 {
		text += fmt.Sprintf(" (%s to %s)", number(slices.Min(rounds)), number(slices.Max(rounds)))
	}
	t.figures = append(t.figures, figure{name: name, measured: text, value: value, want: want})
}

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

func (t *table) failed() bool {
	return slices.ContainsFunc(t.figures, func(f figure) bool { return f.ok() == "NO" })
}

func (t *table) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "figure\t| measured: median (range)\t| at least\t| aim\t| ok")
	for _, f := range t.figures {
		fmt.Fprintf(w, "%s\t| %s\t| %s\t| %s\t| %s\n", f.name, f.measured, f.want.text(f.want.least), f.want.text(f.want.aim), f.ok())
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

// divided divides the rounds of two figures, each by the one beside it.
func divided(a, b []float64) []float64 {
	ratios := make([]float64, min(len(a), len(b)))
	for i := range ratios {
		ratios[i] = a[i] / b[i]
	}
	return ratios
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
