package servertest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

const (
	// Password is that of every account that Register makes.
	Password = "correct horse battery"
	// AdminAddress and AdminPassword are of the account that CreateAdmin makes.
	AdminAddress  = "root@example.com"
	AdminPassword = "the root of it all"
	// Me asks who is calling.
	Me = "{ me { id } }"
)

// Client asks one server. Many goroutines may use it simultaneously.
type Client struct {
	URL  string
	HTTP *http.Client
	t    testing.TB
}

// NewClient returns a client with connections of its own, which end with the test.
func NewClient(t testing.TB, url string) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &Client{URL: url, HTTP: &http.Client{Transport: transport, Timeout: HangGuard}, t: t}
}

// Request is POST /graphql with a JSON body, where nothing else is said.
type Request struct {
	Method, Path     string
	Query, Operation string
	Variables        any
	Body             string // instead of Query, Operation and Variables
	Token            string
	Header           []string // names and values by turns; a name may come twice
	Context          context.Context
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	Took   time.Duration
	Stood  time.Duration // of that, how long the machine stood still
	Close  bool          // the server ended the connection
	Err    error         // there was no answer, or not all of it

	t testing.TB
}

// Do sends a request. It never fails the test: see Answer.Err.
func (c *Client) Do(request Request) Answer { return c.do(request, io.ReadAll) }

// Head is Do for an answer whose body does not end: it is not read.
func (c *Client) Head(request Request) Answer {
	return c.do(request, func(io.Reader) ([]byte, error) { return nil, nil })
}

func (c *Client) do(request Request, read func(io.Reader) ([]byte, error)) Answer {
	began, stood := time.Now(), testenv.Stood()
	r, err := request.build(c.URL)
	if err != nil {
		return Answer{t: c.t, Err: err}
	}
	response, err := c.HTTP.Do(r)
	if err != nil {
		return Answer{t: c.t, Took: time.Since(began), Stood: testenv.Stood() - stood, Err: err}
	}
	defer response.Body.Close()
	body, err := read(response.Body)
	return Answer{t: c.t, Status: response.StatusCode, Header: response.Header, Close: response.Close,
		Body: string(body), Took: time.Since(began), Stood: testenv.Stood() - stood, Err: err}
}

func (r Request) build(url string) (*http.Request, error) {
	body := r.Body
	if body == "" && r.Query != "" {
		body = JSON(struct {
			Query     string `json:"query"`
			Operation string `json:"operationName,omitempty"`
			Variables any    `json:"variables,omitempty"`
		}{r.Query, r.Operation, r.Variables})
	}
	target := cmp.Or(r.Path, "/graphql")
	if !strings.HasPrefix(target, "http") {
		target = url + target
	}
	ctx := r.Context
	if ctx == nil {
		ctx = context.Background()
	}
	made, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, http.MethodPost), target, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if r.Token != "" {
		made.Header.Set("Authorization", "Bearer "+r.Token)
	}
	for i := 0; i < len(r.Header); i += 2 {
		if made.Header.Add(r.Header[i], r.Header[i+1]); r.Header[i] == "Host" {
			made.Host = r.Header[i+1]
		}
	}
	if made.Method == http.MethodPost && made.Header.Get("Content-Type") == "" {
		made.Header.Set("Content-Type", "application/json")
	}
	if made.Header.Get("Accept") == "" {
		made.Header.Set("Accept", "application/graphql-response+json")
	}
	return made, nil
}

// Ask sends an operation, with a token where it is not empty.
func (c *Client) Ask(token, query string, header ...string) Answer {
	c.t.Helper()
	return c.whole(Request{Query: query, Token: token, Header: header})
}

// Get sends a GET of a path, or of an address.
func (c *Client) Get(path string, header ...string) Answer {
	c.t.Helper()
	return c.whole(Request{Method: http.MethodGet, Path: path, Header: header})
}

// whole sends a request whose answer must arrive.
func (c *Client) whole(r Request) Answer {
	c.t.Helper()
	a := c.Decided(r)
	if a.Err != nil {
		c.t.Errorf("%s%s: %v", r.Path, r.Query, a.Err)
	}
	return a
}

// Decided is Do, again where the machine is too busy to hash a password in time.
func (c *Client) Decided(r Request) Answer {
	a := c.Do(r)
	for began := time.Now(); a.HashesWait() && time.Since(began) < HangGuard; time.Sleep(100 * time.Millisecond) {
		a = c.Do(r)
	}
	return a
}

// Must sends an operation that must succeed.
func (c *Client) Must(token, query string) Answer {
	c.t.Helper()
	a := c.Decided(Request{Query: query, Token: token})
	if !a.OK() {
		c.t.Fatalf("%s: %v, %d %s", query, a.Err, a.Status, a.Body)
	}
	return a
}

// Code sends an operation and returns the code of its first error, or "".
func (c *Client) Code(token, query string) string {
	c.t.Helper()
	return c.Ask(token, query).Code()
}

// Ready reports whether the server says that it can serve.
func (c *Client) Ready() bool {
	a := c.Do(Request{Method: http.MethodGet, Path: "/readyz"})
	return a.Err == nil && a.Status == http.StatusOK
}

// Account is an account and the tokens of one of its sessions.
type Account struct{ ID, Email, Access, Refresh string }

var addresses atomic.Int64

