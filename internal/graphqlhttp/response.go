package graphqlhttp

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/requestid"
)

// maxErrors bounds the errors of one response; the last one then says how many more there were.
const maxErrors = 50

// maxData bounds the data of one response in bytes. At the default limits only rows of the longest values, in several
// lists, come near it.
const maxData = 1 << 20

var errNoResponse = errors.New("the schema returned no response")

// respond writes the response of a GraphQL request. With application/json the status is always 200, which clients
// expect that cannot tell our error from a proxy's. With application/graphql-response+json it is the status of the
// primary error when the response has no data, except after a mutation that was done: 401 or 503 would have the client
// send it again.
func (t *transport) respond(ctx context.Context, out responder, response *graphql.Response) {
	if response == nil {
		response = t.noResponse(ctx)
	}
	if len(response.Data) > maxData {
		e := querylimit.Exceeded("fields", "the operation ran, but its answer would be longer than %d bytes, "+
			"which is the limit: ask for less at once", maxData)
		response = &graphql.Response{Data: json.RawMessage("null"), Errors: gqlerror.List{e}}
	}
	if mutated(ctx) && len(response.Data) == 0 {
		response.Data = json.RawMessage("null")
	}
	errs := make(gqlerror.List, len(response.Errors)) // the response's own may be shared
	for i, e := range response.Errors {
		errs[i] = t.ensureCode(ctx, e)
	}
	status := http.StatusOK
	if len(response.Data) == 0 || string(response.Data) == "null" && !mutated(ctx) {
		e, errorStatus := primaryError(errs)
		setAuthHeaders(out.Header(), e, errs)
		if errorStatus == http.StatusOK && len(response.Data) == 0 {
			errorStatus = http.StatusBadRequest // without a data entry, 200 would be a lie
		}
		if out.mediaType == typeGraphQL {
			status = errorStatus
		}
	}
	out.write(ctx, status, &graphql.Response{
		Errors: capErrors(errs), Data: response.Data, Extensions: response.Extensions,
	})
}

// mutated reports whether a mutation of the operation was done.
func mutated(ctx context.Context) bool {
	info := requestInfoFrom(ctx)
	return info != nil && info.mutated.Load()
}

// noResponse answers when gqlgen returns no response: the time is over, or the client is gone.
func (t *transport) noResponse(ctx context.Context) *graphql.Response {
	cause := ctx.Err()
	if cause == nil {
		cause = errNoResponse
	}
	return &graphql.Response{Errors: gqlerror.List{t.PresentError(ctx, cause)}}
}

// ensureCode gives an error that did not pass the presenter what every error has: a code, and with INTERNAL the
// requestId.
func (t *transport) ensureCode(ctx context.Context, e *gqlerror.Error) *gqlerror.Error {
	switch CodeOf(e) {
	case "":
		return t.PresentError(ctx, e)
	case problem.Internal:
		return withExtension(e, "requestId", requestid.From(ctx))
	}
	return e
}

// withExtension returns a copy of an error with one more extension: an error may be shared between requests.
func withExtension(e *gqlerror.Error, name string, value any) *gqlerror.Error {
	c := *e
	c.Extensions = maps.Clone(e.Extensions)
	c.Extensions[name] = value
	return &c
}

func capErrors(errs gqlerror.List) gqlerror.List {
	more := len(errs) - maxErrors
	if more <= 0 {
		return errs
	}
	errs = errs[:maxErrors:maxErrors]
	errs[maxErrors-1] = withExtension(errs[maxErrors-1], "truncated", more)
	return errs
}

// responder writes the answer to one request, in the media type that was negotiated; "" when none is acceptable.
type responder struct {
	http.ResponseWriter
	mediaType string
}

// refuse writes the answer to what is not a GraphQL request, with its status for every media type.
func (out responder) refuse(ctx context.Context, e *RequestError) {
	if e.Header[0] != "" {
		out.Header().Set(e.Header[0], e.Header[1])
	}
	if out.mediaType == "" {
		out.mediaType = typeJSON
	}
	out.write(ctx, e.Status, &graphql.Response{Errors: gqlerror.List{e.Err}})
}

// write sends a response. Its data, which gqlgen has encoded, is not encoded again; without data there is no entry.
func (out responder) write(ctx context.Context, status int, response *graphql.Response) {
	if info := requestInfoFrom(ctx); info != nil {
		info.status, info.errs = status, response.Errors
	}
	before, after := dataBefore, dataAfter
	if len(response.Data) == 0 || len(response.Errors)+len(response.Extensions) > 0 {
		before, after = around(response)
	}
	out.Header()["Content-Type"] = contentTypes[out.mediaType]
	out.Header().Set("Content-Length", strconv.Itoa(len(before)+len(response.Data)+len(after)))
	out.WriteHeader(status)
	for _, part := range [][]byte{before, response.Data, after} {
		_, _ = out.Write(part) // the client may be gone
	}
}

var (
	contentTypes = map[string][]string{
		typeJSON: {typeJSON + "; charset=utf-8"}, typeGraphQL: {typeGraphQL + "; charset=utf-8"},
	}

	// What stands around the data of most responses.
	dataBefore, dataAfter = []byte(`{"data":`), []byte("}")
)

// around returns what a response has before and after its data.
func around(response *graphql.Response) (before, after []byte) {
	text := []byte("{")
	entry := func(name string) {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(text, `"`+name+`":`...)
	}
	if len(response.Errors) > 0 {
		entry("errors")
		text = append(text, encode(response.Errors)...)
	}
	if len(response.Data) > 0 {
		entry("data")
	}
	end := len(text)
	if len(response.Extensions) > 0 {
		entry("extensions")
		text = append(text, encode(response.Extensions)...)
	}
	text = append(text, '}')
	return text[:end], text[end:]
}

// encode panics when an extension cannot be encoded; the transport turns that into an internal error.
func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
