package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/verify"
)

// TestTheFeedTellsWhatAnotherProcessDidToTheFile: a command, or a second server that was started before the first one
// had ended.
func TestTheFeedTellsWhatAnotherProcessDidToTheFile(t *testing.T) {
	environment := []string{"GATEHOUSE_DATABASE_URL=" + dbtest.SQLite(t), "GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2),
		"GATEHOUSE_SECRET_FILE=", "GATEHOUSE_ARGON2=m=64,t=1,p=1", "GATEHOUSE_ISSUER=https://id.example.org"}
	one, two := start(t, environment...), start(t, append(environment, "GATEHOUSE_REVOCATIONS_TOKEN="+feedToken)...)
	v, err := verify.New(verify.Config{Issuer: "https://id.example.org", JWKS: two.URL + "/.well-known/jwks.json",
		Revocations: &verify.Feed{Token: feedToken, URL: two.URL + "/revocations"}})
	if err != nil {
		t.Fatal(err)
	}
	go v.Run(t.Context())
	w := &stage{t: t, url: one.URL}
	token := between(t, w.must("", `mutation { register(input: {email: "ann@example.com", password: "correct horse battery"}) { accessToken } }`), `"accessToken":"`, `"`)
	accepts := func() bool { _, err := v.Verify(t.Context(), token); return err == nil }
	soon(t, "the service is connected", 5*time.Second, accepts)
	if code, _, errs := command(t, environment, "admin", "create", "ann@example.com"); code != exitDone {
		t.Fatal(errs)
	}
	soon(t, "the role is known", time.Second, func() bool {
		known, err := v.Verify(t.Context(), token)
		return err == nil && strings.Join(known.Roles, " ") == "ADMIN USER"
	})
	w.must(token, "mutation { logout { success } }")
	soon(t, "the ended session is refused", time.Second, func() bool { return !accepts() })
}
