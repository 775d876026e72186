package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const pageSize = 4096 // of a SQLite file, as its header says

// TestADamagedSQLiteFileIsRefusedAndLeftAsItIs is R-010 at the start: each page in turn, each way to be cut, and files
// that are something else. None is served, mended or begun anew; the same file without the harm is served.
func TestADamagedSQLiteFileIsRefusedAndLeftAsItIs(t *testing.T) {
	sound := soundFile(t)
	const restore, name = "restore", "name a"
	cases := map[string]struct {
		content []byte
		says    string
	}{
		"emptied":         {nil, "is empty, and was migrated before: " + restore},
		"cut in a header": {sound[:60], restore},
		"one page":        {sound[:pageSize], restore},
		"half":            {sound[:len(sound)/2], restore},
		"without a page":  {sound[:len(sound)-pageSize], restore},
		"a letter":        {[]byte(strings.Repeat("Dear Ada, ", 1000)), name},
		"zeros":           {make([]byte, len(sound)), name},
		"another program": {foreignFile(t), name},
	}
	for page := range len(sound) / pageSize {
		harmed := bytes.Clone(sound)
		copy(harmed[page*pageSize:], bytes.Repeat([]byte{0xff}, pageSize))
		c := cases["one page"]
		c.content = harmed
		cases[fmt.Sprintf("page %d of noise", page+1)] = c
	}
	for name, c := range cases {
		path := placed(t, c.content)
		code, log := startFor(t, 3*time.Second, "GATEHOUSE_DATABASE_URL=sqlite:"+path)
		if code != exitFailed || !strings.Contains(log, "gatehouse: database: open sqlite:"+path) || !strings.Contains(log, c.says) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s", name, code, exitFailed, c.says, log)
		}
		if read(t, path) != string(c.content) {
			t.Errorf("%s: the file was changed", name)
		}
		if files, err := filepath.Glob(path + "*"); err != nil || len(files) != 2 { // the lock
			t.Errorf("%s: %v, %v", name, files, err)
		}
	}
	t.Logf("%d files", len(cases))
	w := &stage{t: t, url: start(t, "GATEHOUSE_DATABASE_URL=sqlite:"+placed(t, sound), sameSecret, "GATEHOUSE_SECRET_FILE=").URL}
	w.login("ada@example.com", thePassword)
}

// TestASQLiteFileThatIsDamagedWhileOpenIsUnavailable is R-010 for a server that runs: what needs the harmed page says so
// at once, nothing is begun anew, and the next start refuses.
func TestASQLiteFileThatIsDamagedWhileOpenIsUnavailable(t *testing.T) {
	for name, harm := range map[string]func(path string, page int64) error{
		"noise": func(path string, page int64) error {
			return overwrite(path, page, bytes.Repeat([]byte{0xff}, pageSize))
		},
		"cut": func(path string, page int64) error { return os.Truncate(path, page*pageSize) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "gatehouse.db")
			environment := []string{"GATEHOUSE_DATABASE_URL=sqlite:" + path, sameSecret, sameIssuer, "GATEHOUSE_SECRET_FILE="}
			a := newAiling(t, filepath.Dir(path), environment...)
			page := a.settle()
			before := read(t, a.path)
			if err := harm(a.path, page); err != nil {
				t.Fatal(err)
			}
			harmed := read(t, a.path)
			for what, o := range map[string]outcome{"a read": a.ask(a.token, "{ me { id } }"), "a write": a.ask("", a.registration())} {
				if !o.unavailable() || o.took > time.Second {
					t.Errorf("%s: %+v", what, o)
				}
			}
			if o := a.ask("", "{ __typename }"); !o.fine() {
				t.Errorf("what needs no page: %+v", o)
			}
			if status, _ := get(t, a.s.URL+"/healthz"); status != 200 {
				t.Errorf("/healthz: %d", status)
			}
			if log := a.s.Log.String(); !strings.Contains(log, "malformed") {
				t.Errorf("no line names the cause:\n%s", log)
			}
			if code, log := startFor(t, 3*time.Second, environment...); code != exitFailed || !strings.Contains(log, "restore") {
				t.Errorf("another start: %d\n%s", code, log)
			}
			if read(t, a.path) != harmed {
				t.Error("the file was changed")
			}
			a.s.stop(t)
			if err := overwrite(a.path, 0, []byte(before)); err != nil { // from a backup
				t.Fatal(err)
			}
			a.s = start(t, environment...)
			if o := a.ask(a.token, "{ me { id } }"); !o.fine() || !a.write() || !a.ready() {
				t.Errorf("restored: %+v", o)
			}
		})
	}
}

// settle writes all that is in the journal into the file, lets the server forget what it has read, and returns the number
// of pages before the first one of the users.
func (a *ailing) settle() (before int64) {
	a.t.Helper()
	db, err := sql.Open("sqlite", a.path)
	if err != nil {
		a.t.Fatal(err)
	}
	defer db.Close()
	for _, s := range []string{"CREATE TABLE later (a)", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := db.Exec(s); err != nil {
			a.t.Fatal(err)
		}
	}
	if err := db.QueryRow("SELECT min(rootpage) - 1 FROM sqlite_schema WHERE tbl_name = 'users'").Scan(&before); err != nil {
		a.t.Fatal(err)
	}
	return before
}

// soundFile is the database of a server with one account.
func soundFile(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	s := start(t, "GATEHOUSE_DATABASE_URL=sqlite:"+path, sameSecret, "GATEHOUSE_SECRET_FILE=")
	w := &stage{t: t, url: s.URL}
	w.must("", fmt.Sprintf(`mutation { register(input: {email: "ada@example.com", password: %q}) { accessToken } }`, thePassword))
	s.stop(t)
	return []byte(read(t, path))
}

func foreignFile(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "songs.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE songs (title)"); err != nil {
		t.Fatal(err)
	}
	return []byte(read(t, path))
}

// placed writes a file where a migrated database was, and returns its path.
func placed(t *testing.T, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "gatehouse.db")
	for name, content := range map[string][]byte{path: content, path + ".lock": nil} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
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

// startFor starts a server that should refuse, and returns what it ended with. One that serves ends when the time is over.
func startFor(t *testing.T, within time.Duration, environment ...string) (code int, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	var out buffer
	code = run(ctx, world{Stdout: &out, Stderr: &out, Env: append([]string{
		"GATEHOUSE_ADDR=127.0.0.1:0", "GATEHOUSE_ARGON2=m=64,t=1,p=1", "GATEHOUSE_SECRET_FILE=" + filepath.Join(t.TempDir(), "secret"),
	}, environment...)})
	if ctx.Err() != nil {
		t.Errorf("it did not end within %v", within)
	}
	return code, out.String()
}
