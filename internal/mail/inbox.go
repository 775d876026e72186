package mail

import (
	"context"
	"regexp"
	"slices"
	"sync"
	"time"
)

// inboxSize is how many messages an inbox has at most; the oldest goes first.
const inboxSize = 100

// Inbox takes messages in place of a mail server, so that one who develops can read them. They are in memory only.
type Inbox struct {
	templates *Templates
	mu        sync.Mutex
	messages  []Received
}

// Received is a message as its reader would see it.
type Received struct {
	ID   string
	At   time.Time
	Kind Kind
	To   string
	Content
	Links []string // of the text part, each alone on its line
}

// NewInbox returns an empty inbox.
func NewInbox(t *Templates) *Inbox { return &Inbox{templates: t} }

// linkPattern matches what stands alone on a line of a text part.
var linkPattern = regexp.MustCompile(`(?m)^https?://\S+$`)

// Send implements Sender. A message that is sent again takes the place of the former one.
func (b *Inbox) Send(_ context.Context, m Message) error {
	content, err := b.templates.Render(m)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = slices.DeleteFunc(b.messages, func(r Received) bool { return r.ID == m.ID })
	b.messages = append(b.messages, Received{
		ID: m.ID, At: time.Now().UTC(), Kind: m.Kind, To: m.To, Content: content,
		Links: linkPattern.FindAllString(content.Text, -1),
	})
	b.messages = b.messages[max(0, len(b.messages)-inboxSize):]
	return nil
}

// Messages returns those of the inbox, newest first.
func (b *Inbox) Messages() []Received {
	b.mu.Lock()
	defer b.mu.Unlock()
	newest := slices.Clone(b.messages)
	slices.Reverse(newest)
	return newest
}
