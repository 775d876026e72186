package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"
)

// PermanentError is that of a message that will not be delivered, however often it is sent.
type PermanentError struct{ Err error }

func (e *PermanentError) Error() string { return e.Err.Error() }
func (e *PermanentError) Unwrap() error { return e.Err }

// IsPermanent reports whether a message that was not sent need not be tried again.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*PermanentError](err)
	return ok
}

// smtpTimeout bounds one message, from the connection to the server's last word.
const smtpTimeout = 30 * time.Second

// SMTPConfig is how messages are sent.
type SMTPConfig struct {
	Server    Server          // required
	From      netmail.Address // required
	Issuer    string          // required: an URL, whose host is in Message-ID and, if it is a name, in EHLO
	Templates *Templates      // required
	RootCAs   *x509.CertPool  // that the server's certificate is by; default: the system's
	Timeout   time.Duration   // of one message; default 30 s

	// Dial opens a connection to the server; default: that of net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Server is a mail server, which relays.
type Server struct {
	Host           string
	Port           int
	TLS            bool // from the beginning; else STARTTLS is required, except on loopback
	User, Password string
}

// SMTP sends messages to a mail server, each by a connection of its own.
type SMTP struct {
	config SMTPConfig
	host   string // of the issuer
}

// NewSMTP connects to nothing yet.
func NewSMTP(c SMTPConfig) (*SMTP, error) {
	host, err := issuerHost(c.Issuer)
	if err != nil {
		return nil, err
	}
	c.Timeout = cmp.Or(c.Timeout, smtpTimeout)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	if c.From.Address, err = asciiDomain(c.From.Address); err != nil {
		return nil, fmt.Errorf("the sender's address: %w", err)
	}
	return &SMTP{c, host}, nil
}

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	_, err := s.Deliver(ctx, m)
	return err
}

// Deliver sends a message, and returns what the server answered when it took it, as a bounded line. An answer of 5xx is
// permanent (RFC 5321, section 4.2.1), and so is an address that mail cannot be sent to. All else may pass, also a wrong
// password: that is for the operator to mend. No error has anything in it that the server wrote, but for Said.
func (s *SMTP) Deliver(ctx context.Context, m Message) (answer string, err error) {
	content, err := s.config.Templates.Render(m)
	if err != nil {
		return "", err
	}
	if m.To, err = asciiDomain(m.To); err != nil {
		return "", &PermanentError{err}
	}
	d := &dialer{ctx: ctx, plain: s.config.Dial}
	defer d.close()
	client, err := s.newClient(d, isASCII(m.To))
	if err != nil {
		return "", err
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return "", s.notConnected(err)
	}
	if extended, _ := connection.Extension("SMTPUTF8"); !extended && !isASCII(m.To) {
		return "", &PermanentError{errors.New("the address is not in ASCII, and the mail server lacks SMTPUTF8")}
	}
	msg := s.compose(m, content)
	err = client.SendWithSMTPClient(connection, msg)
	if !msg.IsDelivered() { // else what comes after it does not count: a further try would be a second mail
		return "", s.notTaken(err, d.conn.broken)
	}
	d.conn.SetDeadline(time.Now().Add(quitTimeout))
	_ = connection.Quit() // politeness
	return s.said(msg.ServerResponse()), nil
}

// quitTimeout bounds the farewell, after which a message is delivered all the same.
const quitTimeout = time.Second

func (s *SMTP) newClient(d *dialer, ascii bool) (*gomail.Client, error) {
	server := s.config.Server
	secure := &tls.Config{ServerName: server.Host, RootCAs: s.config.RootCAs, MinVersion: tls.VersionTLS12}
	options := []gomail.Option{
		gomail.WithPort(server.Port), gomail.WithTimeout(s.config.Timeout), gomail.WithTLSConfig(secure),
		gomail.WithDialContextFunc(d.dial),
		gomail.WithoutNoop(), gomail.WithoutRset(), // there is one message
	}
	if server.TLS {
		d.tls = secure
		options = append(options, gomail.WithSSL())
	}
	plain, login := gomail.SMTPAuthPlain, gomail.SMTPAuthLogin
	if isLoopback(server.Host) && !server.TLS { // nobody listens in between, and nobody certifies such a name
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
		plain, login = gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc
	}
	if server.User != "" {
		options = append(options, gomail.WithUsername(server.User), gomail.WithPassword(server.Password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, plain, login))
	}
	if strings.Contains(s.host, ".") && net.ParseIP(s.host) == nil {
		options = append(options, gomail.WithHELO(s.host))
	}
	if ascii { // of what needs no SMTPUTF8 a relay may say that the next one has to have it
		options = append(options, gomail.WithoutSMTPUTF8())
	}
	return gomail.NewClient(server.Host, options...)
}

// compose makes the message. Every header that has a value of others is encoded or was parsed.
func (s *SMTP) compose(m Message, c Content) *gomail.Msg {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&s.config.From)
	msg.ToMailAddress(&netmail.Address{Address: m.To})
	msg.Subject(c.Subject)
	msg.SetMessageIDWithValue(line(m.ID) + "@" + s.host)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no automatic replies
	msg.SetGenHeader("Content-Language", c.Language)
	msg.SetBodyString(gomail.TypeTextPlain, c.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, c.HTML)
	return msg
}

// dialer opens one connection, which ends with a context: go-mail heeds it only until it is connected, and leaves a
// connection open when the server is not as it should be.
type dialer struct {
	ctx   context.Context
	plain func(ctx context.Context, network, address string) (net.Conn, error)
	tls   *tls.Config // nil: none from the beginning
	conn  *notedConn  // nil: not connected
	stop  func() bool
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.plain(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.conn, d.stop = &notedConn{Conn: conn}, context.AfterFunc(d.ctx, func() { conn.Close() })
	if d.tls == nil {
		return d.conn, nil
	}
	secure := tls.Client(d.conn, d.tls)
	return secure, secure.HandshakeContext(ctx)
}

func (d *dialer) close() {
	if d.conn != nil {
		d.stop()
		d.conn.Close()
	}
}

// domains writes internationalised domains in ASCII, since only servers with SMTPUTF8 read them otherwise.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false))

// asciiDomain returns an address with its domain in ASCII. It is one address, and nothing else.
func asciiDomain(address string) (string, error) {
	parsed, err := netmail.ParseAddress(address)
	at := strings.LastIndexByte(address, '@')
	if err != nil || parsed.Address != address || at < 1 {
		return "", errors.New("not an e-mail address, such as name@example.com")
	}
	domain, err := domains.ToASCII(address[at+1:])
	if err != nil {
		return "", errors.New("the domain of the e-mail address is none")
	}
	return address[:at+1] + domain, nil
}

// issuerHost is an URL's host as Message-ID has it (RFC 5322, section 3.6.4).
func issuerHost(issuer string) (string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return "", err
	}
	if strings.Contains(u.Hostname(), ":") {
		return "[IPv6:" + u.Hostname() + "]", nil
	}
	return domains.ToASCII(u.Hostname())
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
