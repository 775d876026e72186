package graphqlhttp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/strictjson"
)

// RequestError is the answer to a request that is not a GraphQL request, with its status for every media type.
type RequestError struct {
	Status int
	Header [2]string // name and value of one header of the answer; zero: none
	Err    *gqlerror.Error
}

// BadRequest returns the error BAD_USER_INPUT. The message must not repeat any of the request, which may hold a
// password.
func BadRequest(status int, message string) *RequestError {
	return &RequestError{Status: status, Err: NewError(problem.BadUserInput, message)}
}

// With sets the header of the answer and returns the error.
func (e *RequestError) With(name, value string) *RequestError {
	e.Header = [2]string{name, value}
	return e
}

// requestReader reads one request within its limits.
type requestReader struct {
	limits querylimit.Limits
	slot   *slot // acquired for a long body
}

// read returns the parameters of a GraphQL request.
func (q requestReader) read(
	ctx context.Context, w http.ResponseWriter, r *http.Request,
) (*graphql.RawParams, *RequestError) {
	var params rawParams
	var refused *RequestError
	if isRead(r.Method) {
		params, refused = q.readQuery(r.URL)
	} else {
		params, refused = q.readPost(ctx, w, r)
	}
	if refused != nil {
		return nil, refused
	}
	return params.parse()
}

func (q requestReader) readPost(
	ctx context.Context, w http.ResponseWriter, r *http.Request,
) (rawParams, *RequestError) {
	if refused := checkContent(r.Header); refused != nil {
		return nil, refused
	}
	body, refused := q.readBody(w, r)
	if refused != nil {
		return nil, refused
	}
	if len(body) > maxCachedText {
		if err := q.slot.acquire(ctx); err != nil {
			refused := &RequestError{Status: http.StatusServiceUnavailable, Err: err}
			return nil, refused.With("Retry-After", fmt.Sprint(err.Extensions["retryAfter"]))
		}
	}
	params, err := strictjson.DecodeMembers(body, q.jsonLimits(2)) // the request and its variables
	if err != nil {
		return nil, q.decodeError("the body", err)
	}
	return params, nil
}

// checkContent accepts uncompressed application/json in UTF-8 alone. A browser sends such a request to another site
// only after a preflight (CORS), and a short body cannot expand to a long one.
func checkContent(h http.Header) *RequestError {
	mediaType, parameters, err := parseMediaType(h.Get("Content-Type"))
	charset, hasCharset := parameters["charset"]
	switch {
	case err != nil, len(h.Values("Content-Type")) != 1, mediaType != typeJSON,
		hasCharset && !strings.EqualFold(charset, "utf-8"):
		return BadRequest(http.StatusUnsupportedMediaType, "Content-Type must be application/json, in UTF-8").
			With("Accept-Post", typeJSON)
	case h.Get("Content-Encoding") != "" && !strings.EqualFold(h.Get("Content-Encoding"), "identity"):
		return BadRequest(http.StatusUnsupportedMediaType, "the body must not be compressed").
			With("Accept-Encoding", "identity")
	}
	return nil
}

func (q requestReader) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *RequestError) {
	if r.ContentLength > int64(q.limits.Body) {
		return nil, q.bodyTooLarge() // before a client that waits for 100 Continue sends it
	}
	if r.ContentLength >= 0 && r.ContentLength <= shortBody {
		return readShort(r)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(q.limits.Body)))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, q.bodyTooLarge()
	}
	if err != nil {
		return nil, bodyUnreadable()
	}
	return body, nil
}

// shortBody is what io.ReadAll begins with, in bytes.
const shortBody = 512

// readShort is io.ReadAll that allocates no more than a short body needs, which ends where its length says.
func readShort(r *http.Request) ([]byte, *RequestError) {
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return nil, bodyUnreadable()
	}
	return body, nil
}

func bodyUnreadable() *RequestError {
	return BadRequest(http.StatusBadRequest, "the body ended early or could not be read")
}

func (q requestReader) bodyTooLarge() *RequestError {
	return limitError(http.StatusRequestEntityTooLarge,
		"body", "the body is longer than %d bytes, which is the limit", q.limits.Body)
}

