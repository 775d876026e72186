package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/mail"
	"github.com/gatehouse/gatehouse/web"
)

// readTemplates reads the templates of mails, and those of the operator's folder in place of them.
func (c *Config) readTemplates() error {
	var folder fs.FS
	if c.MailTemplates != "" {
		if _, err := os.ReadDir(c.MailTemplates); err != nil {
			return config.Invalid("GATEHOUSE_MAIL_TEMPLATES", err)
		}
		folder = os.DirFS(c.MailTemplates)
	}
	var err error
	if c.templates, err = mail.NewTemplates(c.AppName, folder); err != nil {
		return config.Invalid("GATEHOUSE_MAIL_TEMPLATES", err)
	}
	return nil
}

// newSMTP returns what sends by the configured mail server.
func (c *Config) newSMTP(issuer string) (*mail.SMTP, error) {
	from := c.From
	from.Name = cmp.Or(from.Name, c.AppName)
	return mail.NewSMTP(mail.SMTPConfig{
		Server: mail.Server(c.MailServer), From: from, Issuer: issuer, Templates: c.templates,
	})
}

// openMail sets what mails are sent by: the configured mail server, or the inbox where only this machine reaches it.
func (s *Server) openMail() (err error) {
	switch {
	case s.config.SMTPURL != "":
		s.sender, err = s.config.newSMTP(s.issuer())
	case s.config.ShowInbox():
		s.inbox = mail.NewInbox(s.config.templates)
		s.sender = s.inbox
	}
	return err
}

// inboxPage shows the messages of the inbox.
func (s *Server) inboxPage() []web.InboxMessage {
	received := s.inbox.Messages()
	page := make([]web.InboxMessage, len(received))
	for i, r := range received {
		page[i] = web.InboxMessage{
			ID: r.ID, At: r.At, Kind: string(r.Kind), To: r.To, Language: r.Language, Subject: r.Subject, Text: r.Text,
			HTML: r.HTML, Links: r.Links,
		}
	}
	return page
}

// SendTestMail sends a mail that says nothing by the configured mail server, and returns what that answered.
func SendTestMail(ctx context.Context, c *Config, address string) (answer string, err error) {
	if c.ShowInbox() {
		return "", errors.New("no mail server is configured: mails go to the page /inbox of the running server; " +
			"set GATEHOUSE_SMTP_URL and GATEHOUSE_MAIL_FROM to send them")
	}
	if c.SMTPURL == "" {
		return "", errors.New("no mail server is configured: set GATEHOUSE_SMTP_URL and GATEHOUSE_MAIL_FROM")
	}
	sender, err := c.newSMTP(cmp.Or(c.Issuer, c.LocalURL()))
	if err != nil {
		return "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	answer, err = sender.Deliver(ctx, mail.Message{ID: id.String(), Kind: mail.Test, To: address})
	if said := mail.Said(err); said != "" {
		err = fmt.Errorf("%w; it said: %s", err, said)
	}
	return answer, err
}
