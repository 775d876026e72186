package mail

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestSMTP_DeliversBothParts by STARTTLS, by TLS from the beginning, and without on loopback; with and without a
// password. What is delivered has the headers that automatic mail has, and none that names the program.
func TestSMTP_DeliversBothParts(t *testing.T) {
	t.Parallel()
	local := func(c *SMTPConfig) { c.Server.Host = "127.0.0.2" }
	signed := func(c *SMTPConfig) { c.Server.User, c.Server.Password = "app", "p:w@d" }
	for name, c := range map[string]struct {
		server *mailServer
		change []func(*SMTPConfig)
	}{
		"STARTTLS":                  {&mailServer{}, nil},
		"STARTTLS and a password":   {&mailServer{Password: "p:w@d"}, with(signed)},
		"TLS":                       {&mailServer{Implicit: true}, nil},
		"TLS and a password":        {&mailServer{Implicit: true, Password: "p:w@d"}, with(signed)},
		"loopback":                  {&mailServer{Plain: true}, with(local)},
		"loopback that offers TLS":  {&mailServer{}, with(local)},
		"loopback and a password":   {&mailServer{Plain: true, Password: "p:w@d"}, append(with(local), signed)},
		"a server that never quits": {&mailServer{Plain: true, Silent: "QUIT"}, with(local)},
		"a server with SMTPUTF8":    {&mailServer{UTF8: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := c.server.start(t, c.change...).Deliver(t.Context(), message(""))
			if err != nil || answer == "" {
				t.Fatalf("%q, %v", answer, err)
			}
			got := c.server.messages()
			testenv.Equal(t, 1, len(got), "messages")
			checkDelivered(t, got[0])
			if !slices.Contains(c.server.seen(), "from accounts@example.com") {
				t.Errorf("%q: SMTPUTF8 for an address that needs none", c.server.seen())
			}
		})
	}
}

func checkDelivered(t *testing.T, text string) {
	t.Helper()
	testenv.Equal(t, []string{
		"Auto-Submitted: auto-generated", "Content-Language: en", "Content-Type: 1", "Date: 1",
		`From: "App" <accounts@example.com>`, "Message-Id: <01890f3a-0000-7000-8000-000000000001@id.example.com>",
		"Mime-Version: 1.0", "Subject: 1", "To: <ann@example.com>",
	}, headersOf(t, text), "headers")
	m, err := netmail.ReadMessage(strings.NewReader(text))
	testenv.Check(t, err)
	mediaType, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	testenv.Check(t, err)
	testenv.Equal(t, "multipart/alternative", mediaType, "content type")
	want, err := newTemplates(t, "App", nil).Render(message(""))
	testenv.Check(t, err)
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, p := range []struct{ contentType, text string }{{"text/plain", want.Text}, {"text/html", want.HTML}} {
		part, err := parts.NextRawPart()
		testenv.Check(t, err)
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		testenv.Check(t, err)
		testenv.Equal(t, p.text, strings.ReplaceAll(string(body), "\r\n", "\n"), "%s", p.contentType)
		testenv.Equal(t, p.contentType+"; charset=UTF-8", part.Header.Get("Content-Type"), "content type of a part")
	}
}

// TestSMTP_AnswersOf5xxArePermanent, at each command, and others are not.
func TestSMTP_AnswersOf5xxArePermanent(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"MAIL", "RCPT", "DATA"} {
		for _, c := range []int{421, 450, 451, 452, 500, 530, 550, 551, 552, 553, 554} {
			server := &mailServer{Refuse: map[string]error{command: code(c)}}
			err := server.start(t).Send(t.Context(), message(""))
			if err == nil || IsPermanent(err) != (c/100 == 5) {
				t.Errorf("%d after %s: permanent %v: %v", c, command, IsPermanent(err), err)
			}
			if err != nil && (!strings.Contains(err.Error(), fmt.Sprint(c)) || strings.Contains(err.Error(), "ann@example.com")) {
				t.Errorf("%d after %s: the error does not say the code, or names the recipient: %v", c, command, err)
			}
		}
	}
}

