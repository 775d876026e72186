package e2e

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/mail"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/web"
)

// names are some that greetings have: with many letters and no space, from right to left, of two parts.
var names = []string{strings.Repeat("Ä", 60), "علی\u200cرضا محمدی", "Ann-Marie O'Neil", ""}

// longestWords is the language that has them.
const longestWords = "de"

// TestInboxPage_ShowsEachMailAndFitsAPhone has each kind of mail in the language of the longest words and in another one;
// with TEST_LONG=pages in each.
// SCREENSHOTS=FOLDER has pictures of them.
func TestInboxPage_ShowsEachMailAndFitsAPhone(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	templates, err := mail.NewTemplates("Example", nil)
	servertest.Check(t, err)
	inbox := mail.NewInbox(templates)
	for i, kind := range templates.Kinds() {
		for l, language := range []string{"en", "de", "fr", "es"} {
			if l != i%4 && language != longestWords && !testenv.Long("pages") {
				continue
			}
			servertest.Check(t, inbox.Send(context.Background(), mail.Message{
				ID: string(kind) + language, Kind: kind, To: "ann@example.com", Locale: language, Data: mail.Data{
					Name: names[(i+l)%4], Link: "https://127.0.0.1:1/account/" + string(kind) + "#token=" + strings.Repeat("t", 100),
					Code: "12345678", Email: strings.Repeat("long", 16) + "@example.org", Expires: time.Unix(1e9, 0),
					When: time.Unix(1e9, 0), Where: "2001:db8:1234:5678:9abc:def0:1234:5678", Device: "Firefox/140.0 Windows",
				},
			}))
		}
	}
	page := httptest.NewServer(web.Inbox(func() (all []web.InboxMessage) {
		for _, r := range inbox.Messages() {
			all = append(all, web.InboxMessage{
				At: r.At, Kind: string(r.Kind), To: r.To, Language: r.Language, Subject: r.Subject, Text: r.Text, HTML: r.HTML,
				Links: r.Links,
			})
		}
		return all
	}))
	t.Cleanup(page.Close)
	servertest.Execute(t, ".", "node", "web/test/inbox.mjs", page.URL+"/inbox")
}

// TestInboxPage_IsForThisMachineAlone: it is there while the server listens on loopback with an issuer there and no mail
// server is configured, for requests that name the server's own host.
func TestInboxPage_IsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	if a := s.Get("/inbox"); a.Status != 200 || !strings.Contains(a.Body, "0 mails") {
		t.Errorf("on loopback: %v", a)
	}
	if a := s.Get("/inbox", "Accept", "application/json"); a.Body != "[]\n" {
		t.Errorf("as JSON: %v", a)
	}
	if a := s.Get("/inbox", "Host", "evil.example"); a.Status != 421 {
		t.Errorf("by another host: %v", a)
	}
	for _, environment := range [][]string{
		{"GATEHOUSE_SMTP_URL=smtp://127.0.0.1:1", "GATEHOUSE_MAIL_FROM=app@example.com"}, {servertest.Issuer},
		{servertest.Issuer, "GATEHOUSE_PLAYGROUND=on"},
	} {
		s := servertest.Start(t, environment...)
		for _, path := range []string{"/inbox", "/inbox.css"} {
			if a := s.Get(path); a.Status != 404 {
				t.Errorf("%v: %s: %v", environment, path, a)
			}
		}
	}
}
