package graphqlhttp

import (
	"bytes"
	"context"
	"fmt"
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
	"github.com/gatehouse/gatehouse/internal/testenv"
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
	query := url.Values{"query": {"{ping}"}}
	h := toy(t)
	for _, c := range []struct {
		status   int
		code     any
		requests []*http.Request
	}{
		{200, nil, []*http.Request{
			newPost(ping), newPost(" \n" + ping + "\n"), newPost(graphqltest.Body("mutation{go{id}}")), newGet(query),
			newPost(`{"query":"query A($n:Int){echo(number:$n)}","operationName":"A","variables":{"n":1},"extensions":{}}`),
			newPost(`{"query":"{ping}","operationName":null,"variables":null,"extensions":null}`),
			newPost(`{"query":"{ping}","id":"x","documentId":7}`), // members of others are ignored
			newPost(`{"query":"{ping}","variables":{"a":{"b":1},"c":{"b":2}}}`),
			newPost(`{"query":"{echo(text:\"é\")}"}`), newPost(`{"query":"{ping}","variables":{"a":1e99}}`),
			newPost(ping + long), chunked(newPost(ping + long)), newPost(deep(querylimit.MaxNesting)),
			newPost(ping, "Content-Type", "application/json; charset=UTF-8"),
			newPost(ping, "Content-Encoding", "identity"),
			newGet(url.Values{"query": {"query A($n:Int){echo(number:$n)}"}, "operationName": {"A"},
				"variables": {`{"n":1}`}, "extensions": {"{}"}}),
			newGet(query, "Content-Type", "text/plain"), // there is nothing in it that a cookie opens
			newPost(ping, "Upgrade", "h2c", "Connection", "Upgrade, HTTP2-Settings"), newPost(ping, "Upgrade", "foo"),
		}},
		{400, badInput, []*http.Request{
			newPost(ping + ping), newPost(ping + "x"), newPost(ping + "\x00"), newPost(`{"query":"{ping}"`),
			newPost("[" + ping + "," + ping + "]"), newPost("[[" + ping + "]]"), newPost("[" + ping + "]"), newPost("[]"),
			newPost("null"), newPost(`"{ping}"`), newPost(""), newPost(`{}`), newPost(`{"Query":"{ping}"}`),
			newPost(`{"query":"{ping}","query":"{node{id}}"}`), newPost(`{"query":"{ping}","variables":{},"variables":{}}`),
			newPost(`{"query":"{ping}","variables":{"a":1,"a":2}}`),
			newPost(`{"query":"{ping}","variables":{"a":{"role":"USER","role":"ADMIN"}}}`),
			newPost(`{"query":null}`), newPost(`{"query":1}`), newPost(`{"query":""}`), newPost(`{"query":" \n"}`),
			newPost(`{"query":"{ping}","operationName":1}`), newPost(`{"query":"{ping}","variables":[]}`),
			newPost(`{"query":"{ping}","variables":"{}"}`), newPost(`{"query":"{ping}","extensions":1}`),
			newPost("{\"query\":\"{echo(text:\\\"\xff\\\")}\"}"), newPost(`{"query":"{ping}","variables":{"a":1e999}}`),
			newPost(deep(10_001)), // deeper than encoding/json goes
			newPost(graphqltest.Body("subscription{tick}")),
			newGet(url.Values{}), newGet(url.Values{"query": {"{ping}", "{ping}"}}),
			newGet(url.Values{"query": {"{ping}"}, "variables": {"[]"}}),
			newGet(url.Values{"query": {"{ping}"}, "variables": {"{"}}),
			httptest.NewRequest("GET", "/graphql?query={ping}&x=%zz", nil),
		}},
		{400, tooMuch, []*http.Request{
			newPost(deep(querylimit.MaxNesting + 1)), newPost(deep(9000)),
			newGet(url.Values{"query": {"{ping}"}, "variables": {`{"a":` + strings.Repeat("[", 17) + strings.Repeat("]", 17) + "}"}}),
		}},
		{400, invalid, []*http.Request{
			newPost(`{"query":"query A{ping}","operationName":"B"}`), newPost(`{"query":"query A{ping} query B{ping}"}`),
			newPost(`{"query":"# nothing"}`), newPost(`{"query":"{pong}"}`),
			newPost(graphqltest.Body("query($n:Int!){echo(number:$n)}")), newPost(graphqltest.Body("{...@defer{ping}}")),
		}},
		{400, "GRAPHQL_PARSE_FAILED", []*http.Request{newPost(`{"query":"{"}`), newPost(`{"query":"\u0000"}`)}},
		{405, badInput, []*http.Request{newGet(url.Values{"query": {"mutation{go{id}}"}})}},
		{406, badInput, []*http.Request{newPost(ping, "Accept", "text/html")}},
		{413, tooMuch, []*http.Request{
			newPost(ping + long + " "), chunked(newPost(ping + long + " ")),
			newPost(`{"query":"` + strings.Repeat("a", 1<<20) + `"}`),
		}},
		{414, tooMuch, []*http.Request{newGet(url.Values{"query": {"{ping}"}, "x": {strings.Repeat("x", 64<<10)}})}},
		{415, badInput, []*http.Request{
			newPost("query={ping}", "Content-Type", "application/x-www-form-urlencoded"),
			newPost(ping, "Content-Type", "multipart/form-data; boundary=x"), newPost(ping, "Content-Type", ""),
			newPost(ping, "Content-Type", "text/plain"), newPost(ping, "Content-Type", "application/json-patch"),
			newPost(ping, "Content-Type", "text/plain;application/json"),
			newPost(ping, "Content-Type", "application/json; charset=utf-16"),
			newPost(ping, "Content-Type", "application/json; charset=utf-7"),
			newPost(ping, "Content-Type", "application/json; charset=utf-8; charset=utf-16"),
			newPost(ping, "Content-Encoding", "gzip"),
		}},
	} {
		for i, r := range c.requests {
			t.Run(fmt.Sprintf("%d %v/%d", c.status, c.code, i), func(t *testing.T) {
				got := graphqltest.Send(t, h, r)
				if got.StatusCode != c.status || got.Code() != c.code {
					t.Errorf("%v: %d %v, want %d %v\n%.300s", r.Header, got.StatusCode, got.Code(), c.status, c.code, got.Text)
				}
				testenv.Equal(t, c.status == 200, got.Data != nil, "a data entry: %.300s", got.Text)
			})
		}
	}
}

