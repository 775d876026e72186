package gatehouse_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gatehouse "github.com/gatehouse/gatehouse/clients/go"
)

const (
	address = "https://accounts.example.com/graphql"
	life    = 10 * time.Minute
	me      = `query Me { me { id } }`
	write   = `mutation Write { write { id } }`
)

var errAway = errors.New("no route to host")

// server keeps the rules of refresh tokens, on the clock of a synctest bubble.
type server struct {
	mu       sync.Mutex
	sessions map[string]*serverSession
	requests []string // names of operations, in the order in which they came
	users    []string // whose access token each of them had
	running  int      // refreshes now
	most     int      // the most refreshes at one time
	latency  func(name string) time.Duration
	answer   func(name string) *http.Response // in place of the server's
	away     func(name string) error
	lost     func(name string) error // after it was done
}

type serverSession struct {
	user       string
	generation int
	advanced   time.Time
	ended      bool
}

func newServer() *server {
	never := func(string) error { return nil }
	return &server{
		sessions: map[string]*serverSession{}, away: never, lost: never,
		latency: func(string) time.Duration { return 10 * time.Millisecond },
		answer:  func(string) *http.Response { return nil },
	}
}

// client returns a client of the server, which keeps the refresh token in the returned variable.
func (s *server) client(t *testing.T) (*gatehouse.Client, *string) {
	t.Helper()
	stored := new(string)
	store := func(_ context.Context, token string) error {
		*stored = token
		return nil
	}
	c, err := gatehouse.New(gatehouse.Config{URL: address, Transport: s, Store: store})
	check(t, err)
	return c, stored
}

var operationName = regexp.MustCompile(`(?:query|mutation) (\w+)`)

func (s *server) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	var asked struct {
		Query     string
		Variables map[string]string
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	name := operationName.FindStringSubmatch(asked.Query)[1]
	authorization := request.Header.Get("Authorization")
	s.began(name, authorization)
	defer s.finished(name)
	if err := wait(request.Context(), s.latency(name)); err != nil {
		return nil, err
	}
	if err := s.away(name); err != nil {
		return nil, err
	}
	response := s.answer(name)
	if response == nil {
		response = s.serve(name, asked.Variables, authorization)
	}
	if err := s.lost(name); err != nil {
		return nil, err
	}
	return response, wait(request.Context(), s.latency(name))
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *server) began(name, authorization string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, name)
	user := ""
	if authorization != "" {
		user = claimsOf(authorization).Sub
	}
	s.users = append(s.users, user)
	if name == "Refresh" {
		s.running++
		s.most = max(s.most, s.running)
	}
}

func (s *server) finished(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "Refresh" {
		s.running--
	}
}

func (s *server) serve(name string, variables map[string]string, authorization string) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name {
	case "Login":
		id := fmt.Sprint("session", len(s.sessions))
		s.sessions[id] = &serverSession{user: variables["user"]}
		return s.payload("login", id)
	case "Refresh":
		return s.refresh(variables["refreshToken"])
	}
	if authorization == "" {
		return refused("UNAUTHENTICATED", `"reason":"missing"`)
	}
	claims := claimsOf(authorization)
	session := s.sessions[claims.Sid]
	switch {
	case time.Now().Unix() >= claims.Exp:
		return refused("UNAUTHENTICATED", `"reason":"expired"`)
	case session.ended:
		return refused("UNAUTHENTICATED", `"reason":"revoked"`)
	case name == "Logout":
		session.ended = true
		return reply(`{"data":{"logout":{"success":true}}}`)
	case name == "Prove":
		return reply(fmt.Sprintf(`{"data":{"reauthenticate":{"accessToken":%q,"expiresIn":600}}}`,
			accessToken(claims.Sid, session.user)))
	}
	return reply(fmt.Sprintf(`{"data":{"me":{"id":%q}}}`, session.user))
}

func (s *server) refresh(token string) *http.Response {
	invalid := func(reason string) *http.Response { return refused("INVALID_TOKEN", `"reason":"`+reason+`"`) }
	id, text, _ := strings.Cut(token, "/")
	session := s.sessions[id]
	if session == nil {
		return invalid("unknown")
	}
	generation, _ := strconv.Atoi(text)
	switch behind := session.generation - generation; {
	case session.ended:
		return invalid("revoked")
	case behind == 0:
		session.generation++
		session.advanced = time.Now()
	case behind > 1:
		session.ended = behind > 2 || time.Since(session.advanced) > 10*time.Second
		return invalid("used")
	}
	return s.payload("refresh", id)
}

func (s *server) payload(field, id string) *http.Response {
	session := s.sessions[id]
	return reply(fmt.Sprintf(`{"data":{%q:{"accessToken":%q,"expiresIn":%d,"refreshToken":"%s/%d"}}}`,
		field, accessToken(id, session.user), int(life.Seconds()), id, session.generation))
}

type claims struct {
	Sid, Sub string
	Iat, Exp int64
}

func accessToken(id, user string) string {
	text, _ := json.Marshal(map[string]any{
		"sid": id, "sub": user, "iat": time.Now().Unix(), "exp": time.Now().Add(life).Unix(), "jti": time.Now().UnixNano(),
	})
	return "x." + base64.RawURLEncoding.EncodeToString(text) + ".x"
}

func claimsOf(authorization string) (c claims) {
	text, _ := base64.RawURLEncoding.DecodeString(strings.Split(authorization, ".")[1])
	_ = json.Unmarshal(text, &c)
	return c
}

func refused(code, more string) *http.Response {
	return reply(`{"errors":[{"message":"no","extensions":{"code":"` + code + `",` + more + `}}]}`)
}

func reply(body string) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

func login(c *gatehouse.Client, user string) error {
	return c.Do(context.Background(), `mutation Login { login { accessToken expiresIn refreshToken } }`,
		map[string]string{"user": user}, nil)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// code returns the code of an error, its text if it has none, and "" for nil.
func code(err error) string {
	if e, ok := errors.AsType[*gatehouse.Error](err); ok {
		return string(e.Code)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
