package database_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/database"
)

// TestHeartbeat_IsAsOldAsTheClockThatCountedMore: while a machine is suspended, between a beat and its return, the wall
// clock counts on alone.
func TestHeartbeat_IsAsOldAsTheClockThatCountedMore(t *testing.T) {
	start := time.Now()
	sent, now := start.Add(time.Minute), start.Add(time.Minute+time.Second)
	moved := func(wall time.Duration) string {
		return fmt.Sprint(int64(time.Minute), sent.Add(wall).UnixNano())
	}
	if got := database.HeartbeatText(start, sent); got != moved(0) {
		t.Fatalf("a beat is %q, and this test writes %q", got, moved(0))
	}
	for text, old := range map[string]time.Duration{
		moved(0):          time.Second,
		moved(-time.Hour): time.Hour + time.Second, // suspended since
		moved(time.Hour):  time.Second,             // the wall clock was set back since
	} {
		at, err := database.ParseHeartbeat(text, start, now)
		if err != nil || now.Sub(at) != old || now.Round(0).Sub(at.Round(0)) != old {
			t.Errorf("%s: %v, %v; want %v ago by both clocks", text, now.Sub(at), err, old)
		}
	}
	if _, err := database.ParseHeartbeat("soon", start, now); err == nil {
		t.Error("read what is no beat")
	}
}
