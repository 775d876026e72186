package servertest

import (
	"io"
	"log"
	"net"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// MailServer takes mail on loopback, for as long as a test lasts.
type MailServer struct {
	URL string // for GATEHOUSE_SMTP_URL

	mu       sync.Mutex
	messages []string
	refuse   map[string]int
}

// StartMailServer starts a mail server.
func StartMailServer(t testing.TB) *MailServer {
	t.Helper()
	m := &MailServer{refuse: map[string]int{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Check(t, err)
	m.URL = "smtp://" + listener.Addr().String()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return mailSession{m}, nil }))
	server.Domain, server.ErrorLog = "mail.example", log.New(io.Discard, "", 0)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		listener.Close() // which the server does not know yet when nobody asked it
		<-done
	})
	return m
}

// Messages are the mails that it took, as they came.
func (m *MailServer) Messages() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string{}, m.messages...)
}

// Refuse has mail to an address answered with a code from now on; 0 takes it.
func (m *MailServer) Refuse(address string, code int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse[address] = code
}

type mailSession struct{ *MailServer }

func (mailSession) Reset()                               {}
func (mailSession) Logout() error                        { return nil }
func (mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.refuse[to]; code != 0 {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "not here"}
	}
	return nil
}

func (s mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, string(text))
	return err
}
