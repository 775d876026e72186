package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestDirectOnly_RefusesWhatAProxyPassesOn: each sign of a proxy alone, and each way to be asked directly.
func TestDirectOnly_RefusesWhatAProxyPassesOn(t *testing.T) {
	h := directOnly(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	status := func(change func(*http.Request)) int {
		r := httptest.NewRequest("GET", "/inbox", nil)
		r.Host, r.RemoteAddr = "127.0.0.1:8080", "127.0.0.1:4000"
		change(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for _, host := range []string{"127.0.0.1:8080", "127.0.0.1", "localhost", "LocalHost:80", "[::1]:8080", "[::1]", "127.9.9.9"} {
		if got := status(func(r *http.Request) { r.Host = host }); got != 200 {
			t.Errorf("%s: %d", host, got)
		}
	}
	for _, host := range []string{"", "app.example.com", "10.0.0.1", "gatehouse", "a.localhost", "localhost.example.com", "[::2]"} {
		if got := status(func(r *http.Request) { r.Host = host }); got != 403 {
			t.Errorf("host %q: %d", host, got)
		}
	}
	for _, header := range []string{"Forwarded", "Via", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "x-forwarded-anything"} {
		for _, value := range []string{"127.0.0.1", ""} {
			if got := status(func(r *http.Request) { r.Header.Set(header, value) }); got != 403 {
				t.Errorf("%s: %q: %d", header, value, got)
			}
		}
	}
	for _, peer := range []string{"10.0.0.1:5", "[2001:db8::1]:5", "@", ""} {
		if got := status(func(r *http.Request) { r.RemoteAddr = peer }); got != 403 {
			t.Errorf("from %q: %d", peer, got)
		}
	}
	if got := status(func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0 }); got != 403 {
		t.Errorf("HTTP/1.0: %d", got)
	}
}
