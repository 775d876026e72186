package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/passkey/passkeytest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestTranscripts plays test/e2e/testdata/*.txtar against a running server, on both databases. Each pair of sections
// is a request and the answer to it:
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
// name> the token itself, an hour after its session's password was given. <code name> is the next code of the authenticator
// app whose secret the name is.
//
// <server> is the server's address, and <tomorrow> the time in a day. In a header that the answer must have, <name> and <*>
// stand for any text without a semicolon; a header without a value must not be there.
//
// A name that stands for a JSON object is its text. <created key options> is what a browser answers to such options when
// its authenticator makes the passkey that is called key, <used key options> what it answers with that passkey, <foreign
// key options> the same on a page whose origin is not allowed, and <copied key options> the same with a copy of the
// passkey that was made before it was last used.
//
// A request "MAIL kind address" waits for the next mail of the inbox; its answer is an object with the mail's subject,
// language, link and code, and the token of the link.
//
// A line before the first section that begins with GATEHOUSE_ is a setting of the server.
//
// A request that begins with "gatehouse" is a command, with its body as standard input; its answer is the exit code and
// what it prints, where <*> is any text without a semicolon.
func TestTranscripts(t *testing.T) {
	eachTranscript(t, func(t *testing.T, file string) {
		dbtest.Each(t, func(t *testing.T, url string) { play(t, file, url) })
	})
}

// TestTranscripts_AreTheSameBehindATransactionPooler plays them where each transaction has another connection.
func TestTranscripts_AreTheSameBehindATransactionPooler(t *testing.T) {
	eachTranscript(t, func(t *testing.T, file string) {
		if strings.HasSuffix(file, "browser.txtar") { // it is about HTTP alone
			return
		}
		play(t, file, dbtest.PgBouncer(t, dbtest.Postgres(t), "transaction"))
	})
}

func eachTranscript(t *testing.T, f func(t *testing.T, file string)) {
	t.Helper()
	files, err := filepath.Glob("test/e2e/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			f(t, file)
		})
	}
}

func play(t *testing.T, file, databaseURL string) {
	archive, err := txtar.ParseFile(file)
	servertest.Check(t, err)
	key := servertest.NewSigningKey(t)
	settings := []string{"GATEHOUSE_DATABASE_URL=" + databaseURL, key.Setting, "GATEHOUSE_ALLOWED_ORIGINS=http://localhost:5173"}
	for line := range strings.Lines(string(archive.Comment)) {
		if strings.HasPrefix(line, "GATEHOUSE_") {
			settings = append(settings, strings.TrimSpace(line))
		}
	}
	s := servertest.Options{Audit: true}.Start(t, settings...)
	p := &player{Process: s, key: key, db: servertest.OpenDB(t, databaseURL), t: t, aged: map[string]bool{},
		apps: map[string]*servertest.Authenticator{}, keys: map[string]*passkeytest.Passkey{},
		names: map[string]string{"server": s.URL, "tomorrow": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)}}
	for pair := range slices.Chunk(archive.Files, 2) {
		if len(pair) != 2 || pair[1].Name != "answer" {
			t.Fatalf("%s: %q is not followed by an answer", file, pair[0].Name)
		}
		if err := p.exchange(string(pair[0].Data), string(pair[1].Data)); err != nil {
			t.Fatalf("%s: %s: %v\n\nserver log:\n%s", file, pair[0].Name, err, s.Log)
		}
	}
}

// player holds what a transcript has learned so far.
type player struct {
	*servertest.Process
	key   *servertest.SigningKey
	db    *sql.DB
	t     *testing.T
	mails servertest.Mailbox
	aged  map[string]bool                      // tokens whose sessions are
	apps  map[string]*servertest.Authenticator // by their secrets
	keys  map[string]*passkeytest.Passkey
	names map[string]string
}

// exchange sends one request and compares the answer.
func (p *player) exchange(request, want string) error {
	if command, ok := strings.CutPrefix(request, "gatehouse "); ok {
		return p.command(command, want)
	}
	if wanted, ok := strings.CutPrefix(request, "MAIL "); ok {
		return p.mail(strings.Fields(wanted), want)
	}
	r, err := p.request(request)
	if err != nil {
		return err
	}
	a := p.Decided(r)
	if a.Err != nil {
		return a.Err
	}
	head, wantBody, _ := strings.Cut(want, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	if status := strconv.Itoa(a.Status); status != lines[0] {
		return fmt.Errorf("status %s, want %s: %s", status, lines[0], a.Body)
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		if err := p.matchText(strings.TrimSpace(value), strings.Join(a.Header.Values(name), ", ")); err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
	}
	var got, expected any
	if err := json.Unmarshal([]byte(wantBody), &expected); err != nil {
		return fmt.Errorf("the wanted answer is not JSON: %w", err)
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		return fmt.Errorf("the answer is not JSON: %w: %s", err, a.Body)
	}
	if err := p.match("", expected, got); err != nil {
		return fmt.Errorf("%w\ngot %s", err, a.Body)
	}
	for _, at := range times.FindAllString(a.Body, -1) {
		if !strings.HasSuffix(at, `Z"`) && !strings.HasSuffix(at, `Z\"`) { // the second in a JSON text in a field
			return fmt.Errorf("%s is not in UTC", at)
		}
	}
	return nil
}

// times are those of an answer, wherever they are.
var times = regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*"`)

var inHeader = regexp.MustCompile(`<[a-zA-Z0-9*]+>`)

// matchHeader compares a header's value with the wanted one and learns the names.
func (p *player) matchText(want, got string) error {
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
func (p *player) command(command, want string) error {
	line, stdin, _ := strings.Cut(command, "\n\n")
	o := p.RunCommand(stdin, strings.Fields(line)...)
	return p.matchText(want, fmt.Sprintf("%d\n\n%s", o.Code, o.Stdout+o.Stderr))
}

// mail waits for a mail of a kind to an address.
func (p *player) mail(wanted []string, want string) error {
	m := p.mails.Next(p.t, wanted[0], wanted[1], p.Client)
	token := m.Token(p.t)
	got := map[string]any{"subject": m.Subject, "language": m.Language, "token": token, "code": m.Code(),
		"link": strings.TrimSuffix(m.Links[0], token)}
	var expected any
	if err := json.Unmarshal([]byte(want), &expected); err != nil {
		return fmt.Errorf("the wanted mail is not JSON: %w", err)
	}
	return p.match("", expected, got)
}

// request reads a request.
func (p *player) request(text string) (r servertest.Request, err error) {
	if text, err = p.passkeys(text); err != nil {
		return r, err
	}
	if text, err = p.fill(text); err != nil {
		return r, err
	}
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	r.Method, r.Path, _ = strings.Cut(lines[0], " ")
	r.Header = []string{"Accept", "application/json"}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "Accept":
			r.Header[1] = value
		case "Content-Type":
			r.Body = body
			fallthrough
		default:
			r.Header = append(r.Header, name, value)
		}
	}
	if r.Body == "" {
		r.Query = body
	}
	return r, nil
}

var placeholder = regexp.MustCompile(`<((forged|expired|stale|code) )?([a-zA-Z0-9]+)>`)

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
		if parts[2] == "code" {
			return p.code(value)
		}
		if parts[2] == "stale" {
			if !p.aged[value] {
				ageSession(p.t, p.db, value)
				time.Sleep(time.Second) // for which the server may know the session
			}
			p.aged[value] = true
			return value
		}
		remade, err := p.key.Remake(value, parts[2])
		if err != nil {
			failed = err
		}
		return remade
	}), failed
}

// code returns the next code of the app of a secret.
func (p *player) code(secret string) string {
	if p.apps[secret] == nil {
		app, err := servertest.NewAuthenticator(secret)
		servertest.Check(p.t, err)
		p.apps[secret] = app
	}
	return p.apps[secret].Code()
}

// match compares an answer with the wanted one and learns the names.
func (p *player) match(at string, want, got any) error {
	switch want := want.(type) {
	case string:
		if want == "<*>" {
			return nil
		}
		text, isText := got.(string)
		if _, isObject := got.(map[string]any); isObject {
			object, err := json.Marshal(got)
			servertest.Check(p.t, err)
			text, isText = string(object), true
		}
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
