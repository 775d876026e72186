package mail

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// quoting are answers of a server that quotes what it was sent. Some are of no protocol.
var quoting = map[string]string{
	"550": "550 5.1.1 %s", "450": "450 4.2.0 %s", "several lines": "550-5.1.1 %s\r\n550 5.1.1 %[1]s", "334": "334 %s",
	"an enhanced code of another class": "550 4.7.1 %s", "no code": "%s", "a short one": "5 %s", "another protocol": "HTTP/1.1 200 %s",
	"a code and no blank": "550%s", "lines of two codes": "250-%s\r\n550 %[1]s", "no SMTP's code": "999 %s", "half": "550-%s",
}

// quotingServer answers as it should until a step, and then with what it was sent.
type quotingServer struct{ step, answer string }

// steps are what a message meets, with the right answers.
var steps = [][2]string{
	{"greeting", "220 mail.example"}, {"EHLO", "250-mail.example\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN"},
	{"HELO", "250 mail.example"}, {"AUTH", "235 2.7.0 in"}, {"MAIL", "250 2.1.0 yes"}, {"RCPT", "250 2.1.5 yes"},
	{"DATA", "354 go on"}, {".", "250 2.0.0 taken"}, {"QUIT", "221 2.0.0 bye"},
}

func (q quotingServer) serve(conn net.Conn, secret string) {
	defer conn.Close()
	sent, lines, content := secret, bufio.NewScanner(conn), false
	say := func(step string) (goOn bool) {
		for _, s := range steps {
			if !strings.HasPrefix(step, s[0]) {
				continue
			}
			answer := s[1]
			if s[0] == q.step {
				answer = fmt.Sprintf(q.answer, sent)
			}
			_, err := fmt.Fprint(conn, answer, "\r\n")
			content = s[0] == "DATA"
			return err == nil && (s[0] != q.step || q.answer == s[1])
		}
		_, err := fmt.Fprint(conn, "500 unknown\r\n")
		return err == nil
	}
	for goOn := say("greeting"); goOn && lines.Scan(); {
		sent += " " + lines.Text()
		if !content || lines.Text() == "." {
			goOn = say(lines.Text())
		}
	}
}

// TestSMTP_ErrorsQuoteNothingThatAServerSays, at whatever step and in whatever form: errors are stored and logged. Said has
// it as one line, without the password.
func TestSMTP_ErrorsQuoteNothingThatAServerSays(t *testing.T) {
	t.Parallel()
	m := message("ann@recipient.example")
	m.Data.Name = "Zenobia"
	const user, password = "app", "p:w@d-of-the-server"
	secret := strings.Join([]string{m.To, m.Data.Link, m.Data.Code, m.Data.Name, password}, " ")
	encoded := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	said := 0
	for _, step := range steps {
		for name, answer := range quoting {
			if step[0] == "HELO" || step[0] == "QUIT" {
				continue
			}
			sender := newQuoted(t, quotingServer{step[0], answer}, secret)
			sender.config.Server.User, sender.config.Server.Password = user, password
			got, err := sender.Deliver(t.Context(), m)
			if err == nil {
				t.Errorf("%s after %s: delivered: %q", name, step[0], got)
				continue
			}
			for _, part := range []string{m.To, "recipient", "token=", "abc_-", m.Data.Code, "Zenobia", password, encoded, "MIME"} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("%s after %s: the error has %q: %v", name, step[0], part, err)
				}
				if (part == password || part == encoded) && strings.Contains(Said(err), part) {
					t.Errorf("%s after %s: the password is said: %s", name, step[0], Said(err))
				}
			}
			if strings.Contains(Said(err), m.To) {
				said++
			}
			if utf8.RuneCountInString(Said(err)) > maxSaidLen || strings.ContainsAny(Said(err), "\r\n") {
				t.Errorf("%s after %s: said is no bounded line: %q", name, step[0], Said(err))
			}
			if name == "550" && !strings.Contains(err.Error(), "550 5.1.1") && step[0] != "EHLO" {
				t.Errorf("after %s: the error has no code: %v", step[0], err)
			}
		}
	}
	if said < 30 { // the control
		t.Errorf("the server's words were there %d times", said)
	}
	if got, err := newQuoted(t, quotingServer{}, secret).Deliver(t.Context(), m); err != nil || got != "2.0.0 taken" {
		t.Errorf("a server that quotes nothing: %q, %v", got, err)
	}
	if Said(errors.New("x")) != "" {
		t.Error("another error says something")
	}
}

// TestSMTP_SaysAtMost300Characters of what a server answers, whether it takes the message or not.
func TestSMTP_SaysAtMost300Characters(t *testing.T) {
	t.Parallel()
	for _, length := range []int{299, 300, 301, 1000} {
		answer := strings.Repeat("é", length)
		want := answer
		if length > 300 {
			want = strings.Repeat("é", 299) + "…"
		}
		taken, err := newQuoted(t, quotingServer{".", "250 " + answer + "%.0s"}, "").Deliver(t.Context(), message("ann@example.com"))
		testenv.Check(t, err)
		testenv.Equal(t, want, taken, "said with 250 and %d characters", length)
		_, err = newQuoted(t, quotingServer{".", "550 " + answer + "%.0s"}, "").Deliver(t.Context(), message("ann@example.com"))
		if n := utf8.RuneCountInString(Said(err)); n > 300 || n < min(length, 300) {
			t.Errorf("said with 550 and %d characters: %d: %s", length, n, Said(err))
		}
	}
}

func newQuoted(t *testing.T, server quotingServer, secret string) *SMTP {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Check(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			go server.serve(conn, secret)
		}
	}()
	sender, err := NewSMTP(SMTPConfig{
		Server: Server{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port}, Issuer: "https://id.example.com",
		From: netmail.Address{Address: "accounts@example.com"}, Templates: newTemplates(t, "App", nil), Timeout: testenv.HangGuard,
	})
	testenv.Check(t, err)
	return sender
}
