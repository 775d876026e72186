package graphqlhttp

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/querylimit"
)

const (
	ping     = `{"query":"{ping}"}`
	badInput = "BAD_USER_INPUT"
	tooMuch  = "LIMIT_EXCEEDED"
	invalid  = "GRAPHQL_VALIDATION_FAILED"
)

// These have short names for the tables below.
var newPost, newGet = graphqltest.NewPost, graphqltest.NewGet

// Each request that is refused stands beside a valid one, which runs.
func TestRequest_EachRefusalHasItsStatusAndCode(t *testing.T) {
	long := strings.Repeat(" ", 64<<10-len(ping))
	deep := func(n int) string {
		return `{"query":"{ping}","variables":{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`
	}
	cases := []struct {
		name    string
		request *http.Request
		status  int
		code    any
	}{
		{"a query", newPost(ping), 200, nil},
		{
			"all members",
			newPost(`{"query":"query A($n:Int){echo(number:$n)}","operationName":"A","variables":{"n":1},"extensions":{}}`), 200,
			nil,
		},
		{"null members", newPost(`{"query":"{ping}","operationName":null,"variables":null,"extensions":null}`), 200, nil},
		{"members of others are ignored", newPost(`{"query":"{ping}","id":"x","documentId":7}`), 200, nil},
		{"surrounding space", newPost(" \n" + ping + "\n"), 200, nil},
		{"two documents", newPost(ping + ping), 400, badInput},
		{"trailing bytes", newPost(ping + "x"), 400, badInput},
		{"trailing NUL", newPost(ping + "\x00"), 400, badInput},
		{"a batch", newPost("[" + ping + "," + ping + "]"), 400, badInput},
		{"a batch within a batch", newPost("[[" + ping + "]]"), 400, badInput},
		{"a batch of one", newPost("[" + ping + "]"), 400, badInput},
		{"an empty batch", newPost("[]"), 400, badInput},
		{"null", newPost("null"), 400, badInput},
		{"a string", newPost(`"{ping}"`), 400, badInput},
		{"nothing", newPost(""), 400, badInput},
		{"cut off", newPost(`{"query":"{ping}"`), 400, badInput},
		{"no query", newPost(`{}`), 400, badInput},
		{"names are not folded", newPost(`{"Query":"{ping}"}`), 400, badInput},
		{"query twice", newPost(`{"query":"{ping}","query":"{node{id}}"}`), 400, badInput},
		{"variables twice", newPost(`{"query":"{ping}","variables":{},"variables":{}}`), 400, badInput},
		{"a variable twice", newPost(`{"query":"{ping}","variables":{"a":1,"a":2}}`), 400, badInput},
		{
			"an input's field twice", newPost(`{"query":"{ping}","variables":{"a":{"role":"USER","role":"ADMIN"}}}`), 400,
			badInput,
		},
		{"a variable in two objects", newPost(`{"query":"{ping}","variables":{"a":{"b":1},"c":{"b":2}}}`), 200, nil},
		{"query null", newPost(`{"query":null}`), 400, badInput},
		{"query a number", newPost(`{"query":1}`), 400, badInput},
		{"query empty", newPost(`{"query":""}`), 400, badInput},
		{"query blank", newPost(`{"query":" \n"}`), 400, badInput},
		{"operationName a number", newPost(`{"query":"{ping}","operationName":1}`), 400, badInput},
		{"variables a list", newPost(`{"query":"{ping}","variables":[]}`), 400, badInput},
		{"variables a string", newPost(`{"query":"{ping}","variables":"{}"}`), 400, badInput},
		{"extensions a number", newPost(`{"query":"{ping}","extensions":1}`), 400, badInput},
		{"not UTF-8", newPost("{\"query\":\"{echo(text:\\\"\xff\\\")}\"}"), 400, badInput},
		{"UTF-8", newPost(`{"query":"{echo(text:\"é\")}"}`), 200, nil},
		{"number out of range", newPost(`{"query":"{ping}","variables":{"a":1e999}}`), 400, badInput},
		{"number in range", newPost(`{"query":"{ping}","variables":{"a":1e99}}`), 200, nil},
		{"body at the limit", newPost(ping + long), 200, nil},
		{"body above the limit", newPost(ping + long + " "), 413, tooMuch},
		{"body at the limit in chunks", chunked(newPost(ping + long)), 200, nil},
		{"body above the limit in chunks", chunked(newPost(ping + long + " ")), 413, tooMuch},
		{"body of 1 MiB", newPost(`{"query":"` + strings.Repeat("a", 1<<20) + `"}`), 413, tooMuch},
		{"variables at the limit", newPost(deep(querylimit.MaxNesting)), 200, nil},
		{"variables too deep", newPost(deep(querylimit.MaxNesting + 1)), 400, tooMuch},
		{"variables far too deep", newPost(deep(9000)), 400, tooMuch},
		{"variables deeper than encoding/json goes", newPost(deep(10_001)), 400, badInput},

		{"text/plain", newPost(ping, "Content-Type", "text/plain"), 415, badInput},
		{"a form", newPost("query={ping}", "Content-Type", "application/x-www-form-urlencoded"), 415, badInput},
		{"multipart", newPost(ping, "Content-Type", "multipart/form-data; boundary=x"), 415, badInput},
		{"no type", newPost(ping, "Content-Type", ""), 415, badInput},
		{"a near type", newPost(ping, "Content-Type", "application/json-patch"), 415, badInput},
		{"a hidden type", newPost(ping, "Content-Type", "text/plain;application/json"), 415, badInput},
		{"charset utf-8", newPost(ping, "Content-Type", "application/json; charset=UTF-8"), 200, nil},
		{"charset utf-16", newPost(ping, "Content-Type", "application/json; charset=utf-16"), 415, badInput},
		{"charset utf-7", newPost(ping, "Content-Type", "application/json; charset=utf-7"), 415, badInput},
		{"charset twice", newPost(ping, "Content-Type", "application/json; charset=utf-8; charset=utf-16"), 415, badInput},
		{"gzip", newPost(ping, "Content-Encoding", "gzip"), 415, badInput},
		{"a NUL", newPost(`{"query":"\u0000"}`), 400, "GRAPHQL_PARSE_FAILED"},
		{"identity", newPost(ping, "Content-Encoding", "identity"), 200, nil},

		{"a GET query", newGet(url.Values{"query": {"{ping}"}}), 200, nil},
		{
			"a GET query with all",
			newGet(url.Values{"query": {"query A($n:Int){echo(number:$n)}"}, "operationName": {"A"}, "variables": {`{"n":1}`},
				"extensions": {"{}"}}),
			200, nil,
		},
		{ // there is nothing in it that a cookie opens
			"a GET query with another Content-Type", newGet(url.Values{"query": {"{ping}"}}, "Content-Type", "text/plain"), 200,
			nil,
		},
		{"GET without a query", newGet(url.Values{}), 400, badInput},
		{"GET with two queries", newGet(url.Values{"query": {"{ping}", "{ping}"}}), 400, badInput},
		{"GET with a list of variables", newGet(url.Values{"query": {"{ping}"}, "variables": {"[]"}}), 400, badInput},
		{"GET with broken variables", newGet(url.Values{"query": {"{ping}"}, "variables": {"{"}}), 400, badInput},
		{
			"GET with deep variables",
			newGet(url.Values{"query": {"{ping}"},
				"variables": {`{"a":` + strings.Repeat("[", 17) + strings.Repeat("]", 17) + "}"}}),
			400, tooMuch,
		},
		{"GET that is long", newGet(url.Values{"query": {"{ping}"}, "x": {strings.Repeat("x", 64<<10)}}), 414, tooMuch},
		{"GET with a bad escape", httptest.NewRequest("GET", "/graphql?query={ping}&x=%zz", nil), 400, badInput},
		{"GET mutation", newGet(url.Values{"query": {"mutation{go{id}}"}}), 405, badInput},
		{"POST mutation", newPost(graphqltest.Body("mutation{go{id}}")), 200, nil},

		{"POST subscription", newPost(graphqltest.Body("subscription{tick}")), 400, badInput},

		{"Upgrade: h2c", newPost(ping, "Upgrade", "h2c", "Connection", "Upgrade, HTTP2-Settings"), 200, nil},
		{"Upgrade: foo", newPost(ping, "Upgrade", "foo"), 200, nil},
		{"not acceptable", newPost(ping, "Accept", "text/html"), 406, badInput},
		{"unknown operation", newPost(`{"query":"query A{ping}","operationName":"B"}`), 400, invalid},
		{"which operation", newPost(`{"query":"query A{ping} query B{ping}"}`), 400, invalid},
		{"only comments", newPost(`{"query":"# nothing"}`), 400, invalid},
		{"does not parse", newPost(`{"query":"{"}`), 400, "GRAPHQL_PARSE_FAILED"},
		{"does not fit", newPost(`{"query":"{pong}"}`), 400, invalid},
		{"variable is missing", newPost(graphqltest.Body("query($n:Int!){echo(number:$n)}")), 400, invalid},
		{"@defer", newPost(graphqltest.Body("{...@defer{ping}}")), 400, invalid},
	}
	h := toy(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := graphqltest.Send(t, h, c.request)
			if got.StatusCode != c.status || got.Code() != c.code {
				t.Errorf("%d %v, want %d %v\n%.300s", got.StatusCode, got.Code(), c.status, c.code, got.Text)
			}
			if ran := got.Data != nil; ran != (c.status == 200) {
				t.Errorf("a data entry: %v\n%.300s", ran, got.Text)
			}
		})
	}
}

