package web

import (
	"encoding/json"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

const hostile = `"><script>alert(1)</script><img src=x>`

func inbox() []InboxMessage {
	return []InboxMessage{{
		ID: "2", At: time.Unix(0, 0).UTC(), Kind: "reset", To: hostile, Language: "en", Subject: hostile, Text: hostile + "</pre>",
		HTML: "<p>" + hostile + "</p>", Links: []string{"https://id.example.com/account/reset#token=t"},
	}, {ID: "1", Language: "de", Subject: "the older one"}}
}

// TestInbox_ShowsMailsAsText: nothing of a mail becomes a part of the page, but for its HTML in a frame without scripts.
func TestInbox_ShowsMailsAsText(t *testing.T) {
	h := Inbox(inbox)
	w := ask(h, "GET", "/inbox", "Accept", "text/html,*/*")
	page := w.Body.String()
	keepsToThePolicy(t, h, page)
	testenv.Equal(t, policy, w.Header().Get("Content-Security-Policy"), "policy")
	testenv.Equal(t, "no-store", w.Header().Get("Cache-Control"), "Cache-Control")
	for _, never := range []string{"<script", "<img", "</pre>\"", "allow-scripts", "allow-same-origin"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %s", never)
		}
	}
	for _, want := range []string{`srcdoc="&lt;p`, `href="https://id.example.com/account/reset#token=t"`, "2 mails", "the older one"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	_, frame, _ := strings.Cut(page, `srcdoc="`)
	frame, _, _ = strings.Cut(frame, `"`)
	testenv.Equal(t, "<p>"+hostile+"</p>", html.UnescapeString(frame), "the frame's HTML")
}

// TestInbox_IsAListForProgramsThatAcceptJSON, and empty before the first mail.
func TestInbox_IsAListForProgramsThatAcceptJSON(t *testing.T) {
	var got []InboxMessage
	w := ask(Inbox(inbox), "GET", "/inbox", "Accept", "application/json")
	testenv.Check(t, json.Unmarshal(w.Body.Bytes(), &got))
	testenv.Equal(t, inbox(), got, "messages")
	none := Inbox(func() []InboxMessage { return []InboxMessage{} })
	testenv.Equal(t, "[]\n", ask(none, "GET", "/inbox", "Accept", "application/json").Body.String(), "no messages")
	if page := ask(none, "GET", "/inbox").Body.String(); !strings.Contains(page, "0 mails") {
		t.Errorf("no messages: %s", page)
	}
	testenv.Equal(t, 405, ask(none, "POST", "/inbox").Code, "POST")
}
