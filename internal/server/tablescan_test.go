package server_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/server"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const (
	manyUsers = 40_000 // each with a session
	tooMany   = manyUsers / 2
	secretPW  = "correct horse battery"

	recorderSecret = "one secret of a test, one secret of a test"
)

// TestRootFields_ReadNoTableInWhole asks every root field, with every value of every filter, alone and with each search,
// of a database with many users, and has the database explain each statement that is sent.
func TestRootFields_ReadNoTableInWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		r := newRecorder(t, url, manyUsers)
		schema := graph.LoadSchema()
		for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
			for _, f := range root.Fields {
				if strings.HasPrefix(f.Name, "__") {
					continue
				}
				for _, arguments := range r.variants(schema, f) {
					for _, found := range r.ask(strings.ToLower(root.Name), f.Name+arguments+selection(schema, f.Type, 3)) {
						t.Errorf("%s%s: %s", f.Name, arguments, found)
					}
				}
			}
		}
		r.exec("DROP INDEX users_administrators; DROP INDEX users_suspended") // the control
		r.exec("DROP INDEX users_created; DROP INDEX users_verified")
		r.exec("DROP INDEX auditevent_user_id_id; DROP INDEX auditevent_kind_id; DROP INDEX auditevent_actor_id_id")
		controls := []string{"users(filter: {role: ADMIN})", "users(filter: {status: SUSPENDED})",
			"users(filter: {emailVerified: true})", "users(orderBy: {direction: DESC})"}
		if r.db.Shared() {
			r.exec("DROP INDEX users_email_key; CREATE UNIQUE INDEX users_email_key ON users (email)")
			controls = append(controls, `users(search: "nobody")`, "users(orderBy: {field: EMAIL})", `auditLog(filter: {userId: "USERID"})`,
				`auditLog(filter: {actorId: "USERID"})`, `auditLog(filter: {kind: "x"})`)
		}
		for _, field := range controls {
			if len(r.ask("query", field+" { edges { cursor } }")) == 0 {
				t.Errorf("%s: nothing is found without the indexes for it", field)
			}
		}
	})
}

// recorder is a server whose statements are explained.
type recorder struct {
	t      *testing.T
	server *server.Server
	db     *database.Database
	raw    *sql.DB
	driver *recordingDriver
	users  int // that registered

	explained int // statements
}

func newRecorder(t *testing.T, url string, users int) *recorder {
	t.Helper()
	r := &recorder{t: t, driver: &recordingDriver{}}
	log := slog.New(slog.DiscardHandler)
	c, err := server.ReadConfig([]string{"GATEHOUSE_DATABASE_URL=" + url, "GATEHOUSE_ARGON2=m=64,t=1,p=1",
		"GATEHOUSE_THROTTLE=off", "GATEHOUSE_SECRET=" + recorderSecret})
	testenv.Check(t, err)
	r.db, err = database.Open(t.Context(), database.Config{URL: url, Log: log, Drivers: []database.Decorator{r.driver.decorate}})
	testenv.Check(t, err)
	t.Cleanup(func() { r.db.Close() })
	_, err = r.db.Migrate(t.Context())
	testenv.Check(t, err)
	r.raw = servertest.OpenDB(t, url)
	r.server, err = server.New(t.Context(), c, r.db, server.Options{Log: log, Address: "http://127.0.0.1"})
	testenv.Check(t, err)
	r.addUsers(users)
	return r
}