func chunked(r *http.Request) *http.Request {
	r.ContentLength = -1
	return r
}

func TestRequest_OtherMethodsThanPostAndGetAreRefused(t *testing.T) {
	h := toy(t)
	for _, method := range []string{"HEAD", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "OPTIONS", "QUERY"} {
		r := newPost(ping, "X-HTTP-Method-Override", "POST")
		r.Method = method
		if got := graphqltest.Send(t, h, r); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, POST" {
			t.Errorf("%s: %d, Allow %q", method, got.StatusCode, got.Header.Get("Allow"))
		}
	}
	got := graphqltest.Send(t, h, newGet(url.Values{"query": {"mutation{go{id}}"}}))
	if got.Header.Get("Allow") != "POST" {
		t.Errorf("a mutation by GET: Allow %q", got.Header.Get("Allow"))
	}
}

// A body whose length is declared is refused before it is read, so that a client that waits for 100 Continue keeps it.
func TestRequest_BodyDeclaredTooLongIsNotRead(t *testing.T) {
	body := &counting{}
	r := newPost("")
	r.Body, r.ContentLength = http.NoBody, 1<<30
	r.Body = body
	if got := graphqltest.Send(t, toy(t), r); got.StatusCode != 413 || body.reads != 0 {
		t.Errorf("%d after %d reads", got.StatusCode, body.reads)
	}
	body = &counting{}
	r = newPost("")
	r.Body, r.ContentLength = body, -1 // chunked without end
	if got := graphqltest.Send(t, toy(t), r); got.StatusCode != 413 || body.bytes > 80<<10 {
		t.Errorf("%d after %d bytes", got.StatusCode, body.bytes)
	}
}

