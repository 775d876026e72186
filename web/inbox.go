package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed inbox
var inboxFiles embed.FS

// InboxMessage is a mail on the page of mails that were not sent.
type InboxMessage struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	To       string    `json:"to"`
	Language string    `json:"language"`
	Subject  string    `json:"subject"`
	Text     string    `json:"text"`
	HTML     string    `json:"html"`
	Links    []string  `json:"links"`
}

// Inbox serves the page of mails, as /inbox, and its style. The page has no script, and each mail's HTML is in a frame
// that has none either. A client that accepts JSON and not HTML, as tests do, gets the mails as a list. The function
// messages returns them, newest first.
func Inbox(messages func() []InboxMessage) http.Handler {
	files := newHandler(inboxFiles, "inbox")
	html := template.Must(template.ParseFS(inboxFiles, "inbox/inbox.html"))
	mux := http.NewServeMux()
	mux.Handle("GET /inbox.css", files)
	mux.HandleFunc("GET /inbox", func(w http.ResponseWriter, r *http.Request) {
		setSecurityHeaders(w.Header())
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Vary", "Accept")
		if strings.Contains(r.Header.Get("Accept"), "application/json") {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(messages()) // an error means that the client went away
			return
		}
		var b bytes.Buffer
		if err := html.Execute(&b, messages()); err != nil {
			http.Error(w, "the page cannot be made", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(b.Bytes())
	})
	return mux
}
