package abuse

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// canaries are secrets by name. A place that should hold none is searched for each, in the forms in which text travels.
type canaries map[string]string

func (c canaries) in(haystack string) (found []string) {
	for name, secret := range c {
		for form, text := range map[string]string{
			"plainly":        secret,
			"in base64":      strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
			"in base64url":   base64.RawURLEncoding.EncodeToString([]byte(secret)),
			"in hex":         hex.EncodeToString([]byte(secret)),
			"in a URL":       url.QueryEscape(secret),
			"quoted":         strings.Trim(fmt.Sprintf("%q", secret), `"`),
			"in JSON":        strings.Trim(servertest.JSON(secret), `"`),
			"without a tail": secret[:len(secret)*3/4],
		} {
			if strings.Contains(haystack, text) {
				found = append(found, name+" "+form)
				break
			}
		}
	}
	return found
}

// intruder plays a full run against one server, and looks at each answer.
type intruder struct {
	t       *testing.T
	server  *servertest.Process
	secrets canaries
	granted int // tokens
}

var grants = regexp.MustCompile(`"(accessToken|refreshToken|device|token)":"([^"]+)"|gatehouse_(?:refresh|device)=([^;]{20,})`)

// send sends a request and returns the tokens that its answer gave, which from then on are canaries; no other may be in
// it.
func (i *intruder) send(r servertest.Request) (tokens []string, text string) {
	i.t.Helper()
	a := i.server.Do(r)
	if a.Err != nil {
		i.t.Fatal(a.Err)
	}
	rest := fmt.Sprint(a.Status, a.Header, a.Body)
	granted := canaries{}
	for _, found := range grants.FindAllStringSubmatch(rest, -1) {
		token := found[2] + found[3]
		tokens = append(tokens, token)
		i.granted++
		granted[fmt.Sprintf("token %d", i.granted)] = token
		rest = strings.ReplaceAll(rest, token, "")
	}
	if found := i.secrets.in(rest); found != nil {
		i.t.Errorf("%s %.200s: the answer holds %v: %s", r.Path, r.Body+r.Query, found, a.Body)
	}
	for name, token := range granted {
		i.secrets[name] = token
	}
	return tokens, a.Body
}

// ask sends an operation; token and header may be empty.
func (i *intruder) ask(token, query string, variables map[string]any, header ...string) (tokens []string, text string) {
	i.t.Helper()
	return i.send(servertest.Request{Token: token, Query: query, Variables: variables, Header: header})
}

const (
	registers = `mutation Register($in: RegisterInput!) { register(input: $in) { accessToken refreshToken user { id } } }`
	logsIn    = `mutation Login($in: LoginInput!) { login(input: $in) { accessToken refreshToken device user { id } } }`
	refreshes = `mutation Refresh($in: RefreshInput!) { refresh(input: $in) { accessToken refreshToken } }`
)

func in(pairs ...any) map[string]any {
	fields := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i].(string)] = pairs[i+1]
	}
	return map[string]any{"in": fields}
}

// TestSecrets_LeaveInNoOtherWay: a run in which everything that takes or gives a secret happens, well and
// badly. Afterwards no secret is in the log, in an answer that does not have to give it, in metrics, profiles, traces,
// in what commands print, or in the database.
func TestSecrets_LeaveInNoOtherWay(t *testing.T) {
	for _, format := range []string{"debug", "debug,json"} {
		t.Run(format, func(t *testing.T) {
			collector, key := servertest.NewCollector(t), servertest.NewSigningKey(t)
			c := canaries{
				"the secret":          "canary of a secret, 32 bytes or more of it",
				"the feed's token":    "canary-of-the-feed-0123456789abcdef",
				"the collector's key": "canary-of-the-collector",
				"the private key":     string(key.Private.Seed()),
				"ann's password":      "canary 'of\" ann\\s password",
				"ann's next password": "canary-of-anns-next-password",
				"a wrong password":    "canary-of-a-wrong-password",
				"bob's password":      "canary-of-bobs-password",
				"root's password":     "canary-of-roots-password",
			}
			database := dbtest.SQLite(t)
			environment := []string{
				"GATEHOUSE_DATABASE_URL=" + database, "GATEHOUSE_LOG=" + format, "GATEHOUSE_OPS_ADDR=127.0.0.1:0",
				servertest.Profiles,
				"GATEHOUSE_SECRET=" + c["the secret"], "GATEHOUSE_REVOCATIONS_TOKEN=" + c["the feed's token"], key.Setting,
				collector.Setting(),
				"GATEHOUSE_ALLOWED_ORIGINS=http://localhost:5173", "GATEHOUSE_THROTTLE=account=1000,pair=1000",
			}
			// the exporter reads the process's environment
			t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key="+c["the collector's key"])
			s := servertest.Start(t, environment...)
			i := &intruder{t: t, server: s, secrets: c}
			printed := i.run(key, append(environment, "GATEHOUSE_ADDR=127.0.0.1:0", servertest.CheapHashing))
			places := map[string]string{"what commands print": printed}
			for _, path := range []string{"/metrics", "/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1",
				"/debug/pprof/cmdline", "/debug/pprof/allocs?debug=1"} {
				places[path] = s.Get(s.Ops + path).Body
			}
			s.Stop()
			places["the log"], places["the traces"] = s.Log.String(), collector.Text()
			for _, suffix := range []string{"", "-wal", "-shm"} {
				content, _ := os.ReadFile(strings.TrimPrefix(database, "sqlite:") + suffix)
				places["the database"] += string(content)
			}
			for place, says := range map[string]string{ // what must be there, so that an empty place is no proof
				"the log": "refresh_reused", "the traces": "mutation Login", "the database": "ann@example.com",
				"/metrics":            `operation="login"`,
				"what commands print": "bad usage", "/debug/pprof/goroutine?debug=2": "goroutine",
				"/debug/pprof/heap?debug=1": "heap", "/debug/pprof/cmdline": "test", "/debug/pprof/allocs?debug=1": "heap",
			} {
				if !strings.Contains(places[place], says) {
					t.Errorf("%s does not say %q: %.300s", place, says, places[place])
				}
			}
			for place, content := range places {
				if found := i.secrets.in(content); found != nil {
					t.Errorf("%s: %v", place, found)
				}
			}
			if len(i.secrets) < 25 {
				t.Errorf("only %d secrets", len(i.secrets))
			}
		})
	}
}