// counting is a body without end.
type counting struct{ reads, bytes int }

func (c *counting) Read(p []byte) (int, error) {
	c.reads, c.bytes = c.reads+1, c.bytes+len(p)
	return copy(p, bytes.Repeat([]byte("a"), len(p))), nil
}

func (c *counting) Close() error { return nil }

func TestNegotiate_ChoosesTheMediaType(t *testing.T) {
	const both = "application/graphql-response+json, application/json;q=0.9"
	for accept, want := range map[string]string{
		"":                                  typeJSON,
		"*/*":                               typeJSON,
		"application/*":                     typeJSON,
		typeJSON:                            typeJSON,
		typeGraphQL:                         typeGraphQL,
		"APPLICATION/GRAPHQL-RESPONSE+JSON": typeGraphQL,
		both:                                typeGraphQL,
		"application/json, application/graphql-response+json":           typeGraphQL,
		"application/json;q=0.9, application/graphql-response+json;q=1": typeGraphQL,
		"application/json, application/graphql-response+json;q=0.5":     typeJSON,
		"application/graphql-response+json, */*;q=0.1":                  typeGraphQL,
		"application/json, */*":                                         typeJSON,
		"application/json;q=0, */*":                                     typeGraphQL,
		"application/graphql-response+json;q=0, */*":                    typeJSON,
		"text/html, */*;q=0.1":                                          typeJSON,
		"application/graphql-response+json; charset=utf-8":              typeGraphQL,
		"junk;;;, application/graphql-response+json":                    typeGraphQL,
		"application/json;q=7, application/graphql-response+json;q=0.1": typeGraphQL,
		"text/html":              "",
		"application/json;q=0":   "",
		"*/*;q=0":                "",
		"application/json;q=bad": "",
		"junk;;;":                "",
	} {
		if got := negotiate([]string{accept}); got != want {
			t.Errorf("Accept: %s: %q, want %q", accept, got, want)
		}
	}
	if got := negotiate(nil); got != typeJSON {
		t.Errorf("no Accept: %q", got)
	}
	if got := negotiate([]string{"text/html", typeGraphQL}); got != typeGraphQL {
		t.Errorf("two headers: %q", got)
	}
}

