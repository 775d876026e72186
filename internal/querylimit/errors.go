package querylimit

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

func newError(code problem.Code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": string(code)}}
}

// Exceeded returns the error LIMIT_EXCEEDED of one limit, by its name in extensions.limit.
func Exceeded(limit, format string, args ...any) *gqlerror.Error {
	e := newError(problem.LimitExceeded, fmt.Sprintf(format, args...))
	e.Extensions["limit"] = limit
	return e
}

// at says where in the document an error is.
func at(p *ast.Position, err *gqlerror.Error) *gqlerror.Error {
	if p != nil {
		err.Locations = []gqlerror.Location{{Line: p.Line, Column: p.Column}}
	}
	return err
}

// maxMessageLen bounds a message in bytes: it may repeat a name, and a name may be as long as a request.
const maxMessageLen = 300

// Truncate cuts a message, or a name in one, after 300 bytes.
func Truncate(message string) string {
	if len(message) <= maxMessageLen {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessageLen], "") + "…"
}