const ann = "ann@example.com"

// run is the story. It returns what commands printed.
func (i *intruder) run(key *servertest.SigningKey, environment []string) (printed string) {
	made, changed := i.useAccounts()
	i.useProgram(changed[0])
	i.sendWrongRequests(changed)
	i.presentWrongCredentials(key, made, changed)
	printed = i.runCommands(environment)
	i.administer()
	i.ask(changed[0], "mutation { deleteAccount { success } }", nil)
	for _, path := range []string{"/.well-known/jwks.json", "/schema.graphql", "/access", "/readyz"} {
		i.get(path)
	}
	return printed
}

// must returns the tokens of an answer that must have some.
func (i *intruder) must(tokens []string, text string) []string {
	i.t.Helper()
	if len(tokens) == 0 || strings.Contains(text, `"errors"`) {
		i.t.Fatalf("no tokens: %s", text)
	}
	return tokens
}

// useAccounts makes accounts and sessions, well and badly. It returns tokens of Ann's first session, and those that
// replaced them when she changed her password.
func (i *intruder) useAccounts() (made, changed []string) {
	c := i.secrets
	made = i.must(i.ask("", registers, in("email", ann, "password", c["ann's password"])))
	i.ask("", registers, in("email", ann, "password", c["ann's password"]))
	i.ask("", registers, in("email", c["a wrong password"], "password", c["ann's password"]))
	i.ask("", registers, in("email", "eve@example.com", "password", c["ann's password"], "name", nil, "cookie", true))
	i.ask("", registers, in("email", "eve@example.com", "password", strings.Repeat(c["a wrong password"], 9)))
	first := i.must(i.ask("", logsIn, in("email", ann, "password", c["ann's password"])))
	i.ask("", logsIn, in("email", ann, "password", c["a wrong password"]))
	i.ask("", logsIn, in("email", "nobody@example.com", "password", c["ann's password"]))
	second := i.must(i.ask("", refreshes, in("refreshToken", first[1])))
	i.must(i.ask("", refreshes, in("refreshToken", first[1]))) // again: a lost answer
	third := i.must(i.ask("", refreshes, in("refreshToken", second[1])))
	i.must(i.ask("", refreshes, in("refreshToken", third[1])))
	i.ask("", refreshes, in("refreshToken", first[1])) // a copy: the session ends
	i.ask("", refreshes, in("refreshToken", second[1][:len(second[1])-2]+"xx"))
	i.ask("", refreshes, in("refreshToken", c["ann's password"]))
	i.ask(second[0], "{ me { id } }", nil) // of the session that has ended
	page := []string{"Origin", "http://localhost:5173"}
	cookie := i.must(i.ask("", logsIn, in("email", ann, "password", c["ann's password"], "cookie", true), page...))
	inCookie := cookie[slices.IndexFunc(cookie, func(token string) bool { return !strings.Contains(token, ".") })]
	i.ask("", refreshes, in(), append(page, "Cookie", "gatehouse_refresh="+inCookie)...)
	i.ask("", refreshes, in(), "Cookie", "gatehouse_refresh="+inCookie, "Origin", "http://evil.example.com")
	i.ask(cookie[0], "mutation { logout { success } }", nil, append(page, "Cookie", "gatehouse_refresh="+inCookie)...)
	const proves = `mutation Prove($in: ReauthenticateInput!) { reauthenticate(input: $in) { accessToken } }`
	i.ask(made[0], proves, in("password", c["a wrong password"]))
	i.must(i.ask(made[0], proves, in("password", c["ann's password"])))
	const changes = `mutation Change($in: ChangePasswordInput!) { changePassword(input: $in) { accessToken refreshToken } }`
	i.ask(made[0], changes, in("currentPassword", c["a wrong password"], "newPassword", c["ann's next password"]))
	changed = i.must(i.ask(made[0], changes, in("currentPassword", c["ann's password"], "newPassword",
		c["ann's next password"])))
	return made, changed
}

