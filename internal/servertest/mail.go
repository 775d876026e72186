package servertest

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// Mail is a mail of the inbox page.
type Mail struct {
	ID, Kind, To, Language, Subject, Text, HTML string

	Links []string
}

// Mailbox reads the inbox page of servers, each mail once.
type Mailbox struct {
	mu   sync.Mutex
	read map[string]bool
}

// Next waits for the oldest mail of a kind to an address that was not returned before, at any of these servers.
func (b *Mailbox) Next(t testing.TB, kind, to string, servers ...*Client) (m Mail) {
	t.Helper()
	testenv.Eventually(t, "a mail of the kind "+kind+" to "+to, HangGuard, func() bool {
		for _, c := range servers {
			for _, m = range slices.Backward(c.Inbox(t)) {
				if m.Kind == kind && m.To == to && b.take(m.ID) {
					return true
				}
			}
		}
		return false
	})
	return m
}

func (b *Mailbox) take(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.read == nil {
		b.read = map[string]bool{}
	}
	taken := b.read[id]
	b.read[id] = true
	return !taken
}

// Inbox returns the mails of the inbox page, the newest first.
func (c *Client) Inbox(t testing.TB) (all []Mail) {
	t.Helper()
	a := c.Do(Request{Method: http.MethodGet, Path: "/inbox", Header: []string{"Accept", "application/json"}})
	if a.Err != nil || json.Unmarshal([]byte(a.Body), &all) != nil {
		t.Fatalf("the inbox: %v", a)
	}
	return all
}

// Token returns what the fragment of the link has.
func (m Mail) Token(t testing.TB) string {
	t.Helper()
	if len(m.Links) == 1 {
		if link, err := url.Parse(m.Links[0]); err == nil {
			if values, err := url.ParseQuery(link.Fragment); err == nil && values.Get("token") != "" {
				return values.Get("token")
			}
		}
	}
	t.Fatalf("the mail has no link with a token: %+v", m)
	return ""
}

var codeLine = regexp.MustCompile(`(?m)^[0-9]{8}$`)

// Code returns the code, which stands alone on its line; "" when there is none.
func (m Mail) Code() string { return codeLine.FindString(m.Text) }

// ParseMail reads a mail as a mail server took it. The kind is that of its link; a notice has neither.
func ParseMail(t testing.TB, text string) (m Mail) {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(text))
	testenv.Check(t, err)
	_, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	testenv.Check(t, err)
	parts := multipart.NewReader(message.Body, parameters["boundary"])
	for _, into := range []*string{&m.Text, &m.HTML} {
		part, err := parts.NextPart() // which decodes it
		testenv.Check(t, err)
		body, err := io.ReadAll(part)
		testenv.Check(t, err)
		*into = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	h := message.Header
	m.ID, m.To, m.Language, m.Subject = h.Get("Message-Id"), strings.Trim(h.Get("To"), "<>"), h.Get("Content-Language"), h.Get("Subject")
	m.Links = linkLine.FindAllString(m.Text, -1)
	if len(m.Links) == 1 {
		link, err := url.Parse(m.Links[0])
		testenv.Check(t, err)
		m.Kind = path.Base(link.Path)
	}
	return m
}

var linkLine = regexp.MustCompile(`(?m)^https?://\S+$`)
