package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/tools/txtar"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestTranscripts plays testdata/*.txtar against a running server, on both databases. Each pair of sections is a
// request and the answer to it:
//
//	-- ask --                                    -- answer --
//	POST /graphql                                200
//	Authorization: Bearer <access>               Header: value that the answer must have
//
//	{ me { email } }                             {"data": {"me": {"email": "ann@example.com"}}}
//
// The body of a request without Content-Type is a GraphQL document. In an answer "<name>" stands for a text: any one
// the first time, the same one from then on; <*> is any value. In a request <name> is that text; <forged name> is the
// token of that name signed with another key, <expired name> the same token, rightly signed, one hour later, <stale
// name> the same token, rightly signed, of somebody who proved who they are ten minutes earlier.
//
// <server> is the server's address. In a header that the answer must have, <name> and <*> stand for any text without a
// semicolon; a header without a value must not be there.
//
// A request that begins with "gatehouse" is a command, with its body as standard input; its answer is the exit code and
// what it prints.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, url string) {
				play(t, file, url)
			})
		})
	}
}

func play(t *testing.T, file, databaseURL string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, path := newSigningKey(t)
	environment := []string{"GATEHOUSE_DATABASE_URL=" + databaseURL, "GATEHOUSE_SIGNING_KEY=" + path, "GATEHOUSE_SECRET_FILE=" + filepath.Join(t.TempDir(), "secret"),
		"GATEHOUSE_ALLOWED_ORIGINS=http://localhost:5173"}
	s := audited(t, environment...)
	p := &player{server: s.URL, environment: environment, key: key, names: map[string]string{"server": s.URL}}
	for pair := range slices.Chunk(archive.Files, 2) {
		if len(pair) != 2 || pair[1].Name != "answer" {
			t.Fatalf("%s: %q is not followed by an answer", file, pair[0].Name)
		}
		if err := p.exchange(t, string(pair[0].Data), string(pair[1].Data)); err != nil {
			t.Fatalf("%s: %s: %v\n\nserver log:\n%s", file, pair[0].Name, err, s.Log)
		}
	}
}

// newSigningKey returns a key and the PEM file that gives it to a server.
func newSigningKey(t testing.TB) (ed25519.PrivateKey, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "signing.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return key, path
}

// player holds what a transcript has learned so far.
type player struct {
	server      string
	environment []string
	key         ed25519.PrivateKey
	names       map[string]string
}

