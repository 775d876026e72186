package servertest

import (
	"io"
	"log"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// MailServer takes mail on loopback, for as long as a test lasts.
type MailServer struct {
	URL   string               // for GATEHOUSE_SMTP_URL
	Pause func() time.Duration // how long it takes to read a mail, and again to answer; default: no time

	mu         sync.Mutex
	listeners  int
	deliveries []Delivery
	refuse     map[string]int
}

// Delivery is one mail that a client began to send.
type Delivery struct {
	Listener     int    // by which of the server's URLs it came: 0 is MailServer.URL
	To           string // the newest recipient
	Text         string // as it came; a part of it when the client went away
	Began, Ended time.Time
	Taken        bool // the server has it; whether the client read that, it does not know
}

// StartMailServer starts a mail server.
func StartMailServer(t testing.TB) *MailServer {
	t.Helper()
	m := &MailServer{refuse: map[string]int{}, Pause: func() time.Duration { return 0 }}
	m.URL = m.Listen(t)
	return m
}

// Listen returns one more URL of the server, by which deliveries can be told apart. It counts them from 0, MailServer.URL.
func (m *MailServer) Listen(t testing.TB) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Check(t, err)
	number := m.listeners
	m.listeners++
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &mailSession{MailServer: m, listener: number}, nil
	}))
	server.Domain, server.ErrorLog = "mail.example", log.New(io.Discard, "", 0)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		listener.Close() // which the server does not know yet when nobody asked it
		<-done
	})
	return "smtp://" + listener.Addr().String()
}

// Messages are the mails that it took, as they came.
func (m *MailServer) Messages() (texts []string) {
	for _, d := range m.Deliveries() {
		if d.Taken {
			texts = append(texts, d.Text)
		}
	}
	return texts
}

// Deliveries are all that ended, those that a client did not end included.
func (m *MailServer) Deliveries() []Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Delivery{}, m.deliveries...)
}

// Refuse has mail to an address answered with a code from now on; 0 takes it.
func (m *MailServer) Refuse(address string, code int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse[address] = code
}

type mailSession struct {
	*MailServer
	listener int
	to       string
}

func (*mailSession) Reset()                               {}
func (*mailSession) Logout() error                        { return nil }
func (*mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = to
	if code := s.refuse[to]; code != 0 {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "not here"}
	}
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	d := Delivery{Listener: s.listener, To: s.to, Began: time.Now()}
	time.Sleep(s.Pause())
	text, err := io.ReadAll(r)
	time.Sleep(s.Pause())
	d.Text, d.Ended, d.Taken = string(text), time.Now(), err == nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries = append(s.deliveries, d)
	return err
}