// TestSMTP_OtherFaultsAreTriedAgain, and what is not encrypted as it should be gets neither password nor mail.
func TestSMTP_OtherFaultsAreTriedAgain(t *testing.T) {
	t.Parallel()
	cut := errors.New("cut")
	signed := func(c *SMTPConfig) { c.Server.User, c.Server.Password = "app", "right" }
	for name, c := range map[string]struct {
		server *mailServer
		change []func(*SMTPConfig)
		says   string
	}{
		"a greeting of 421":   {&mailServer{Refuse: map[string]error{"greeting": code(421)}}, nil, "421"},
		"a greeting of 554":   {&mailServer{Refuse: map[string]error{"greeting": code(554)}}, nil, "554"},
		"no STARTTLS":         {&mailServer{Plain: true, Password: "right"}, with(signed), "STARTTLS"},
		"an unknown CA":       {&mailServer{}, with(func(c *SMTPConfig) { c.RootCAs = x509.NewCertPool() }), "certificate"},
		"another name":        {&mailServer{}, with(func(c *SMTPConfig) { c.Server.Host = "mail.example" }), "mail.example"},
		"TLS, an unknown CA":  {&mailServer{Implicit: true}, with(func(c *SMTPConfig) { c.RootCAs = x509.NewCertPool() }), "certificate"},
		"TLS, another name":   {&mailServer{Implicit: true}, with(func(c *SMTPConfig) { c.Server.Host = "mail.example" }), "mail.example"},
		"TLS with none there": {&mailServer{Plain: true}, with(func(c *SMTPConfig) { c.Server.TLS = true }), "speak TLS"},
		"a wrong password":    {&mailServer{Password: "other"}, with(signed), "535"},
		"no sign-in":          {&mailServer{}, with(signed), "AUTH"},
		"nobody listens":      {&mailServer{}, with(func(c *SMTPConfig) { c.Dial = nil; c.Server = Server{Host: "127.0.0.1", Port: 1} }), "refused"},
		"cut after MAIL":      {&mailServer{Refuse: map[string]error{"MAIL": cut}}, nil, ""},
		"cut after RCPT":      {&mailServer{Refuse: map[string]error{"RCPT": cut}}, nil, ""},
		"cut after DATA":      {&mailServer{Refuse: map[string]error{"DATA": cut}}, nil, ""},
		"silence, greeting":   {&mailServer{Silent: "greeting"}, with(impatient), "timeout"},
		"silence, MAIL":       {&mailServer{Silent: "MAIL"}, with(impatient), "timeout"},
		"silence, RCPT":       {&mailServer{Silent: "RCPT"}, with(impatient), "timeout"},
		"silence, DATA":       {&mailServer{Silent: "DATA"}, with(impatient), "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.server.start(t, c.change...).Send(t.Context(), message(""))
			if err == nil || IsPermanent(err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("permanent %v: %v; want %q", IsPermanent(err), err, c.says)
			}
			for _, command := range c.server.seen() {
				insecure := strings.Contains(name, "TLS") || strings.Contains(name, "CA") || name == "another name"
				if insecure && command != "greeting" {
					t.Errorf("it got %q", command)
				}
			}
		})
	}
}

// TestSMTP_ASecondTryIsTheSameMessage, by its Message-ID: a server that was cut off after it had taken the first one.
func TestSMTP_ASecondTryIsTheSameMessage(t *testing.T) {
	t.Parallel()
	server := &mailServer{Refuse: map[string]error{"DATA": errors.New("cut")}}
	sender := server.start(t)
	for range 2 {
		if sender.Send(t.Context(), message("")) == nil {
			t.Error("sent")
		}
	}
	got := server.messages()
	testenv.Equal(t, 2, len(got), "messages")
	id := func(text string) string {
		m, err := netmail.ReadMessage(strings.NewReader(text))
		testenv.Check(t, err)
		return m.Header.Get("Message-ID")
	}
	testenv.Equal(t, id(got[0]), id(got[1]), "Message-ID")
}

// TestSMTP_EndsWithItsContext, also while the server says nothing, and is tried again.
func TestSMTP_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, silent := range []string{"greeting", "RCPT", "DATA"} {
		server := &mailServer{Silent: silent}
		sender := server.start(t)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for !slices.Contains(server.seen(), silent) {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		if err := sender.Send(ctx, message("")); err == nil || IsPermanent(err) { // else it hangs until HangGuard
			t.Errorf("silent at %s: %v", silent, err)
		}
	}
}

// TestSMTP_AddressesAreWrittenAsTheServerReadsThem: domains in ASCII, and other letters before the @ only where the server
// has SMTPUTF8. What is not one address is sent to no server.
func TestSMTP_AddressesAreWrittenAsTheServerReadsThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		to, plain, utf8 string // what a server without and with SMTPUTF8 gets; "": nothing, and that is permanent
	}{
		{"ann@example.com", "ann@example.com", "ann@example.com"},
		{"ann@münchen.example", "ann@xn--mnchen-3ya.example", "ann@xn--mnchen-3ya.example"},
		{"δοκιμή@παράδειγμα.δοκιμή", "", "δοκιμή@xn--hxajbheg2az3al.xn--jxalpdlp"},
		{"ann+tag'x@example.com", "ann+tag'x@example.com", "ann+tag'x@example.com"},
		{"ann@example.com, eve@example.com", "", ""}, {"Ann <ann@example.com>", "", ""}, {"ann", "", ""}, {"", "", ""},
		{"ann@example.com\r\nRCPT TO:<eve@example.com>", "", ""}, {"<script>@example.com", "", ""},
		{"ann@ex ample.com", "", ""}, {"ann@example.com>", "", ""}, {"@example.com", "", ""},
	} {
		for want, server := range map[string]*mailServer{c.plain + " ": {}, c.utf8 + "  ": {UTF8: true}} {
			want = strings.TrimSpace(want)
			m := message("")
			m.To = c.to
			err := server.start(t).Send(t.Context(), m)
			if want == "" && !IsPermanent(err) || want != "" && err != nil {
				t.Errorf("to %q, SMTPUTF8 %v: %v", c.to, server.UTF8, err)
			}
			if got := slices.Contains(server.seen(), "to "+want); got != (want != "") {
				t.Errorf("to %q, SMTPUTF8 %v: %q", c.to, server.UTF8, server.seen())
			}
		}
	}
}

// TestSMTP_NamesTheIssuersHost in EHLO, if it is a name, and in each Message-ID.
func TestSMTP_NamesTheIssuersHost(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]string{
		"https://id.example.com/tenant": "id.example.com", "http://127.0.0.1:8080": "127.0.0.1",
		"http://[::1]:8080": "[IPv6:::1]", "https://bücher.example": "xn--bcher-kva.example", "http://localhost:1": "localhost",
	} {
		server := &mailServer{}
		testenv.Check(t, server.start(t, func(c *SMTPConfig) { c.Issuer = issuer }).Send(t.Context(), message("")))
		if !strings.Contains(server.messages()[0], "@"+want+">\r\n") {
			t.Errorf("%s: %s", issuer, server.messages()[0])
		}
	}
}
