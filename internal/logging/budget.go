package logging

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/internal/requestid"
)

const (
	// budgetPeriod is how long the lines of a budget count.
	budgetPeriod = time.Minute
	// maxLinesPerCaller is how many lines of a kind the requests of one caller write in a period.
	maxLinesPerCaller = 10
	// maxLinesPerKind is how many lines of a kind all callers' requests write in a period.
	maxLinesPerKind = 100
	// maxReports is how many kinds and callers a report names; what others left out is counted together.
	maxReports = 20
)

// budget bounds how many lines requests write: any client could otherwise fill the disk. What is left out
// is counted, and reported at the end of the period. It may be used concurrently.
type budget struct {
	caller func(context.Context) string
	report func(left source, lines int)

	mu    sync.Mutex
	ends  time.Time // of the period
	kinds map[kind]int
	lines map[source]int
	left  map[source]int // nil: nothing was left out since the last report
}

// kind is what lines have in common: their message, and the reason or code that they give.
type kind struct{ message, reason string }

// source is a kind and whose requests caused it.
type source struct {
	kind
	caller string
}

// allows charges a line, and reports whether it is to be written: always when no request caused it, and at level debug,
// which somebody turned on to see every request.
func (b *budget) allows(ctx context.Context, r slog.Record) bool {
	if r.Level < slog.LevelInfo || requestid.From(ctx) == "" {
		return true
	}
	s := source{kind: kind{r.Message, reasonOf(r)}, caller: b.caller(ctx)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); !now.Before(b.ends) {
		b.ends, b.kinds, b.lines = now.Add(budgetPeriod), map[kind]int{}, map[source]int{}
	}
	if b.lines[s] >= maxLinesPerCaller || b.kinds[s.kind] >= maxLinesPerKind {
		b.leaveOut(s)
		return false
	}
	b.lines[s]++
	b.kinds[s.kind]++
	return true
}

func (b *budget) leaveOut(s source) {
	if b.left == nil {
		b.left = map[source]int{}
		time.AfterFunc(time.Until(b.ends), b.flush)
	}
	if _, ok := b.left[s]; !ok && len(b.left) >= maxReports {
		s.caller = "others"
	}
	b.left[s]++
}

// flush reports what was left out.
func (b *budget) flush() {
	b.mu.Lock()
	left := b.left
	b.left = nil
	b.mu.Unlock()
	for _, s := range slices.SortedFunc(maps.Keys(left), func(x, y source) int {
		return cmp.Or(cmp.Compare(x.message, y.message), cmp.Compare(left[y], left[x]))
	}) {
		b.report(s, left[s])
	}
}

// reasonOf returns the line's reason or code. Both are words of the program, never of a client.
func reasonOf(r slog.Record) (reason string) {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "reason" || a.Key == "code" {
			reason = a.Value.String()
		}
		return reason == ""
	})
	return reason
}
