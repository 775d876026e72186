package abuse

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// framed is a request whose end two readers find in different places. What is behind HIDDEN is a request of its own,
// for a reader that stops before it.
type framed struct{ name, head, body string }

const (
	plainQuery = `{"query":"{ __typename }"}`
	inOneChunk = "1a\r\n" + plainQuery + "\r\n0\r\n\r\n"
)

// ambiguous are the cases of request smuggling. ALL is the length of the whole body, SHORT that of the query. Not
// among them is what RFC 9112 lets a server read in one way only, as two requests: a length in a folded line (5.2),
// which Go unfolds.
var ambiguous = func() []framed {
	const all, short, chunked = "Content-Length: ALL", "Content-Length: SHORT", "Transfer-Encoding: chunked"
	cases := []framed{
		{"CL.TE", all + "\r\n" + chunked, inOneChunk + "HIDDEN"},
		{"CL.TE, the other order", chunked + "\r\n" + all, inOneChunk + "HIDDEN"},
		{"TE.CL", "Content-Length: 5\r\n" + chunked, "INCHUNK0\r\n\r\n"},
		{"two lengths", short + "\r\n" + all, plainQuery + "HIDDEN"},
		{"two lengths, the other order", all + "\r\n" + short, plainQuery + "HIDDEN"},
		{"two lengths in a list", "Content-Length: SHORT, ALL", plainQuery + "HIDDEN"},
		{"a second length in a folded line", all + "\r\nX: y\r\n Content-Length: SHORT", plainQuery + "HIDDEN"},
		{"a space before the colon of a length", "Content-Length : SHORT\r\n" + all, plainQuery + "HIDDEN"},
		{"a length that the connection strips", "Connection: content-length\r\n" + all, plainQuery + "HIDDEN"},
		{"chunks in HTTP/1.0", "HTTP/1.0\r\n" + all + "\r\n" + chunked, inOneChunk + "HIDDEN"},
		{"an extension that ends with a bare LF", chunked, "1a;a=b\n" + plainQuery + "\r\n0\r\n\r\nHIDDEN"},
		{"a size that ends with a bare LF", chunked, "1a\n" + plainQuery + "\r\n0\r\n\r\nHIDDEN"},
		{"an extension with a chunk behind a bare LF", chunked, "1a;\n" + plainQuery + "\r\nINCHUNK0\r\n\r\n"},
		{"a last chunk with a bare LF", chunked, "1a\r\n" + plainQuery + "\r\n0\n\nHIDDEN"},
		{"a chunk without its end", chunked, "1a\r\n" + plainQuery + "0\r\n\r\nHIDDEN"},
		{"a size with a prefix", chunked, "0x1a\r\n" + plainQuery + "\r\n0\r\n\r\nHIDDEN"},
		{"a size that is too large", chunked, "1000000000000001a\r\n" + plainQuery + "\r\n0\r\n\r\nHIDDEN"},
	}
	for _, length := range []string{"+SHORT", "-1", "0x1a", "SHORT\x0b", "SHORT\x00", "SHORT SHORT", "1_0", ""} {
		cases = append(cases, framed{fmt.Sprintf("a length of %q", length), "Content-Length: " + length, plainQuery +
			"HIDDEN"})
	}
	for _, te := range []string{
		"Transfer-Encoding: xchunked", "Transfer-Encoding : chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
		"Transfer-Encoding: x\r\nTransfer-Encoding: chunked", "Transfer-Encoding:\tchunked",
		"Transfer-Encoding:\x0bchunked", "X: y\r\n Transfer-Encoding: chunked",
		"X: y\nTransfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked", "Transfer-Encoding\n: chunked",
		"Transfer-Encoding: identity, chunked",
		"Transfer-Encoding: chunked, identity", "Transfer-Encoding: chunked, chunked", `Transfer-Encoding: "chunked"`,
		"Transfer-Encoding:\r\n chunked",
		"Transfer_Encoding: chunked", "Transfer-Encoding: CHUNKED", "\x00Transfer-Encoding: chunked",
	} {
		cases = append(cases, framed{fmt.Sprintf("TE.TE, a length of all, %q", te), all + "\r\n" + te, inOneChunk + "HIDDEN"})
		if te[0] != 'X' && te[8] != '_' { // where it is no header of this name, five bytes are the body
			cases = append(cases, framed{fmt.Sprintf("TE.TE, a short length, %q", te), "Content-Length: 5\r\n" + te,
				"INCHUNK0\r\n\r\n"})
		}
	}
	return cases
}()

