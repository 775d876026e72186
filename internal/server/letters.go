package server

import (
	"context"
	"errors"
	"strings"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/mail"
	"github.com/gatehouse/gatehouse/internal/outbox"
	"github.com/gatehouse/gatehouse/internal/token"
)

// sendLetter is the handler of jobs that are mails.
func (s *Server) sendLetter(ctx context.Context, j outbox.Job) error {
	letter, err := s.accounts.Letter(ctx, j.ID, j.Args)
	if errors.Is(err, accounts.ErrLinkExpired) {
		return outbox.Permanent(err)
	}
	if letter == nil || err != nil {
		return err
	}
	if j.Attempt == 1 {
		if ok, err := s.accounts.MaySend(ctx, letter); !ok || err != nil {
			return err
		}
	}
	err = s.sender.Send(ctx, s.message(j, letter))
	if mail.IsPermanent(err) {
		return outbox.Permanent(err)
	}
	return err
}

func (s *Server) message(j outbox.Job, l *accounts.Letter) mail.Message {
	m := mail.Message{
		ID: j.ID.String(), Kind: mail.Kind(l.Kind), To: l.To, Locale: l.Locale,
		Data: mail.Data{
			Name: l.Name, Link: s.link(l), Code: l.Code, Email: l.Email, Expires: l.Expires, When: l.When, Where: l.Where,
			Device: l.Device,
		},
	}
	if l.Purpose == token.SecureAccount {
		m.Data.Link, m.Data.Secure = "", m.Data.Link
	}
	return m
}

// link returns a letter's link, whose token is in the fragment, which browsers send to nobody; "" when it has none.
func (s *Server) link(l *accounts.Letter) string {
	if l.Token == "" {
		return ""
	}
	pages := s.config.AccountURL
	if pages == "" {
		pages = strings.TrimSuffix(s.issuer(), "/") + "/account"
	}
	return strings.TrimSuffix(pages, "/") + "/" + string(l.Purpose) + "#token=" + l.Token
}