// sendWrongRequests sends secrets where they should not be.
func (i *intruder) sendWrongRequests(changed []string) {
	password := i.secrets["ann's next password"]
	for _, body := range []string{
		`{"query":"mutation { login(input: {email: \"ann@example.com\", password: \"` + password + `\"}) { accessToken }"`,
		`{"password":"` + password + `"`, `{"query":{"password":"` + password + `"}}`, `[{"query":"` + password + `"}]`,
		`"` + password + `"`, password,
		`{"query":"{ me { id } }","operationName":"` + password + `"}`,
		`{"query":"{ me { id } }","variables":"` + password + `"}`,
		`{"query":"{ me { id } }","extensions":{"x":"` + password + `"}}`,
		servertest.JSON(map[string]any{"query": `mutation { login(input: {email: "ann@example.com", password: "` +
			password + `", token: "` + changed[1] + `"}) { accessToken } }`}),
		servertest.JSON(map[string]any{"query": `mutation { login(input: {email: "ann@example.com", password: ["` +
			password + `"]}) { accessToken } }`}),
		servertest.JSON(map[string]any{"query": `mutation { login(input: "` + password + `") { accessToken } }`}),
		servertest.JSON(map[string]any{"query": `{ me { id(password: "` + password + `") } }`}),
		servertest.JSON(map[string]any{"query": `{ user(id: "` + password + `") { id } }`}),
		servertest.JSON(map[string]any{"query": `query ($x: String = "` + password + `") { me { id } }`}),
		servertest.JSON(map[string]any{"query": `{ me { id } } "` + password + `"`}),
		servertest.JSON(map[string]any{"query": `{ me { id } } # ` + password}),
		servertest.JSON(map[string]any{"query": logsIn, "variables": in("email", ann, "password", password, "passwrod",
			password)}),
		servertest.JSON(map[string]any{"query": logsIn, "variables": in("email", ann, "password", []string{password})}),
		servertest.JSON(map[string]any{"query": logsIn, "variables": map[string]any{"in": password}}),
		servertest.JSON(map[string]any{"query": logsIn, "variables": in("email", password, "password", password),
			"operationName": password}),
	} {
		i.send(servertest.Request{Body: body})
		i.send(servertest.Request{Body: body, Token: changed[0]})
		i.send(servertest.Request{Path: "/graphql?password=" + url.QueryEscape(password), Body: body,
			Header: []string{"Content-Type", "text/plain"}})
	}
	i.get("/graphql?query=" + url.QueryEscape(`mutation { login(input: {email: "ann@example.com", password: "`+password+
		`"}) { accessToken } }`))
	i.get("/graphql?query={me{id}}&access_token=" + changed[0])
	i.get("/" + changed[1])
	i.get("/revocations?token=" + i.secrets["the feed's token"])
}

// presentWrongCredentials sends credentials that are none.
func (i *intruder) presentWrongCredentials(key *servertest.SigningKey, made, changed []string) {
	c, password := i.secrets, i.secrets["ann's next password"]
	for _, how := range []string{"forged", "expired", "stale"} {
		token := key.MustRemake(i.t, changed[0], how)
		c["a token, "+how] = token
		i.ask(token, "{ me { id } users { totalCount } }", nil)
	}
	for _, headers := range [][]string{
		{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(ann+":"+password))},
		{"Authorization", "Bearer " + password},
		{"Authorization", changed[0]},
		{"Authorization", "Bearer " + changed[0] + "x"},
		{"Authorization", "Bearer " + changed[0], "Authorization", "Bearer " + made[0]},
		{"Authorization", "Bearer " + changed[1]},
		{"Authorization", "Bearer " + c["the feed's token"]},
		{"Cookie", "gatehouse_refresh=" + changed[1]},
		{"X-Api-Key", password, "Traceparent", password},
	} {
		i.ask("", "query Headers { me { id } }", nil, headers...)
	}
}