// TestRequestSmuggling_RunsNoHiddenRequest (CVE-2025-22871): each case is refused or answered once, and the request
// that it hides does not run, with the server alone and behind an nginx that keeps its connections to it for the next
// client. That nginx refuses what is hidden where it sees it, so that it runs only where it is not seen.
func TestRequestSmuggling_RunsNoHiddenRequest(t *testing.T) {
	s := servertest.Start(t, "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1")
	t.Run("alone", func(t *testing.T) {
		smuggle(t, strings.TrimPrefix(s.URL, "http://"), "HTTP/1.1 200")
		// RFC 9110, 8.6
		twice := framed{"the same length twice", "Content-Length: SHORT\r\nContent-Length: SHORT", plainQuery}
		if answers := twice.send(t, strings.TrimPrefix(s.URL, "http://"), ""); !strings.HasPrefix(answers, "HTTP/1.1 200") {
			t.Errorf("%s: %s", twice.name, answers)
		}
	})
	t.Run("nginx", func(t *testing.T) { smuggle(t, nginx(t, strings.TrimPrefix(s.URL, "http://")), "HTTP/1.1 403") })
}

// smuggle tries all cases, after those that have one reading. A hidden request that is seen has an answer of its own.
func smuggle(t *testing.T, address, seen string) {
	for _, c := range []framed{
		{"a length", "Content-Length: SHORT", plainQuery},
		{"chunks", "Transfer-Encoding: chunked", inOneChunk},
		{"an extension", "Transfer-Encoding: chunked", "1a;a=b\r\n" + plainQuery + "\r\n0\r\n\r\n"},
		{"two requests", "Content-Length: SHORT", plainQuery + "HIDDEN"}, // the others rely on it that such are seen
	} {
		answers := c.send(t, address, "open@example.com")
		_, second, two := strings.Cut(answers, `"Query"`)
		if !strings.HasPrefix(answers, "HTTP/1.1 200") || !two ||
			strings.Contains(second, seen) != (c.name == "two requests") {
			t.Errorf("%s: %s", c.name, answers)
		}
	}
	email := func(i int) string {
		return fmt.Sprintf("hidden%d.%s@example.com", i, strings.Replace(address, ":", ".", 1))
	}
	var all sync.WaitGroup
	for i, c := range ambiguous {
		all.Go(func() {
			answers := c.send(t, address, email(i))
			granted := strings.Count(answers, "HTTP/1.1 200") + strings.Count(answers, "HTTP/1.0 200")
			if granted > 1 || strings.Contains(answers, email(i)) || seen != "HTTP/1.1 403" &&
				strings.Count(answers, "HTTP/1.") > 1 {
				t.Errorf("%s: %s", c.name, answers)
			}
		})
	}
	all.Wait()
	next := servertest.NewClient(t, "http://"+address)
	for i, c := range ambiguous { // and what the next clients are answered is their own
		if a := next.Ask("", registering(email(i))); !a.Has(`"email":"` + email(i)) {
			t.Errorf("%s: what was hidden has registered, or this is another's answer: %v", c.name, a)
		}
	}
}

func registering(email string) string {
	return `mutation { register(input: {email: "` + email + `", password: "correct horse battery"}) { user { email } } }`
}

// send returns all that is answered on one connection, until a while after the last answer. A hidden request registers
// an address.
func (f framed) send(t *testing.T, address, email string) string {
	body := servertest.JSON(map[string]string{"query": registering(email)})
	hidden := fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Hidden: yes\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	whole := strings.NewReplacer("HIDDEN", hidden, "INCHUNK", fmt.Sprintf("%03x\r\n%s\r\n", len(hidden),
		hidden)).Replace(f.body)
	head := strings.NewReplacer("ALL", fmt.Sprint(len(whole)), "SHORT", fmt.Sprint(len(plainQuery))).Replace(f.head)
	version := "HTTP/1.1"
	if rest, ok := strings.CutPrefix(head, "HTTP/1.0\r\n"); ok {
		version, head = "HTTP/1.0", rest
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	io.WriteString(conn, "POST /graphql "+version+"\r\nHost: localhost\r\nContent-Type: application/json\r\n"+head+
		"\r\n\r\n"+whole)
	var answers strings.Builder
	buffer := make([]byte, 64<<10)
	for silent, wait := testenv.Awake(), time.Second; testenv.Awake()-silent < wait; { // by a clock that stands still with the server
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		n, err := conn.Read(buffer)
		if answers.Write(buffer[:n]); n > 0 {
			silent, wait = testenv.Awake(), 250*time.Millisecond
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	return answers.String()
}

// nginx begins to stand before a server, and returns its address. It passes bodies on as they come.
func nginx(t *testing.T, server string) string {
	t.Helper()
	address, folder := servertest.FreeAddress(t), t.TempDir()
	config := filepath.Join(folder, "nginx.conf")
	err := os.WriteFile(config, fmt.Appendf(nil, `daemon off; pid %[1]s/pid; error_log stderr; worker_processes 1;
events {}
http {
	access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/1; uwsgi_temp_path %[1]s/2; scgi_temp_path %[1]s/3;
	upstream gatehouse { server %[2]s; keepalive 4; }
	server {
		listen %[3]s;
		if ($http_x_hidden) { return 403; }
		location / {
			proxy_pass http://gatehouse; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;
		}
	}
}
`, folder, server, address), 0o600)
	servertest.Check(t, err)
	testenv.Start(t, "apt-get install nginx-light", "nginx", "-p", folder, "-e", "stderr", "-c", config)
	servertest.Eventually(t, "nginx listens", servertest.HangGuard, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return address
}