// readQuery reads the parameters of a GET request.
func (q requestReader) readQuery(u *url.URL) (rawParams, *RequestError) {
	if len(u.RawQuery) > q.limits.Body {
		return nil, limitError(http.StatusRequestURITooLong,
			"body", "the query string is longer than %d bytes, which is the limit", q.limits.Body)
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, BadRequest(http.StatusBadRequest, "the query string is not URL-encoded")
	}
	var all rawParams
	for _, name := range paramNames {
		if len(values[name]) > 1 {
			return nil, BadRequest(http.StatusBadRequest, name+" is given twice")
		}
		text := values.Get(name)
		switch {
		case text == "":
		case name == "query" || name == "operationName":
			all = append(all, strictjson.Member{Name: name, Value: text})
		default:
			value, err := strictjson.Decode([]byte(text), q.jsonLimits(1))
			if err != nil {
				return nil, q.decodeError(name, err)
			}
			all = append(all, strictjson.Member{Name: name, Value: value})
		}
	}
	return all, nil
}

// jsonLimits are those of JSON in which values are nested in so many levels that are not part of a variable.
func (q requestReader) jsonLimits(levels int) strictjson.Limits {
	return strictjson.Limits{Depth: levels + querylimit.MaxNesting, Values: q.limits.Tokens}
}

func (q requestReader) decodeError(what string, err error) *RequestError {
	switch {
	case errors.Is(err, strictjson.ErrDepth):
		return limitError(http.StatusBadRequest,
			"depth", "%s nests values more than %d deep, which is the limit", what, querylimit.MaxNesting)
	case errors.Is(err, strictjson.ErrValues):
		return limitError(http.StatusBadRequest,
			"tokens", "%s holds more than %d values, which is the limit", what, q.limits.Tokens)
	case errors.Is(err, strictjson.ErrNotObject):
		return BadRequest(http.StatusBadRequest,
			"the body must be one JSON object with a query; batches are not supported")
	}
	if name, ok := errors.AsType[strictjson.DuplicateNameError](err); ok && what == "the body" &&
		slices.Contains(paramNames, string(name)) {
		return BadRequest(http.StatusBadRequest, string(name)+" is given twice")
	}
	return BadRequest(http.StatusBadRequest, fmt.Sprintf("%s: %v", what, err))
}

// rawParams are the parameters of a request. Those that the specification does not know are ignored, as it says.
type rawParams []strictjson.Member

var paramNames = []string{"query", "operationName", "variables", "extensions"}

func (m rawParams) parse() (*graphql.RawParams, *RequestError) {
	p := &graphql.RawParams{}
	err := cmp.Or(
		setParam(&p.Query, m, "query", "a string"), setParam(&p.OperationName, m, "operationName", "a string"),
		setParam(&p.Variables, m, "variables", "an object"), setParam(&p.Extensions, m, "extensions", "an object"),
	)
	if err == nil && (!utf8.ValidString(p.Query+p.OperationName) || hasLoneSurrogate(p.Query)) {
		err = errors.New("query and operationName must be UTF-8, without an escape of half a surrogate pair")
	}
	if err == nil && strings.TrimSpace(p.Query) == "" && !isPersisted(p) {
		err = errors.New("query is missing: it must hold a GraphQL document")
	}
	if err != nil {
		return nil, BadRequest(http.StatusBadRequest, err.Error())
	}
	return p, nil
}

// stringTokens matches what a quotation mark may begin in a document, and comments, in which it begins nothing.
var stringTokens = regexp.MustCompile(`#[^\n\r]*|"""(?:\\"""|(?s:.))*?"""|"(?:\\.|[^"\\\n\r])*"`)

// hasLoneSurrogate reports whether a string of a document has an escape of half a surrogate pair. Comments and block
// strings have no such escapes.
func hasLoneSurrogate(document string) bool {
	return strictjson.HasLoneSurrogate(document) &&
		slices.ContainsFunc(stringTokens.FindAllString(document, -1), func(token string) bool {
			return token[0] == '"' && !strings.HasPrefix(token, `"""`) && strictjson.HasLoneSurrogate(token)
		})
}

// isPersisted reports whether a request has the hash of a persisted document in place of a document, as the links of
// Apollo Client and urql send it.
func isPersisted(p *graphql.RawParams) bool {
	persisted, _ := p.Extensions["persistedQuery"].(map[string]any)
	_, ok := persisted["sha256Hash"].(string)
	return ok && p.Query == ""
}

// setParam sets one parameter; null means that it is absent.
func setParam[T any](to *T, m rawParams, name, kind string) error {
	for _, param := range m {
		if param.Name != name || param.Value == nil {
			continue
		}
		value, ok := param.Value.(T)
		if !ok {
			return fmt.Errorf("%s must be %s", name, kind)
		}
		*to = value
	}
	return nil
}

func limitError(status int, limit, format string, args ...any) *RequestError {
	return &RequestError{Status: status, Err: querylimit.Exceeded(limit, format, args...)}
}
