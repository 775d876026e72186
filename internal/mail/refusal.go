package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// maxSaidLen is how many characters of a mail server's own words are shown.
const maxSaidLen = 300

// refusedError is that of a message that the mail server did not take. A server may quote anything that it was sent: the
// address, the link, the password. So the error's text is ours, with the numbers of the server's reply.
type refusedError struct {
	text string
	said string
}

func (e *refusedError) Error() string { return e.text }

// Said returns what the mail server wrote when it did not take a message, as one line of 300 characters at most; "" when
// it wrote nothing. It may quote the message: show it only to who has asked for this message, and never store it.
func Said(err error) string {
	e, ok := errors.AsType[*refusedError](err)
	if !ok {
		return ""
	}
	return e.said
}

// refusal says what became of a message, by the step at which it was refused and the cause.
func (s *SMTP) refusal(step string, err error, cause string) error {
	text, _, _ := strings.Cut(err.Error(), ", affected ") // and then go-mail names the recipient
	return &refusedError{fmt.Sprintf("%s: %s", step, cause), s.said(text)}
}

// notConnected is the refusal of a server that was not ready to take a message.
func (s *SMTP) notConnected(err error) error {
	return s.refusal("connecting to the mail server", err, causeOf(err))
}

// notTaken is the refusal of a message. broken is what ended the connection; nil: nothing did.
func (s *SMTP) notTaken(err, broken error) error {
	e, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return s.refusal("the mail server did not take it", err, causeOf(err))
	}
	cause := causeOf(broken)
	if e.ErrorCode() != 0 {
		cause = reply(e.ErrorCode(), e.EnhancedStatusCode())
	}
	refused := s.refusal("the mail server did not take it: "+e.Reason.String(), err, cause)
	if e.ErrorCode()/100 == 5 { // IsTemp is false also of a timeout
		return &PermanentError{refused}
	}
	return refused
}

// said is a server's text as who reads it sees it: a bounded line without the password.
func (s *SMTP) said(text string) string {
	user, password := s.config.Server.User, s.config.Server.Password
	if password != "" {
		for _, secret := range []string{"\x00" + user + "\x00" + password, password} {
			text = strings.ReplaceAll(text, secret, "…")
			text = strings.ReplaceAll(text, base64.StdEncoding.EncodeToString([]byte(secret)), "…")
		}
	}
	text = strings.TrimSpace(line(strings.ReplaceAll(text, "\n", " ")))
	if letters := []rune(text); len(letters) > maxSaidLen {
		text = string(letters[:maxSaidLen-1]) + "…"
	}
	return text
}

// enhancedPattern matches the enhanced status code that a reply begins with (RFC 3463).
var enhancedPattern = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// reply writes the numbers of a reply.
func reply(code int, enhanced string) string {
	if !strings.HasPrefix(enhanced, fmt.Sprint(code/100)) {
		enhanced = ""
	}
	return strings.TrimSpace(fmt.Sprintf("the reply %d %s", code, enhanced))
}

// causeOf says in words of ours why there is no message, of causes that are known. nil is an answer of another protocol.
func causeOf(err error) string {
	const unreadable = "an answer that is none of SMTP"
	if err == nil {
		return unreadable
	}
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return reply(answer.Code, enhancedPattern.FindString(answer.Msg))
	}
	if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is refused: " + certificateCause(refused.Err)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS there; smtps:// is for TLS from the beginning, smtp:// for STARTTLS"
	}
	if broken, ok := errors.AsType[net.Error](err); ok && broken.Timeout() {
		return "timeout: it did not answer in time"
	}
	if broken, ok := errors.AsType[*net.OpError](err); ok {
		return broken.Error()
	}
	if unknown, ok := errors.AsType[*net.DNSError](err); ok {
		return unknown.Error()
	}
	switch text := err.Error(); {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "it was stopped"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "it closed the connection"
	case strings.HasPrefix(text, "STARTTLS mode "): // go-mail has no value for these two
		return "it does not offer STARTTLS"
	case text == "server does not support SMTP AUTH", errors.Is(err, gomail.ErrNoSupportedAuthDiscovered):
		return "it offers no AUTH that is known here, and a user is configured"
	}
	return unreadable
}

// certificateCause says why a certificate is refused, without the names in it.
func certificateCause(err error) string {
	if other, ok := errors.AsType[x509.HostnameError](err); ok {
		return "it is not for " + other.Host
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "who signed it is unknown here"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "it has expired or does not count yet"
	}
	return "it cannot be verified"
}

// notedConn remembers what ended a connection: go-mail does not pass that on.
type notedConn struct {
	net.Conn
	broken error
}

func (c *notedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.broken = cmp.Or(c.broken, err)
	return n, err
}

func (c *notedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.broken = cmp.Or(c.broken, err)
	return n, err
}
