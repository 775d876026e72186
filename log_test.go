package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database/dbtest"
)

// hostile would begin a line, colour it, end it early, turn it round, or look like another field.
const hostile = "a\r\nlevel=ERROR msg=forged\x1b[31m\x00\x7f\u009b\u2028\u202egnp\u2066\ufeff\" user=root \U000e0041 \xff b"

// TestNoTextChangesHowALineLooks is S-073, for both formats, wherever in a line the text stands.
func TestNoTextChangesHowALineLooks(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		log := newLog(&config.Config{LogJSON: asJSON}, world{Stderr: &out})
		log.With("with", hostile).Error(hostile, "text", hostile, hostile, "value", "error", errors.New(hostile), "any", []string{hostile})
		line := out.String()
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unseen) {
			t.Errorf("%q", line)
		}
		if !strings.Contains(line, `\u202e`) || !strings.Contains(line, "forged") {
			t.Errorf("it should be there, visibly: %s", line)
		}
		if !asJSON {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal(out.Bytes(), &fields); err != nil || fields["text"] != strings.ToValidUTF8(hostile, "\ufffd") {
			t.Errorf("%v: %q; want the text as it was", err, fields["text"])
		}
	}
}

// TestEachRequestIsALineWhateverItHolds sends hostile text wherever a client may write, to a running server.
func TestEachRequestIsALineWhateverItHolds(t *testing.T) {
	for _, format := range []string{"debug", "debug,json"} {
		s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_LOG="+format)
		before := strings.Count(s.Log.String(), "\n")
		inHeader := strings.NewReplacer("\r\n", "", "\x00", "", "\x7f", "", "\x1b", "").Replace(hostile) // what HTTP lets through
		kid := marshal(map[string]string{"alg": "EdDSA", "typ": "at+jwt", "kid": hostile})
		for name, body := range map[string]string{
			"operationName": marshal(map[string]string{"query": "query A { me { id } }", "operationName": hostile}),
			"email":         marshal(map[string]any{"query": logsIn, "variables": in("email", hostile+"@example.com", "password", hostile)}),
			"query":         marshal(map[string]string{"query": "{ " + hostile + " }"}),
		} {
			response, _ := request(t, http.MethodPost, s.URL+"/graphql", body, "Content-Type", "application/json",
				"User-Agent", inHeader, "Authorization", "Bearer "+base64.RawURLEncoding.EncodeToString([]byte(kid))+".e30.AAAA", "Traceparent", inHeader, "X-Forwarded-For", inHeader, "X-Request-Id", inHeader)
			if id := response.Header.Get("X-Request-Id"); !strings.Contains(s.Log.String(), id) {
				t.Errorf("%s: no line of request %q", name, id)
			}
		}
		s.stop(t)
		lines := strings.Split(strings.TrimSuffix(s.Log.String(), "\n"), "\n")
		if len(lines) < before+4 { // of each request one, and a failed login
			t.Errorf("%s", s.Log)
		}
		for _, line := range lines {
			begins := regexp.MustCompile(`^time=\S+Z level=(DEBUG|INFO) `).MatchString(line)
			if format == "debug,json" {
				begins = json.Valid([]byte(line))
			}
			if !begins || strings.ContainsFunc(line, unseen) {
				t.Errorf("%q", line)
			}
		}
	}
}