func chunked(r *http.Request) *http.Request {
	r.ContentLength = -1
	return r
}

func TestRequest_OtherMethodsThanPostAndGetAreRefused(t *testing.T) {
	h := toy(t)
	for _, method := range []string{"PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "OPTIONS", "QUERY"} {
		r := newPost(ping, "X-HTTP-Method-Override", "POST")
		r.Method = method
		if got := graphqltest.Send(t, h, r); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD, POST" {
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
		"application/json, application/graphql-response+json":              typeGraphQL,
		"application/json;q=0.9, application/graphql-response+json;q=1":    typeGraphQL,
		"application/json, application/graphql-response+json;q=0.5":        typeJSON,
		"application/graphql-response+json, */*;q=0.1":                     typeGraphQL,
		"application/json, */*":                                            typeJSON,
		"application/json;q=0, */*":                                        typeGraphQL,
		"application/graphql-response+json;q=0, */*":                       typeJSON,
		"text/html, */*;q=0.1":                                             typeJSON,
		"application/graphql-response+json; charset=utf-8":                 typeGraphQL,
		"junk;;;, application/graphql-response+json":                       typeGraphQL,
		"application/json;q=7, application/graphql-response+json;q=0.1":    typeGraphQL,
		`text/html;a="x,y";q=1, application/graphql-response+json`:         typeGraphQL,
		`text/html;a="x, application/json", application/json;q=0`:          "",
		`text/html;a="\", application/json"`:                               "",
		`application/graphql-response+json;a="\\", application/json;q=0.1`: typeGraphQL,
		`text/html;a="open, application/json`:                              "",
		"text/html":                                                        "",
		"application/json;q=0":                                             "",
		"*/*;q=0":                                                          "",
		"application/json;q=bad":                                           "",
		"junk;;;":                                                          "",
	} {
		testenv.Equal(t, want, negotiate([]string{accept}), "Accept: %s", accept)
	}
	testenv.Equal(t, typeJSON, negotiate(nil), "no Accept")
	testenv.Equal(t, typeGraphQL, negotiate([]string{"text/html", typeGraphQL}), "two headers")
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
	h := toy(t, func(c *Config) { c.Extensions = append(c.Extensions, late) })
	got := graphqltest.Query(t, Begin(time.Millisecond, h), "{ping}")
	if got.StatusCode != 503 || got.Code() != "UNAVAILABLE" || got.Header.Get("Retry-After") != "1" {
		t.Errorf("%d %s, Retry-After %q", got.StatusCode, got.Text, got.Header.Get("Retry-After"))
	}
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