func (r *recorder) addUsers(users int) {
	r.t.Helper()
	id, bytes, from := r.series(users)
	at := "now()"
	if !r.db.Shared() {
		at = "'2026-01-01 00:00:00+00:00'"
	}
	r.exec("INSERT INTO users (id, email, password_hash, roles, status, created_at, updated_at) SELECT " + id +
		", 'u' || n || '@example.com', 'h', '[\"USER\"]', 'ACTIVE', " + at + ", " + at + from)
	r.exec("INSERT INTO sessions (id, user_id, refresh_digest, refresh_generation, authenticated_at, created_at," +
		" last_used_at, idle_expires_at, expires_at) SELECT " + id + ", " + id + ", " + bytes + ", 1, " +
		strings.Repeat(at+", ", 4) + at + from)
	digest := "decode(lpad(to_hex(n), 8, '0'), 'hex')"
	if !r.db.Shared() {
		digest = "CAST(printf('%08x', n) AS BLOB)"
	}
	r.exec("INSERT INTO access_tokens (id, user_id, session_id, digest, name, scopes, created_at, expires_at) SELECT " +
		id + ", " + id + ", " + id + ", " + digest + ", 'a program', 'account:read', " + at + ", " + at + from)
	r.exec("INSERT INTO audit_events (id, kind, user_id, actor, actor_id, omitted) SELECT " + id + ", 'signed_in', " + id +
		", 'USER', " + id + ", 0" + from)
	// Those who are newest have addresses that nobody else's begin like.
	r.exec(fmt.Sprintf("UPDATE users SET email = 'new' || email WHERE email >= 'u%d' AND length(email) >= 18", users*7/8))
	if r.db.Shared() {
		r.exec("ANALYZE")
	}
}

// series selects so many numbers n, and makes an id and bytes of each.
func (r *recorder) series(rows int) (id, bytes, from string) {
	if r.db.Shared() {
		return "(lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid", `'\x00'::bytea`,
			fmt.Sprintf(" FROM generate_series(1, %d) n", rows)
	}
	return "printf('%08x-0000-7000-8000-000000000000', n)", "x'00'", fmt.Sprintf(
		" FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT n FROM s)", rows)
}

func (r *recorder) exec(statement string) {
	r.t.Helper()
	_, err := r.raw.Exec(statement)
	testenv.Check(r.t, err)
}

// post sends a document and returns its data.
func (r *recorder) post(token, document string) map[string]any {
	r.t.Helper()
	answer := r.send(r.t.Context(), token, document)
	var got struct{ Data map[string]any }
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || strings.Contains(answer.Body.String(), `"errors"`) {
		r.t.Errorf("%s: %s", document, answer.Body)
	}
	return got.Data
}

// send sends a document with a context.
func (r *recorder) send(ctx context.Context, token, document string) *httptest.ResponseRecorder {
	request := graphqltest.NewPost(graphqltest.Body(document)).WithContext(ctx)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	request.Host = "localhost"
	answer := httptest.NewRecorder()
	r.server.Handler.ServeHTTP(answer, request)
	return answer
}

// signIn makes an administrator, and values for arguments that name them or another user.
func (r *recorder) signIn() (token string, values map[string]string) {
	r.users++
	r.exec(`UPDATE users SET roles = '["USER"]' WHERE email LIKE 'root%' AND email <> 'root1@example.com'`)
	email := fmt.Sprintf("root%d@example.com", r.users)
	input := fmt.Sprintf("(input: {email: %q, password: %q}) ", email, secretPW)
	id := r.post("", "mutation { it: register"+input+"{ user { id } } }")["it"].(map[string]any)["user"].(map[string]any)["id"]
	r.exec(fmt.Sprintf(`UPDATE users SET roles = '["ADMIN", "USER"]' WHERE id = '%s'`, id))
	in := r.post("", "mutation { it: login"+input+"{ accessToken refreshToken user { sessions { id } } } }")["it"].(map[string]any)
	session := in["user"].(map[string]any)["sessions"].([]any)[0].(map[string]any)["id"]
	values = r.links(uuid.MustParse(id.(string)), email)
	maps.Copy(values, map[string]string{
		"SESSION": session.(string), "ADDRESS": email, "NEW": "new" + email, "REFRESH": in["refreshToken"].(string),
		"CALLERID": id.(string), "USERID": fmt.Sprintf("%08x-0000-7000-8000-000000000000", r.users),
	})
	token = in["accessToken"].(string)
	page := r.post(token, "{ it: users(first: 1) { pageInfo { endCursor } } }")["it"].(map[string]any)["pageInfo"].(map[string]any)
	values["CURSOR"] = page["endCursor"].(string)
	made := r.post(token, `mutation { it: createAccessToken(input: {name: "a program", scopes: ["account:read"], expiresAt: `+
		servertest.JSON(time.Now().Add(time.Hour).UTC().Format(time.RFC3339))+`}) { accessToken { id } } }`)
	values["ACCESSTOKEN"] = made["it"].(map[string]any)["accessToken"].(map[string]any)["id"].(string)
	return token, values
}