// runCommands runs commands with secrets in what they are given, and returns what they printed.
func (i *intruder) runCommands(environment []string) (printed string) {
	t, c, password := i.t, i.secrets, i.secrets["ann's next password"]
	shell := func(stdin string, more []string, args ...string) {
		t.Helper()
		o := servertest.Command(t, append(environment, more...), stdin, args...)
		printed += map[int]string{cli.ExitUsage: "bad usage: "}[o.Code] + o.Stdout + o.Stderr
	}
	shell(c["root's password"]+"\n", nil, "admin", "create", "root@example.com")
	shell(c["a wrong password"], nil, "admin", "create", c["a wrong password"])
	shell("", nil, "admin", "create", "root@example.com", c["root's password"])
	for _, verb := range []string{"promote", "reset"} {
		shell(c["root's password"]+"\n", nil, "admin", verb, "root@example.com")
		shell(c["a wrong password"], nil, "admin", verb, c["a wrong password"])
		shell("", nil, "admin", verb, "root@example.com", c["root's password"])
	}
	shell("", nil, "keys", "list")
	shell("", nil, "keys", "rotate", "--algorithm", c["a wrong password"])
	shell("", []string{"GATEHOUSE_SIGNING_KEY="}, "keys", "rotate", "--revoke")
	shell("", nil, "migrate", "status")
	for _, wrong := range []string{
		"GATEHOUSE_SECRET=" + c["the secret"][:20], "GATEHOUSE_REVOCATIONS_TOKEN=" + c["the feed's token"] + ",",
		"GATEHOUSE_DATABASE_URL=mysql://u:" + password + "@h/d",
		"GATEHOUSE_DATABASE_URL=postgres://u:" + password + "@127.0.0.1:1/d?sslmode=x", "OTEL_EXPORTER_OTLP_HEADERS=" +
			c["the collector's key"], "GATEHOUSE_SECRET=another " + c["the secret"],
	} {
		o := servertest.StartAndStop(t, append(environment, wrong)...)
		printed += o.Stdout + o.Stderr
	}
	return printed
}

// administer has an administrator suspend a user, and reads the feed.
func (i *intruder) administer() {
	c := i.secrets
	root := i.must(i.ask("", logsIn, in("email", "root@example.com", "password", c["root's password"])))
	bob := i.must(i.ask("", registers, in("email", "bob@example.com", "password", c["bob's password"])))
	_, who := i.ask(bob[0], "{ me { id } }", nil)
	id := servertest.Between(i.t, who, `"id":"`, `"`)
	i.ask(root[0], `mutation { setRoles(input: {userId: "`+id+
		`", roles: [USER, ADMIN], allowUnverifiedEmail: true}) { user { id } } }`, nil)
	i.ask(root[0], `mutation { suspendUser(id: "`+id+`") { user { id sessions { id userAgent } } } }`, nil)
	i.ask("", logsIn, in("email", "bob@example.com", "password", c["bob's password"]))
	i.ask(bob[0], "{ me { id } }", nil)
	i.ask("", refreshes, in("refreshToken", bob[1]))
	i.ask(root[0], "{ users { edges { node { id email } } } }", nil)
	for _, token := range []string{c["the feed's token"], c["the feed's token"] + "x", root[0]} {
		i.listen(token)
	}
}

func (i *intruder) get(path string) {
	i.t.Helper()
	i.send(servertest.Request{Method: http.MethodGet, Path: path})
}

// listen reads the beginning of the feed.
func (i *intruder) listen(token string) {
	i.t.Helper()
	var a servertest.Answer
	for wait := time.Second; a.Body == "" && wait < servertest.HangGuard; wait *= 4 { // it does not end
		ctx, cancel := context.WithTimeout(i.t.Context(), wait)
		a = i.server.Do(servertest.Request{Method: http.MethodGet, Path: "/revocations", Token: token, Context: ctx})
		cancel()
	}
	if found := i.secrets.in(fmt.Sprint(a.Header, a.Body)); found != nil || a.Body == "" {
		i.t.Errorf("the feed, %d: %v", a.Status, found)
	}
}

// TestCanary_IsFoundInEveryForm in which it could have left.
func TestCanary_IsFoundInEveryForm(t *testing.T) {
	c := canaries{"it": `a "secret" of 30 characters, or so`}
	for _, text := range []string{
		c["it"], servertest.JSON(c["it"]), fmt.Sprintf("%q", c["it"]), url.QueryEscape(c["it"]),
		hex.EncodeToString([]byte(c["it"])), base64.URLEncoding.EncodeToString([]byte(c["it"])), c["it"][:28],
	} {
		if c.in("before "+text+" after") == nil {
			t.Errorf("not found: %s", text)
		}
	}
	if found := c.in(`a "secret"`); found != nil {
		t.Error(found)
	}
}
