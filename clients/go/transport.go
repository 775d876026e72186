package gatehouse

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// accepted is GraphQL over HTTP, with a status for each kind of error, or all with 200.
const accepted = "application/graphql-response+json, application/json"

// transport sends requests with the session of a client.
type transport struct{ c *Client }

// RoundTrip refuses other addresses than the API's, which would get the access token. A request that has an
// Authorization of its own is sent as it is.
func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		defer request.Body.Close()
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, fmt.Errorf("reading the request: %w", err)
		}
	}
	if u := request.URL; u.Scheme != t.c.api.Scheme || u.Host != t.c.api.Host || u.Path != t.c.api.Path {
		return nil, fmt.Errorf("this client asks %s alone: use another for %s", t.c.api.Redacted(), u.Redacted())
	}
	if request.Header.Get("Authorization") != "" {
		response, _, err := t.c.send(request, body, token{})
		return response, err
	}
	o := operation{query: true}
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		o = readOperation(body)
	}
	return t.c.run(request, body, o)
}

// run sends a request until it is answered, or refused for good.
func (c *Client) run(request *http.Request, body []byte, o operation) (*http.Response, error) {
	ctx := request.Context()
	asked := c.UserID()
	for refreshed := false; ; refreshed = true {
		if err := c.ready(ctx); err != nil {
			return nil, err
		}
		with := c.current()
		if asked == "" {
			asked = with.userID
		}
		if with.userID != asked && (with.text != "" || o.ends()) {
			return refusal(request), nil
		}
		response, a, err := c.send(request, body, with)
		if err != nil {
			return nil, err
		}
		if err := c.learn(ctx, a, o, with); err != nil {
			return nil, err
		}
		if with.text == "" || refreshed || !o.refused(a) {
			return response, nil
		}
		if err := c.refresh(ctx, with); err != nil {
			return nil, err
		}
		if next := c.current(); next.text == "" || next.userID != with.userID {
			return response, nil
		}
	}
}

// send sends a request once, with an access token if there is one.
func (c *Client) send(request *http.Request, body []byte, with token) (*http.Response, answer, error) {
	out := request.Clone(request.Context())
	if request.Body != nil {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	if out.Header.Get("Accept") == "" {
		out.Header.Set("Accept", accepted)
	}
	if with.text != "" {
		out.Header.Set("Authorization", "Bearer "+with.text)
	}
	response, err := c.base.RoundTrip(out)
	if err != nil || !strings.Contains(response.Header.Get("Content-Type"), "json") {
		return response, answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	var a answer
	_ = json.Unmarshal(text, &a) // Do, or the library that has asked, says what is wrong with it
	return response, a, nil
}

// learn takes the session that an answer begins, or ends.
func (c *Client) learn(ctx context.Context, a answer, o operation, with token) error {
	var data map[string]json.RawMessage
	_ = json.Unmarshal(a.Data, &data)
	for key, value := range data {
		var p payload
		if json.Unmarshal(value, &p) == nil && p.AccessToken != "" {
			if err := c.signIn(ctx, p, with); err != nil {
				return err
			}
		} else if ending(o.fields[key]) && string(value) != "null" {
			if err := c.end(ctx, with); err != nil {
				return err
			}
		}
	}
	return nil
}

// refusal is superseded as an answer, so that whichever library has asked reads it.
func refusal(request *http.Request) *http.Response {
	e := superseded()
	text, _ := json.Marshal(map[string]any{"errors": []any{map[string]any{
		"message": e.Message, "extensions": map[string]any{"code": e.Code, "reason": e.Reason},
	}}})
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(text)),
		ContentLength: int64(len(text)), Request: request,
	}
}
