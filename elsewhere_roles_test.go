package main

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/verify"
)

// TestATokenIssuedWhileRolesWaitToChange: the change has begun, and waits for another administrator's; a token that is
// issued meanwhile still has the old roles, and a younger iat.
func TestATokenIssuedWhileRolesWaitToChange(t *testing.T) {
	databaseURL := dbtest.Postgres(t)
	environment := []string{"GATEHOUSE_DATABASE_URL=" + databaseURL, "GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2),
		"GATEHOUSE_SECRET_FILE=", "GATEHOUSE_ARGON2=m=64,t=1,p=1"}
	s := start(t, append(environment, "GATEHOUSE_REVOCATIONS_TOKEN="+feedToken)...)
	w := &stage{t: t, url: s.URL}
	var out strings.Builder
	if code := run(t.Context(), world{Args: []string{"admin", "create", "root@example.com"}, Env: environment,
		Stdin: strings.NewReader("the root of it all\n"), Stdout: &out, Stderr: &out}); code != exitDone {
		t.Fatal(out.String())
	}
	following := service(t, s.URL, &verify.Feed{Token: feedToken})
	body := w.must("", w.registering()+` { accessToken refreshToken user { id } } }`)
	early, refresh, id := between(t, body, `"accessToken":"`, `"`), between(t, body, `"refreshToken":"`, `"`), between(t, body, `"id":"`, `"`)
	soon(t, "the service is connected", 5*time.Second, func() bool { status, _ := call(t, following, early); return status == 200 })
	root := w.admin()
	setRoles := func(roles string) {
		w.must(root, `mutation { setRoles(input: {userId: "`+id+`", roles: `+roles+`}) { user { id } } }`)
	}
	setRoles("[USER, ADMIN]")
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	another, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer another.Rollback()
	if _, err := another.Exec("SELECT * FROM settings WHERE id = 'administrators_lock' FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	changed := make(chan struct{})
	go func() { defer close(changed); setRoles("[USER]") }()
	time.Sleep(1100 * time.Millisecond) // into the next second, at least
	late := between(t, w.must("", `mutation { refresh(input: {refreshToken: "`+refresh+`"}) { accessToken } }`), `"accessToken":"`, `"`)
	if err := another.Rollback(); err != nil {
		t.Fatal(err)
	}
	<-changed
	for name, token := range map[string]string{"before": early, "while it waited": late} {
		soon(t, "a token issued "+name+" has the new roles", time.Second, func() bool {
			_, body := call(t, following, token)
			return strings.Contains(body, `["USER"]`)
		})
	}
}
