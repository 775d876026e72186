package pgtemp_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/pgtemp"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func query(t *testing.T, url, q string) error {
	t.Helper()
	db, err := sql.Open("postgres", url)
	check(t, err)
	defer db.Close()
	_, err = db.Exec(q)
	return err
}

func TestServer_KeepsDataAndURLOverEachStopAndStart(t *testing.T) {
	c := dbtest.NewServer(t)
	url := c.URL("postgres")
	check(t, query(t, url, "CREATE TABLE t (id int)"))
	for name, end := range map[string]func() error{"stop": c.Stop, "abort": c.Abort, "kill": c.Kill} {
		if err := end(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := query(t, url, "SELECT 1"); err == nil {
			t.Fatalf("after %s the server still answers", name)
		}
		if err := c.Start(); err != nil {
			t.Fatalf("start after %s: %v", name, err)
		}
		if c.URL("postgres") != url {
			t.Fatalf("after %s the URL changed", name)
		}
		if err := query(t, url, "INSERT INTO t VALUES (1)"); err != nil {
			t.Fatalf("after %s: %v", name, err)
		}
	}
}

func TestServer_OrdersTextByALanguage(t *testing.T) {
	url := dbtest.NewServer(t).URL("postgres")
	const refusesToOrderByBytes = "SELECT 1 / (CASE WHEN 'a' < 'B' %s THEN 1 ELSE 0 END)"
	if err := query(t, url, fmt.Sprintf(refusesToOrderByBytes, "")); err != nil {
		testenv.Missing(t, "a locale beside C", "PostgreSQL before 15 needs en_US.UTF-8; on Debian: apt-get install locales-all")
	}
	if err := query(t, url, fmt.Sprintf(refusesToOrderByBytes, `COLLATE "C"`)); err == nil {
		t.Error("the question is answered in C too")
	}
}

func TestServer_KilledProcessLeavesNothing(t *testing.T) {
	if dir := os.Getenv("PGTEMP_TEST_CHILD"); dir != "" {
		c, err := pgtemp.New(pgtemp.MemoryFolder())
		check(t, err)
		os.WriteFile(dir+"/new", []byte(c.Socket()+"\n"+c.URL("postgres")), 0o600)
		os.Rename(dir+"/new", dir+"/ready")
		select {}
	}
	dbtest.NewServer(t) // skips where there is no Postgres
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "PGTEMP_TEST_CHILD="+dir)
	check(t, child.Start())
	var said []byte
	testenv.Eventually(t, "the child's cluster is up", testenv.HangGuard, func() bool {
		said, _ = os.ReadFile(dir + "/ready")
		return len(said) > 0
	})
	folder, url, _ := strings.Cut(string(said), "\n")
	if err := query(t, url, "SELECT 1"); err != nil {
		t.Fatalf("before the kill: %v", err)
	}
	child.Process.Kill()
	child.Wait()
	testenv.Eventually(t, "the folder is gone", testenv.HangGuard, func() bool {
		_, err := os.Stat(folder)
		return errors.Is(err, os.ErrNotExist)
	})
	if err := query(t, url, "SELECT 1"); err == nil {
		t.Error("the server still answers")
	}
}

var check = testenv.Check
