package mail

import (
	"fmt"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestInbox_HasTheNewestFirstAndABound: a message that is sent again is there once, and the oldest goes.
func TestInbox_HasTheNewestFirstAndABound(t *testing.T) {
	inbox := NewInbox(newTemplates(t, "App", nil))
	send := func(id int) {
		m := message("")
		m.ID = fmt.Sprint(id)
		testenv.Check(t, inbox.Send(t.Context(), m))
	}
	for id := range inboxSize + 2 {
		send(id)
	}
	send(50)
	got := inbox.Messages()
	testenv.Equal(t, inboxSize, len(got), "messages")
	for i, want := range map[int]int{0: 50, 1: inboxSize + 1, inboxSize - 1: 2} {
		testenv.Equal(t, fmt.Sprint(want), got[i].ID, "message %d", i)
	}
	testenv.Equal(t, []string{message("").Data.Link}, got[0].Links, "links")
	if err := inbox.Send(t.Context(), Message{Kind: "unknown"}); err == nil || len(inbox.Messages()) != inboxSize {
		t.Errorf("a mail that cannot be written: %v", err)
	}
}
