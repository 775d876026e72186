package requestid

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestMiddleware_GivesEachRequestOneIDOfItsOwn(t *testing.T) {
	var ids []string
	h := Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ids = append(ids, From(r.Context()), From(Ensure(r.Context())))
	}))
	for range 2 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Request-Id", "chosen by the client")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if len(ids) != 4 || len(ids[0]) != 36 || ids[0] != ids[1] || ids[2] != ids[3] || ids[0] == ids[2] {
		t.Errorf("ids %q", ids)
	}
	if id := From(context.Background()); id != "" {
		t.Errorf("a context without a request has the id %q", id)
	}
}