func TestStatus_DependsOnTheMediaType(t *testing.T) {
	h := toy(t)
	for _, document := range []string{"{", "{pong}", "query($n:Int!){echo(number:$n)}", "query A{ping} query B{ping}",
		"{" + strings.Repeat("ping ", 300) + "}"} {
		for accept, status := range map[string]int{typeJSON: 200, typeGraphQL: 400} {
			got := graphqltest.Post(t, h, graphqltest.Body(document), "Accept", accept)
			if got.StatusCode != status || got.Header.Get("Content-Type") != accept+"; charset=utf-8" ||
				strings.Contains(got.Text, `"data"`) {
				t.Errorf("%.30s as %s: %d %s %s", document, accept, got.StatusCode, got.Header.Get("Content-Type"), got.Text)
			}
			if got.Header.Get("Content-Length") != strconv.Itoa(len(got.Text)) {
				t.Errorf("Content-Length %s of %d bytes", got.Header.Get("Content-Length"), len(got.Text))
			}
		}
	}
}

func TestTimeout_OperationIsUnavailable(t *testing.T) {
	late := graphqltest.OperationFunc(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		<-ctx.Done()
		return next(ctx)
	})
	h := toy(t, func(c *Config) { c.Timeout = time.Millisecond; c.Extensions = append(c.Extensions, late) })
	got := graphqltest.Query(t, h, "{ping}")
	if got.StatusCode != 503 || got.Code() != "UNAVAILABLE" || got.Header.Get("Retry-After") != "1" {
		t.Errorf("%d %s, Retry-After %q", got.StatusCode, got.Text, got.Header.Get("Retry-After"))
	}
	h = toy(t, func(c *Config) { c.Extensions = append(c.Extensions, late) })
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the client is gone
	if got := graphqltest.Send(t, h, newPost(ping).WithContext(ctx)); got.StatusCode != 503 {
		t.Errorf("%d %s", got.StatusCode, got.Text)
	}
}

// FuzzRequestBody holds that no body makes the server panic.
func FuzzRequestBody(f *testing.F) {
	for _, document := range []string{
		"{ping}", "query A($n:Int=1){echo(number:$n,in:{list:[{i:1}]})}", "{...F} fragment F on Query{ping ...F}",
		"mutation{go(in:null){id @skip(if:true)}}", `{__type(name:"Node"){fields{name}}}`, `{echo(text:"""a""" role:USER)}`,
	} {
		f.Add(graphqltest.Body(document, map[string]any{"n": 1}))
	}
	open, closed := toy(f, readable), toy(f)
	f.Fuzz(func(t *testing.T, body string) {
		for _, h := range []http.Handler{open, closed} {
			if got := graphqltest.Post(t, h, body); got.StatusCode == 500 {
				t.Errorf("%q: %s", body, got.Text)
			}
		}
	})
}
