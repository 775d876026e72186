package logging

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse/gatehouse/internal/requestid"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

type callerKey struct{}

// newBudgetLog returns a log whose caller is a value of the context, and a function that returns what it has written
// since the last call.
func newBudgetLog(level slog.Level) (log *slog.Logger, written func() string) {
	var out testenv.Buffer
	log = New(Config{Out: &out, Level: level, Caller: func(ctx context.Context) string {
		name, _ := ctx.Value(callerKey{}).(string)
		return name
	}})
	read := 0
	return log, func() string {
		text := out.String()[read:]
		read += len(text)
		return text
	}
}

func requestOf(ctx context.Context, caller string) context.Context {
	return requestid.Ensure(context.WithValue(ctx, callerKey{}, caller))
}

// TestBudget_IsPerCallerAndReasonAndPeriod: what one caller spends is not another's, nor another reason's, nor the
// next minute's; and what was left out is told in one line.
func TestBudget_IsPerCallerAndReasonAndPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, written := newBudgetLog(slog.LevelInfo)
		for period := range 3 {
			for range 50 {
				log.InfoContext(requestOf(t.Context(), "a"), "denied", "reason", "invalid")
			}
			log.InfoContext(requestOf(t.Context(), "a"), "denied", "reason", "revoked")
			log.InfoContext(requestOf(t.Context(), "b"), "denied", "reason", "invalid")
			testenv.Equal(t, maxLinesPerCaller+2, strings.Count(written(), "\n"), "lines of period %d", period)
			time.Sleep(budgetPeriod)
			synctest.Wait()
			const report = `level=WARN msg="lines were left out" of=denied reason=invalid caller=a lines=40`
			if got := written(); !strings.HasSuffix(got, report+"\n") || strings.Count(got, "\n") != 1 {
				t.Errorf("period %d: %s", period, got)
			}
		}
	})
}

// TestBudget_AllCallersTogetherAreBounded: many networks write no more than one budget for all, and the report does not
// grow with them.
func TestBudget_AllCallersTogetherAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, written := newBudgetLog(slog.LevelInfo)
		const callers = 1000
		for n := range callers * 2 {
			log.WarnContext(requestOf(t.Context(), fmt.Sprint(n%callers)), "refused", "code", "UNAVAILABLE")
		}
		testenv.Equal(t, maxLinesPerKind, strings.Count(written(), "\n"), "lines")
		time.Sleep(budgetPeriod)
		synctest.Wait()
		left := 0
		report := written()
		for line := range strings.Lines(report) {
			var n int
			fmt.Sscanf(line[strings.LastIndex(line, "lines="):], "lines=%d", &n)
			left += n
		}
		if n := strings.Count(report, "\n"); n > maxReports+1 || left != callers*2-maxLinesPerKind {
			t.Errorf("%d lines report %d, want %d:\n%s", n, left, callers*2-maxLinesPerKind, report)
		}
	})
}

// TestBudget_IsOfRequestsOnly: neither security events have one, nor what the program does by itself, nor level debug.
func TestBudget_IsOfRequestsOnly(t *testing.T) {
	const lines = 10 * maxLinesPerKind
	log, written := newBudgetLog(slog.LevelDebug)
	for range lines {
		log.InfoContext(requestOf(t.Context(), "a"), SecurityEvent)
		log.WarnContext(t.Context(), "not in touch")
		log.DebugContext(requestOf(t.Context(), "a"), "answered")
	}
	testenv.Equal(t, 3*lines, strings.Count(written(), "\n"), "lines")
}