// prepare signs a new administrator in, and writes their values into a document.
func (r *recorder) prepare(document string) (token, asked string) {
	token, values := r.signIn()
	name := regexp.MustCompile(`\w+`).FindString(strings.TrimPrefix(strings.TrimPrefix(document, "mutation"), "{"))
	maps.Copy(values, r.addFactors(name, token, values["ADDRESS"]))
	for name, value := range values {
		document = strings.ReplaceAll(document, name, value)
	}
	return token, document
}

// ask asks a field as a new administrator, and returns what is wrong with its statements.
func (r *recorder) ask(operation, field string) (wrong []string) {
	token, field := r.prepare(field)
	r.driver.statements = nil
	r.post(token, operation+" { "+field+" }")
	if len(r.driver.statements) == 0 && !strings.HasPrefix(field, "me") && !strings.HasPrefix(field, "permissions") {
		r.t.Errorf("%s sends no statement", field)
	}
	for _, s := range r.driver.statements {
		if why := r.explain(s); why != "" {
			wrong = append(wrong, why+": "+s.text)
		}
	}
	return wrong
}

func (r *recorder) explain(s statement) (why string) {
	if strings.HasPrefix(s.text, "INSERT") {
		return ""
	}
	r.explained++ // SQLite would answer a text that it has prepared with the plan of that time
	if r.db.Shared() {
		plan := r.driver.query(r.t, "EXPLAIN (ANALYZE, FORMAT JSON) "+s.text, s.args)
		var nodes []struct{ Plan planNode }
		testenv.Check(r.t, json.Unmarshal([]byte(strings.Join(plan, "\n")), &nodes))
		if n := nodes[0].Plan.reads(); n > tooMany {
			return fmt.Sprintf("reads %v rows", n)
		}
		return ""
	}
	explain := fmt.Sprintf("EXPLAIN QUERY PLAN /* %d */ ", r.explained)
	plan := strings.Join(r.driver.query(r.t, explain+s.text, s.args), "\n")
	if !scan.MatchString(rareScan.ReplaceAllString(plan, "")) || innerLimit.MatchString(s.text) {
		return ""
	}
	// An index has the order that is asked for, so the scan ends with the page, if it is full.
	if limit := outerLimit.FindStringSubmatch(s.text); limit != nil && !strings.Contains(plan, "TEMP B-TREE") {
		n, err := strconv.Atoi(limit[1])
		testenv.Check(r.t, err)
		if len(r.driver.query(r.t, s.text, s.args)) == n {
			return ""
		}
	}
	return "scans: " + plan
}

var (
	scan = regexp.MustCompile(`SCAN (users|sessions|access_tokens|audit_events|one_time_tokens|revocations|addresses|` +
		`totp_factors|recovery_codes|t\d)`)
	rareScan   = regexp.MustCompile(`SCAN users USING (COVERING )?INDEX users_(suspended|deleted|administrators)`)
	innerLimit = regexp.MustCompile(`LIMIT \d+\) AS`)
	outerLimit = regexp.MustCompile(`LIMIT (\d+)$`)
)

// planNode is a node of Postgres's plan that was run.
type planNode struct {
	Rows    float64    `json:"Actual Rows"`
	Loops   float64    `json:"Actual Loops"`
	Removed float64    `json:"Rows Removed by Filter"`
	Plans   []planNode `json:"Plans"`
}

// reads is the most rows that a node has met.
func (n planNode) reads() float64 {
	most := (n.Rows + n.Removed) * n.Loops
	for _, below := range n.Plans {
		most = max(most, below.reads())
	}
	return most
}

// lastColumns drains rows and returns their last columns.
func lastColumns(t *testing.T, rows *entsql.Rows) (all []string) {
	defer rows.Close()
	columns, err := rows.Columns()
	testenv.Check(t, err)
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(sql.NullString)
		}
		testenv.Check(t, rows.Scan(values...))
		all = append(all, values[len(values)-1].(*sql.NullString).String)
	}
	testenv.Check(t, rows.Err())
	return all
}
