package graphqlhttp

import (
	"net/http"
	"time"

	"github.com/gatehouse/gatehouse/internal/requestid"
)

// Begin gives each request its id, and ends its context after a time. It stands before the handlers that find out who
// is calling, because that, too, may ask the database. The request must be a copy of net/http's, as viewer.Locate
// makes: it gets its context in place, since one more copy would be more than all that the context holds.
func Begin(timeout time.Duration, next http.Handler) http.Handler { return beginning{timeout, next} }

type beginning struct {
	timeout time.Duration
	next    http.Handler
}

func (b beginning) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := withDeadline(requestid.Ensure(r.Context()), b.timeout)
	defer ctx.end()
	*r = *r.WithContext(ctx) // the copy is on the stack
	b.next.ServeHTTP(w, r)
}
