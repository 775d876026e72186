package faults

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

const pageSize = 4096 // of a SQLite file, as its header says

// TestCorruptSQLiteFile_IsRefusedAndNotChanged at the start: the first page of each table, each way to be cut, and
// files that are something else. None is served, mended or begun again; the same file without the harm is served.
// `gatehouse database check` refuses the same files, and those with damage in any other page.
func TestCorruptSQLiteFile_IsRefusedAndNotChanged(t *testing.T) {
	sound := soundFile(t)
	const restore, name = "restore", "name a"
	type harmed struct {
		content []byte
		says    string
		later   bool // the start does not read this page
	}
	roots := tableRoots(t, sound)
	cases := map[string]harmed{
		"emptied":         {content: nil, says: "is empty, and was migrated before: " + restore},
		"cut in a header": {content: sound[:60], says: restore},
		"one page":        {content: sound[:pageSize], says: restore},
		"half":            {content: sound[:len(sound)/2], says: restore},
		"without a page":  {content: sound[:len(sound)-pageSize], says: restore},
		"a letter":        {content: []byte(strings.Repeat("Dear Ada, ", 1000)), says: name},
		"zeros":           {content: make([]byte, len(sound)), says: name},
		"another program": {content: foreignFile(t), says: name},
	}
	for page := range len(sound) / pageSize {
		content := bytes.Clone(sound)
		copy(content[page*pageSize:], bytes.Repeat([]byte{0xff}, pageSize))
		cases[fmt.Sprintf("page %d of noise", page+1)] = harmed{content, restore, !slices.Contains(roots, page+1)}
	}
	for name, c := range cases {
		path := placeFile(t, c.content)
		url := "GATEHOUSE_DATABASE_URL=sqlite:" + path
		outputs := map[string]servertest.Output{"check": servertest.Command(t, []string{url}, "", "database", "check")}
		if !c.later {
			outputs["open"] = servertest.StartRefused(t, servertest.Secret, url)
		}
		for verb, o := range outputs {
			if o.Code != cli.ExitFailed || !strings.Contains(o.Stderr, "gatehouse: database: ") ||
				!strings.Contains(o.Stderr, " sqlite:"+path) || !strings.Contains(o.Stderr, c.says) {
				t.Errorf("%s, %s: exit code %d, want %d and %q:\n%s", name, verb, o.Code, cli.ExitFailed, c.says, o.Stderr)
			}
		}
		if servertest.ReadFile(t, path) != string(c.content) {
			t.Errorf("%s: the file was changed", name)
		}
		if files, err := filepath.Glob(path + "*"); err != nil || len(files) != 2 { // the lock
			t.Errorf("%s: %v, %v", name, files, err)
		}
	}
	t.Logf("%d files", len(cases))
	url := "GATEHOUSE_DATABASE_URL=sqlite:" + placeFile(t, sound)
	s := servertest.Start(t, url, servertest.Secret)
	s.Login("ada@example.com", servertest.Password)
	if o := servertest.Command(t, []string{url}, "", "database", "check"); o.Code != cli.ExitDone ||
		!strings.Contains(o.Stdout, "is sound") {
		t.Errorf("check of a sound file: %+v", o)
	}
}

// tableRoots returns the numbers of the header's page and of the first page of each table.
func tableRoots(t *testing.T, content []byte) []int {
	t.Helper()
	db, err := sql.Open("sqlite", placeFile(t, content))
	servertest.Check(t, err)
	defer db.Close()
	roots := []int{1}
	rows, err := db.Query("SELECT rootpage FROM sqlite_schema WHERE type = 'table'")
	servertest.Check(t, err)
	defer rows.Close()
	for rows.Next() {
		var root int
		servertest.Check(t, rows.Scan(&root))
		roots = append(roots, root)
	}
	servertest.Check(t, rows.Err())
	return roots
}

