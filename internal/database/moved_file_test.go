package database_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// inItsPlace are what a connection could find where the file was.
var inItsPlace = map[string]func(t *testing.T, path string){
	"nothing":       func(*testing.T, string) {},
	"an empty file": func(t *testing.T, path string) { check(t, os.WriteFile(path, nil, 0o600)) },
	"another database": func(t *testing.T, path string) {
		other := dbtest.SQLite(t)
		migrated(t, other)
		check(t, os.Rename(strings.TrimPrefix(other, "sqlite:"), path))
	},
}

// TestMovedFile_NoConnectionIsMadeToWhatIsInItsPlace: SQLite would make an empty file, and take the write-ahead log, in
// which the newest commits are, for that file's.
func TestMovedFile_NoConnectionIsMadeToWhatIsInItsPlace(t *testing.T) {
	for name, put := range inItsPlace {
		for _, way := range []string{"pool", "log of changes", "preflight"} {
			t.Run(name+" "+way, func(t *testing.T) {
				url := dbtest.SQLite(t)
				path := strings.TrimPrefix(url, "sqlite:")
				d := migrated(t, url)
				must(newUser(t.Context(), d.Client, "ada@example.com"))
				connect := must(database.ConnectSQLite(t.Context(), url))[way]
				check(t, os.Rename(path, path+".away"))
				put(t, path)
				log := must(os.ReadFile(path + "-wal"))
				if err := connect(); !errors.Is(err, database.ErrMoved) || !database.Unavailable(err) {
					t.Errorf("%v, want ErrMoved", err)
				}
				if _, err := os.Stat(path); name == "nothing" && err == nil {
					t.Error("a file was made")
				}
				if now, _ := os.ReadFile(path + "-wal"); !bytes.Equal(now, log) || len(log) == 0 {
					t.Errorf("the write-ahead log has %d bytes, had %d", len(now), len(log))
				}
				check(t, os.Rename(path+".away", path))
				check(t, connect())
				testenv.Equal(t, 1, must(d.Client.User.Query().Count(t.Context())), "users, back in its place")
			})
		}
	}
}

// TestOpen_KeepsTheLogOfAFileThatIsGone: the server was killed, and its file moved without the write-ahead log.
func TestOpen_KeepsTheLogOfAFileThatIsGone(t *testing.T) {
	for name, put := range inItsPlace {
		if name == "another database" {
			continue // nothing tells whose the log is
		}
		for _, mustExist := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", mustExist), func(t *testing.T) {
				running := strings.TrimPrefix(dbtest.SQLite(t), "sqlite:")
				must(newUser(t.Context(), migrated(t, "sqlite:"+running).Client, "ada@example.com"))
				path := filepath.Join(t.TempDir(), "gatehouse.db")
				log := must(os.ReadFile(running + "-wal"))
				check(t, os.WriteFile(path+"-wal", log, 0o600))
				put(t, path)
				config := database.Config{URL: "sqlite:" + path, Log: quiet, MustExist: mustExist}
				if d, err := database.Open(t.Context(), config); err == nil || !strings.Contains(err.Error(), "-wal has its newest changes") {
					t.Errorf("it opens %v: %v", d, err)
				}
				if now := must(os.ReadFile(path + "-wal")); !bytes.Equal(now, log) {
					t.Errorf("the log has %d bytes, had %d", len(now), len(log))
				}
				check(t, os.WriteFile(path, must(os.ReadFile(running)), 0o600))
				d := must(database.Open(t.Context(), config))
				defer d.Close()
				testenv.Equal(t, 1, must(d.Client.User.Query().Count(t.Context())), "users of the file that is back")
			})
		}
	}
}
