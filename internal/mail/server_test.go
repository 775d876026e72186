package mail

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// mailServer is a mail server with faults. The zero value takes everything, by STARTTLS.
type mailServer struct {
	Implicit bool             // TLS from the beginning
	Plain    bool             // without STARTTLS
	UTF8     bool             // SMTPUTF8
	Password string           // that it asks for
	Refuse   map[string]error // what it answers to MAIL, RCPT and DATA; an error that is not SMTP's closes the connection
	Silent   string           // where it says nothing more: greeting, MAIL, RCPT, DATA or QUIT

	mu       sync.Mutex
	commands []string
	got      []string // messages
	ends     chan struct{}
}

// called notes a command, and answers as its faults say.
func (s *mailServer) called(c *smtp.Conn, command string) error {
	s.mu.Lock()
	s.commands = append(s.commands, command)
	s.mu.Unlock()
	if s.Silent == command {
		<-s.ends
	}
	err := s.Refuse[command]
	if _, ok := errors.AsType[*smtp.SMTPError](err); err != nil && !ok {
		c.Conn().Close()
	}
	return err
}

// seen are the commands so far.
func (s *mailServer) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.commands...)
}

func (s *mailServer) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.got...)
}

type session struct {
	*mailServer
	c *smtp.Conn
}

func (s session) Reset()        {}
func (s session) Logout() error { return nil }
func (s session) Mail(from string, o *smtp.MailOptions) error {
	if o.UTF8 {
		from += " SMTPUTF8"
	}
	s.called(s.c, "from "+from)
	return s.called(s.c, "MAIL")
}
func (s session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.called(s.c, "to "+to)
	return s.called(s.c, "RCPT")
}
func (s session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.got = append(s.got, string(text))
	s.mu.Unlock()
	return s.called(s.c, "DATA")
}
func (s session) AuthMechanisms() []string {
	if s.Password == "" {
		return nil
	}
	return []string{sasl.Plain}
}
func (s session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.called(s.c, "AUTH "+user)
		if password != s.Password {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

// quitListener accepts connections whose QUIT is not answered.
type quitListener struct{ net.Listener }

func (l quitListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return quitConn{c}, err
}

type quitConn struct{ net.Conn }

func (c quitConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if bytes.HasPrefix(b[:n], []byte("QUIT")) {
		return c.Conn.Read(b) // until the client goes
	}
	return n, err
}

// start serves on loopback until the test ends. It returns a sender whose server is called example.com, as in the
// certificate, unless it is to be another.
func (s *mailServer) start(t *testing.T, change ...func(*SMTPConfig)) *SMTP {
	t.Helper()
	s.ends = make(chan struct{})
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return session{s, c}, s.called(c, "greeting")
	}))
	server.Domain, server.EnableSMTPUTF8 = "mail.example", s.UTF8
	server.AllowInsecureAuth = true
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Check(t, err)
	address, port := listener.Addr().String(), listener.Addr().(*net.TCPAddr).Port
	secure := &tls.Config{Certificates: certified.TLS.Certificates}
	if s.Implicit {
		listener = tls.NewListener(listener, secure)
	} else if !s.Plain {
		server.TLSConfig = secure
	}
	if s.Silent == "QUIT" {
		listener = quitListener{listener}
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		close(s.ends)
		server.Close()
		listener.Close() // which the server does not know yet when it was not asked
		<-done
	})
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	c := SMTPConfig{
		Server: Server{Host: "example.com", Port: port, TLS: s.Implicit}, Issuer: "https://id.example.com",
		From: netmail.Address{Name: "App", Address: "accounts@example.com"}, RootCAs: roots,
		Templates: newTemplates(t, "App", nil), Timeout: testenv.HangGuard,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
	for _, f := range change {
		f(&c)
	}
	sender, err := NewSMTP(c)
	testenv.Check(t, err)
	return sender
}

func with(change func(*SMTPConfig)) []func(*SMTPConfig) { return []func(*SMTPConfig){change} }

func code(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 7, 1}, Message: "of a test " + strconv.Itoa(code)}
}

// message is one of a job.
func message(to string) Message {
	return Message{ID: "01890f3a-0000-7000-8000-000000000001", Kind: Verify, To: cmp.Or(to, "ann@example.com"), Data: full("Ann")}
}

// impatient is for a server that says nothing.
func impatient(c *SMTPConfig) { c.Timeout = 300 * time.Millisecond }