// TestSQLiteFileCorruptedWhileOpen_IsUnavailable on a server that runs: what needs the harmed page is
// unavailable immediately, nothing is begun again, and the next start refuses.
func TestSQLiteFileCorruptedWhileOpen_IsUnavailable(t *testing.T) {
	for name, harm := range map[string]func(path string, page int64) error{
		"noise": func(path string, page int64) error {
			return overwrite(path, page, bytes.Repeat([]byte{0xff}, pageSize))
		},
		"cut": func(path string, page int64) error { return os.Truncate(path, page*pageSize) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			environment := []string{"GATEHOUSE_DATABASE_URL=sqlite:" + filepath.Join(folder, "gatehouse.db"),
				servertest.Secret, servertest.Issuer}
			s := newSQLiteServer(t, folder, environment...)
			page := s.checkpoint()
			before := servertest.ReadFile(t, s.path)
			servertest.Check(t, harm(s.path, page))
			harmed := servertest.ReadFile(t, s.path)
			for what, a := range map[string]servertest.Answer{"a read": s.read(), "a write": s.register()} {
				if !a.Unavailable() || a.Slower(time.Second) {
					t.Errorf("%s: %v", what, a)
				}
			}
			if a := s.Ask("", "{ __typename }"); !a.OK() {
				t.Errorf("what needs no page: %v", a)
			}
			if a := s.Get("/healthz"); a.Status != http.StatusOK {
				t.Errorf("/healthz: %v", a)
			}
			if log := s.Log.String(); !strings.Contains(log, "malformed") {
				t.Errorf("no line names the cause:\n%s", log)
			}
			if o := servertest.StartRefused(t, environment...); o.Code != cli.ExitFailed ||
				!strings.Contains(o.Stderr, "restore") {
				t.Errorf("another start: %+v", o)
			}
			if servertest.ReadFile(t, s.path) != harmed {
				t.Error("the file was changed")
			}
			s.Stop()
			if err := overwrite(s.path, 0, []byte(before)); err != nil { // from a backup
				t.Fatal(err)
			}
			s.Restart()
			if a := s.read(); !a.OK() || !s.write() || !s.Ready() {
				t.Errorf("restored: %v", a)
			}
		})
	}
}

// checkpoint writes all that is in the journal into the file, lets the server drop what it has read, and returns the
// number of pages before the first one of the users.
func (s *sqliteServer) checkpoint() (before int64) {
	s.t.Helper()
	db := servertest.OpenDB(s.t, "sqlite:"+s.path)
	servertest.Exec(s.t, db, "CREATE TABLE later (a)", "PRAGMA wal_checkpoint(TRUNCATE)")
	servertest.Check(s.t, db.QueryRow("SELECT min(rootpage) - 1 FROM sqlite_schema WHERE tbl_name = 'users' AND rootpage > 0").Scan(&before))
	db.Close()
	return before
}

// soundFile is the database of a server with one account.
func soundFile(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL=sqlite:"+path, servertest.Secret)
	s.RegisterAs("ada@example.com")
	s.Stop()
	servertest.Exec(t, servertest.OpenDB(t, "sqlite:"+path), "VACUUM", // noise in a page that is free harms nothing
		"PRAGMA wal_checkpoint(TRUNCATE)")
	return []byte(servertest.ReadFile(t, path))
}

func foreignFile(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "songs.db")
	servertest.Exec(t, servertest.OpenDB(t, "sqlite:"+path), "CREATE TABLE songs (title)")
	return []byte(servertest.ReadFile(t, path))
}

// placeFile writes a file where a migrated database was, and returns its path.
func placeFile(t *testing.T, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "gatehouse.db")
	for name, content := range map[string][]byte{path: content, path + ".lock": nil} {
		servertest.Check(t, os.WriteFile(name, content, 0o600))
	}
	return path
}

func overwrite(path string, page int64, with []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(with, page*pageSize)
	return err
}
