package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/strictjson"
)

// refusal is the answer to a request that is not a GraphQL request, whatever media type it asks for.
type refusal struct {
	status int
	header [2]string // one header of the answer, or none
	err    *gqlerror.Error
}

// malformed refuses a request without repeating any of it: it may hold a password.
func malformed(status int, message string) *refusal {
	return &refusal{status: status, err: refuse(problem.BadUserInput, message)}
}

func (r *refusal) with(name, value string) *refusal {
	r.header = [2]string{name, value}
	return r
}

// readRequest returns the parameters of a GraphQL request.
func readRequest(ctx context.Context, w http.ResponseWriter, r *http.Request, limits Limits) (*graphql.RawParams, *refusal) {
	members, refused := readMembers(ctx, w, r, limits)
	if refused != nil {
		return nil, refused
	}
	return members.params()
}

func readMembers(ctx context.Context, w http.ResponseWriter, r *http.Request, limits Limits) (members, *refusal) {
	if r.Method == http.MethodGet {
		return readQuery(r.URL, limits)
	}
	if refused := checkContent(r.Header); refused != nil {
		return nil, refused
	}
	body, refused := readBody(w, r, limits)
	if refused != nil {
		return nil, refused
	}
	if len(body) > longestQueries {
		if err := takeTurn(ctx); err != nil {
			return nil, &refusal{status: http.StatusServiceUnavailable, header: [2]string{"Retry-After", fmt.Sprint(err.Extensions["retryAfter"])}, err: err}
		}
	}
	// The request, variables, and what is in them.
	value, err := strictjson.Decode(body, strictjson.Limits{Depth: maxNesting + 2, Values: limits.Tokens})
	if err != nil {
		return nil, undecoded("the body", err, limits)
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, malformed(http.StatusBadRequest, "the body must be one JSON object with a query; batches are not supported")
	}
	return object, nil
}

// checkContent lets application/json in UTF-8 pass, as it is: a browser sends no such request to another site without
// asking first, and nothing needs to be unpacked that grows.
func checkContent(h http.Header) *refusal {
	mediaType, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset, named := parameters["charset"]
	switch {
	case err != nil, len(h.Values("Content-Type")) != 1, mediaType != typeJSON, named && !strings.EqualFold(charset, "utf-8"):
		return malformed(http.StatusUnsupportedMediaType, "Content-Type must be application/json, in UTF-8").with("Accept-Post", typeJSON)
	case h.Get("Content-Encoding") != "" && !strings.EqualFold(h.Get("Content-Encoding"), "identity"):
		return malformed(http.StatusUnsupportedMediaType, "the body must not be compressed").with("Accept-Encoding", "identity")
	}
	return nil
}

func readBody(w http.ResponseWriter, r *http.Request, limits Limits) ([]byte, *refusal) {
	tooLarge := &refusal{
		status: http.StatusRequestEntityTooLarge,
		err:    exceeded("body", "the body is longer than %d bytes, which is the limit", limits.Body),
	}
	if r.ContentLength > int64(limits.Body) {
		return nil, tooLarge // before a client that waits for 100 Continue sends it
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limits.Body)))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if err != nil {
		return nil, malformed(http.StatusBadRequest, "the body ended early or could not be read")
	}
	return body, nil
}

// readQuery reads the parameters of a GET request.
func readQuery(u *url.URL, limits Limits) (members, *refusal) {
	if len(u.RawQuery) > limits.Body {
		return nil, &refusal{
			status: http.StatusRequestURITooLong,
			err:    exceeded("body", "the query string is longer than %d bytes, which is the limit", limits.Body),
		}
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, malformed(http.StatusBadRequest, "the query string is not URL-encoded")
	}
	m := members{}
	for _, name := range []string{"query", "operationName", "variables", "extensions"} {
		if len(values[name]) > 1 {
			return nil, malformed(http.StatusBadRequest, name+" is given twice")
		}
		text := values.Get(name)
		switch {
		case text == "":
		case name == "query" || name == "operationName":
			m[name] = text
		default:
			m[name], err = strictjson.Decode([]byte(text), strictjson.Limits{Depth: maxNesting + 1, Values: limits.Tokens})
			if err != nil {
				return nil, undecoded(name, err, limits)
			}
		}
	}
	return m, nil
}

func undecoded(what string, err error, limits Limits) *refusal {
	switch {
	case errors.Is(err, strictjson.ErrDepth):
		return &refusal{
			status: http.StatusBadRequest,
			err:    exceeded("depth", "%s nests values more than %d deep, which is the limit", what, maxNesting),
		}
	case errors.Is(err, strictjson.ErrValues):
		return &refusal{
			status: http.StatusBadRequest,
			err:    exceeded("tokens", "%s holds more than %d values, which is the limit", what, limits.Tokens),
		}
	}
	if name, ok := errors.AsType[strictjson.DuplicateNameError](err); ok && what == "the body" && known(string(name)) {
		return malformed(http.StatusBadRequest, string(name)+" is given twice")
	}
	return malformed(http.StatusBadRequest, fmt.Sprintf("%s: %v", what, err))
}

// members are the parts of a request; others than the four of the specification are ignored, as it says.
type members map[string]any

func known(name string) bool {
	return name == "query" || name == "operationName" || name == "variables" || name == "extensions"
}

func (m members) params() (*graphql.RawParams, *refusal) {
	p := &graphql.RawParams{}
	var err error
	p.Query, err = member[string](m, "query", "a string")
	if err == nil && strings.TrimSpace(p.Query) == "" {
		err = errors.New("query is missing: it must hold a GraphQL document")
	}
	if err == nil {
		p.OperationName, err = member[string](m, "operationName", "a string")
	}
	if err == nil {
		p.Variables, err = member[map[string]any](m, "variables", "an object")
	}
	if err == nil {
		p.Extensions, err = member[map[string]any](m, "extensions", "an object")
	}
	if err != nil {
		return nil, malformed(http.StatusBadRequest, err.Error())
	}
	return p, nil
}

// member returns one part of a request; null stands for one that is absent.
func member[T any](m members, name, kind string) (T, error) {
	value, ok := m[name].(T)
	if !ok && m[name] != nil {
		return value, fmt.Errorf("%s must be %s", name, kind)
	}
	return value, nil
}