// NewAddress returns an address that no account has.
func NewAddress() string {
	return fmt.Sprintf("user%d-%d@example.com", addresses.Add(1), time.Now().UnixNano())
}

// Registration is the operation that makes an account.
func Registration(email string) string {
	return signIn("register", email, Password)
}

func signIn(field, email, password string) string {
	return `mutation { ` + field + `(input: {email: ` + JSON(email) + `, password: ` + JSON(password) +
		`}) { accessToken refreshToken user { id email } } }`
}

// Register makes an account with a new address.
func (c *Client) Register() Account {
	c.t.Helper()
	return c.RegisterAs(NewAddress())
}

// RegisterAs makes an account with an address.
func (c *Client) RegisterAs(email string) Account {
	c.t.Helper()
	return c.Must("", Registration(email)).account()
}

// Login signs in.
func (c *Client) Login(email, password string) Account {
	c.t.Helper()
	return c.Must("", signIn("login", email, password)).account()
}

// Refresh replaces a refresh token.
func (c *Client) Refresh(token string) Account {
	c.t.Helper()
	return c.Must("",
		`mutation { refresh(input: {refreshToken: `+JSON(token)+`}) { accessToken refreshToken user { id email } } }`).account()
}

// Admin signs the administrator in once more, whom CreateAdmin made.
func (c *Client) Admin() string {
	c.t.Helper()
	return c.Login(AdminAddress, AdminPassword).Access
}

// AccessToken makes a personal access token in a session, which holds for a day.
func (c *Client) AccessToken(session string, scopes ...string) string {
	c.t.Helper()
	return c.Must(session, `mutation { createAccessToken(input: {name: "a program", scopes: `+JSON(scopes)+`, expiresAt: `+
		JSON(time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339))+`}) { token } }`).Field("token")
}

// Logout ends a token's session.
func (c *Client) Logout(token string) {
	c.t.Helper()
	c.Must(token, "mutation { logout { success } }")
}

func (a Answer) account() Account {
	a.t.Helper()
	return Account{ID: a.Field("id"), Email: a.Field("email"), Access: a.Field("accessToken"),
		Refresh: a.Field("refreshToken")}
}

// Field returns the first text of a name in the answer, which must be there.
func (a Answer) Field(name string) string {
	a.t.Helper()
	return Between(a.t, a.Body, `"`+name+`":"`, `"`)
}

// Has reports whether a text is in the answer.
func (a Answer) Has(text string) bool { return strings.Contains(a.Body, text) }

// graphql is the answer as GraphQL has it.
func (a Answer) graphql() (g struct {
	Data   json.RawMessage
	Errors []struct {
		Extensions struct {
			Code       string
			RetryAfter int
		}
	}
}) {
	_ = json.Unmarshal([]byte(a.Body), &g)
	return g
}

// Code is that of the first error, or "".
func (a Answer) Code() string {
	if g := a.graphql(); len(g.Errors) > 0 {
		return g.Errors[0].Extensions.Code
	}
	return ""
}

// OK reports whether there is data and no error.
func (a Answer) OK() bool {
	g := a.graphql()
	return a.Err == nil && len(g.Errors) == 0 && hasData(g.Data)
}

// Unavailable reports 503 with Retry-After; or, where a field failed after others had run, an error beside their data.
func (a Answer) Unavailable() bool {
	g := a.graphql()
	if a.Err != nil || len(g.Errors) == 0 || g.Errors[0].Extensions.Code != "UNAVAILABLE" ||
		g.Errors[0].Extensions.RetryAfter == 0 {
		return false
	}
	return hasData(g.Data) || a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != ""
}

// HashesWait reports that there was no turn in time to hash a password: nothing was done.
func (a Answer) HashesWait() bool {
	return a.Code() == "RATE_LIMITED" && a.Has("Too many people are signing in")
}

// Interrupted reports an answer of which the time was over because the machine stood still.
func (a Answer) Interrupted() bool {
	return a.Stood > time.Second/2 && (a.Unavailable() || a.HashesWait() || errors.Is(a.Err, context.DeadlineExceeded))
}

// Slower reports whether an answer took longer, without the time for which the machine stood still.
func (a Answer) Slower(than time.Duration) bool { return a.Took-a.Stood > than }

func hasData(data json.RawMessage) bool { return len(data) > 0 && string(data) != "null" }

// String is how a failing test shows an answer.
func (a Answer) String() string {
	return fmt.Sprintf("%d in %v, %.1000s, error %v", a.Status, a.Took.Round(time.Millisecond), a.Body, a.Err)
}

// JSON returns a value in JSON.
func JSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Questions are operations whose answers speak of the caller alone: a read of two tables, a write, and a sign-in.
func (a Account) Questions() [3]string {
	return [3]string{
		`{ me { id email name sessions { id } } }`,
		`mutation { updateProfile(input: {name: "` + a.ID + `"}) { user { id email name } } }`,
		`mutation { login(input: {email: "` + a.Email + `", password: "` + Password + `"}) { user { id email name } } }`,
	}
}

// Owns reports whether an answer to one of the Questions is complete, and this account's; its name must be its id.
func (a Account) Owns(answer Answer) bool {
	return answer.OK() && answer.Has(`{"id":"`+a.ID+`","email":"`+a.Email+`","name":"`+a.ID+`"`)
}