// exchange sends one request and compares the answer.
func (p *player) exchange(t *testing.T, request, want string) error {
	if strings.HasPrefix(request, "gatehouse ") {
		return p.command(t, request, want)
	}
	response, err := p.send(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	head, wantBody, _ := strings.Cut(want, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	if status := strconv.Itoa(response.StatusCode); status != lines[0] {
		return fmt.Errorf("status %s, want %s: %s", status, lines[0], body)
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		if err := p.matchHeader(strings.TrimSpace(value), strings.Join(response.Header.Values(name), ", ")); err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
	}
	var got, expected any
	if err := json.Unmarshal([]byte(wantBody), &expected); err != nil {
		return fmt.Errorf("the wanted answer is not JSON: %w", err)
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("the answer is not JSON: %w: %s", err, body)
	}
	if err := p.match("", expected, got); err != nil {
		return fmt.Errorf("%w\ngot %s", err, body)
	}
	for _, moment := range moments.FindAllString(string(body), -1) {
		if !strings.HasSuffix(moment, `Z"`) {
			return fmt.Errorf("%s is not in UTC", moment)
		}
	}
	return nil
}

// moments are the times of an answer, wherever they are.
var moments = regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*"`)

var inHeader = regexp.MustCompile(`<[a-zA-Z0-9*]+>`)

// matchHeader compares a header's value with the wanted one and learns the names.
func (p *player) matchHeader(want, got string) error {
	names := inHeader.FindAllString(want, -1)
	pattern := inHeader.ReplaceAllString(strings.ReplaceAll(regexp.QuoteMeta(want), `<\*>`, "<*>"), "([^;]*)")
	values := regexp.MustCompile("^" + pattern + "$").FindStringSubmatch(got)
	if values == nil {
		return fmt.Errorf("%q, want %q", got, want)
	}
	for i, name := range names {
		if err := p.match(name, name, values[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// command runs one command beside the server.
func (p *player) command(t *testing.T, request, want string) error {
	line, stdin, _ := strings.Cut(request, "\n\n")
	var out strings.Builder
	code := run(t.Context(), world{Args: strings.Fields(line)[1:], Env: append(p.environment, "GATEHOUSE_LOG=warn"), Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &out})
	if got := fmt.Sprintf("%d\n\n%s", code, out.String()); got != want {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	return nil
}

func (p *player) send(text string) (*http.Response, error) {
	text, err := p.fill(text)
	if err != nil {
		return nil, err
	}
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	header := http.Header{}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		header[textproto.CanonicalMIMEHeaderKey(name)] = append(header.Values(name), value)
	}
	if method == http.MethodPost && header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
		wrapped, err := json.Marshal(map[string]string{"query": body})
		if err != nil {
			return nil, err
		}
		body = string(wrapped)
	}
	r, err := http.NewRequest(method, p.server+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	r.Header = header
	return http.DefaultClient.Do(r)
}

var placeholder = regexp.MustCompile(`<((forged|expired|stale) )?([a-zA-Z0-9]+)>`)

// fill puts what the names stand for into a request.
func (p *player) fill(text string) (string, error) {
	var failed error
	return placeholder.ReplaceAllStringFunc(text, func(match string) string {
		parts := placeholder.FindStringSubmatch(match)
		value, ok := p.names[parts[3]]
		if !ok {
			failed = fmt.Errorf("nothing is called %s yet", parts[3])
		}
		if parts[2] == "" || !ok {
			return value
		}
		remade, err := p.remake(value, parts[2])
		if err != nil {
			failed = err
		}
		return remade
	}), failed
}

// remake signs the claims of a token again: with another key, or rightly but for times that are past.
func (p *player) remake(text, how string) (string, error) {
	old, _, err := jwt.NewParser(jwt.WithJSONNumber()).ParseUnverified(text, jwt.MapClaims{})
	if err != nil {
		return "", err
	}
	claims, key := old.Claims.(jwt.MapClaims), p.key
	switch how {
	case "forged":
		if _, key, err = ed25519.GenerateKey(nil); err != nil {
			return "", err
		}
	case "stale":
		claims["auth_time"] = time.Now().Add(-10 * time.Minute).Unix()
	case "expired":
		for name, ago := range map[string]time.Duration{"iat": 2 * time.Hour, "nbf": 2 * time.Hour, "auth_time": 2 * time.Hour, "exp": time.Hour} {
			claims[name] = time.Now().Add(-ago).Unix()
		}
	}
	made := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	made.Header = old.Header
	return made.SignedString(key)
}

// match compares an answer with the wanted one and learns the names.
func (p *player) match(at string, want, got any) error {
	switch want := want.(type) {
	case string:
		if want == "<*>" {
			return nil
		}
		text, isText := got.(string)
		if name := placeholder.FindStringSubmatch(want); name != nil && isText {
			if known, ok := p.names[name[3]]; ok && known != text {
				return fmt.Errorf("%s: %q is not the former <%s> %q", at, text, name[3], known)
			}
			p.names[name[3]] = text
			return nil
		}
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			break
		}
		for name := range object {
			if _, ok := want[name]; !ok {
				return fmt.Errorf("%s.%s is there and should not be", at, name)
			}
		}
		for name, value := range want {
			if err := p.match(at+"."+name, value, object[name]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			break
		}
		for i, value := range want {
			if err := p.match(fmt.Sprintf("%s[%d]", at, i), value, list[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Errorf("%s: got %v, want %v", at, got, want)
	}
	return nil
}
