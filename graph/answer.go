package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/requestid"
)

// maxErrors bounds the errors of one answer; the last one then says how many more there were.
const maxErrors = 50

// maxAnswer bounds the data of one answer. At the default limits only rows of the longest values, in several lists,
// come near it.
const maxAnswer = 1 << 20

// answer writes the result of a GraphQL request. application/json says 200 whatever it is, as clients expect that
// cannot tell our error from a proxy's; application/graphql-response+json says the status of the foremost error when
// there is nothing to read but errors.
func (t *transport) answer(ctx context.Context, w http.ResponseWriter, mediaType string, response *graphql.Response) {
	if response == nil {
		response = t.nothing(ctx)
	}
	if len(response.Data) > maxAnswer {
		response = &graphql.Response{Data: json.RawMessage("null"), Errors: gqlerror.List{exceeded("fields",
			"the operation ran, but its answer would be longer than %d bytes, which is the limit: ask for less at once", maxAnswer)}}
	}
	errs := make(gqlerror.List, len(response.Errors)) // the response's own may be shared
	for i, e := range response.Errors {
		errs[i] = t.complete(ctx, e)
	}
	status := http.StatusOK
	if len(response.Data) == 0 || string(response.Data) == "null" {
		e, wanted := foremost(errs)
		advise(w.Header(), e)
		if wanted == http.StatusOK && len(response.Data) == 0 {
			wanted = http.StatusBadRequest // without a data entry, 200 would be a lie
		}
		if mediaType == typeGraphQL {
			status = wanted
		}
	}
	write(ctx, w, mediaType, status, capped(errs), response)
}

// nothing answers when gqlgen returns no response: the time was up, or the client is gone.
func (t *transport) nothing(ctx context.Context) *graphql.Response {
	cause := ctx.Err()
	if cause == nil {
		cause = errNoResponse
	}
	return &graphql.Response{Errors: gqlerror.List{t.presenter.Present(ctx, cause)}}
}

// complete gives an error that did not pass the presenter what every error has: a code, and with INTERNAL the
// requestId.
func (t *transport) complete(ctx context.Context, e *gqlerror.Error) *gqlerror.Error {
	switch codeOf(e) {
	case "":
		return t.presenter.Present(ctx, e)
	case problem.Internal:
		return with(e, "requestId", requestid.From(ctx))
	}
	return e
}

// with returns a copy of an error with one more extension: an error may be shared between requests.
func with(e *gqlerror.Error, name string, value any) *gqlerror.Error {
	c := *e
	c.Extensions = maps.Clone(e.Extensions)
	c.Extensions[name] = value
	return &c
}

func capped(errs gqlerror.List) gqlerror.List {
	more := len(errs) - maxErrors
	if more <= 0 {
		return errs
	}
	errs = errs[:maxErrors:maxErrors]
	errs[maxErrors-1] = with(errs[maxErrors-1], "truncated", more)
	return errs
}

// refuseRequest writes the answer to what is not a GraphQL request, with its status whatever the media type.
func refuseRequest(ctx context.Context, w http.ResponseWriter, mediaType string, r *refusal) {
	if r.header[0] != "" {
		w.Header().Set(r.header[0], r.header[1])
	}
	if mediaType == "" {
		mediaType = typeJSON
	}
	write(ctx, w, mediaType, r.status, gqlerror.List{r.err}, &graphql.Response{})
}

// write sends errors and the rest of a response. The data, which gqlgen has encoded, is not encoded again; without data
// there is no entry.
func write(ctx context.Context, w http.ResponseWriter, mediaType string, status int, errs gqlerror.List, response *graphql.Response) {
	if q := requestInfoFrom(ctx); q != nil {
		q.answered(status, errs)
	}
	var b bytes.Buffer
	b.Grow(len(response.Data) + 256)
	b.WriteByte('{')
	entry := func(name string, value []byte) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + name + `":`)
		b.Write(value)
	}
	if len(errs) > 0 {
		entry("errors", encode(errs))
	}
	if len(response.Data) > 0 {
		entry("data", response.Data)
	}
	if len(response.Extensions) > 0 {
		entry("extensions", encode(response.Extensions))
	}
	b.WriteByte('}')
	w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may be gone
}

// encode panics when an extension cannot be encoded; the transport turns that into an internal error.
func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
