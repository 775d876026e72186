package database_test

import (
	"bytes"
	"crypto/tls"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestSQLite_FileIsReadableByItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	migrated(t, "sqlite:"+path)
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info := must(os.Stat(path + suffix))
		testenv.Equal(t, 0o600, info.Mode().Perm(), "mode of gatehouse.db%s", suffix)
	}
}

func TestSQLite_FileIsFoundByItsExactName(t *testing.T) {
	for _, name := range []string{"gatehouse.db", "a b.db", "what?mode=memory.db", "50%25#1&_pragma=x.db", "x:y",
		"é+ß;'\".db"} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			migrated(t, "sqlite:"+name)
			info := must(os.Stat(name))
			if info.Size() == 0 {
				t.Error("the database went elsewhere")
			}
		})
	}
}

func TestMigrate_TwoNamesOfOneSQLiteFileShareTheLock(t *testing.T) {
	folder := t.TempDir()
	check(t, os.Symlink("gatehouse.db", filepath.Join(folder, "link.db")))
	migrated(t, "sqlite:"+filepath.Join(folder, "gatehouse.db"))
	d := open(t, "sqlite:"+filepath.Join(folder, "link.db"))
	d.SetMigrations(next(t, d, "9002_more.sql", "CREATE TABLE more (id int);"))
	must(d.Migrate(t.Context()))
	if locks, _ := filepath.Glob(filepath.Join(folder, "*.lock")); len(locks) != 1 {
		t.Errorf("locks: %v", locks)
	}
}

// refused opens what cannot be opened and returns the sentence.
func refused(t *testing.T, c database.Config) string {
	t.Helper()
	if c.Log == nil {
		c.Log = quiet
	}
	d, err := database.Open(t.Context(), c)
	if err == nil {
		d.Close()
		t.Fatalf("opened %s", d)
	}
	return err.Error()
}

func TestOpen_RefusalsSayHowToCorrectTheCause(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "letter.txt")
	check(t, os.WriteFile(text, []byte(strings.Repeat("Dear Ada, ", 1000)), 0o600))
	for url, want := range map[string]string{
		"":                                       "looks like sqlite:gatehouse.db or postgres://",
		"mysql://u@h/d":                          "looks like sqlite:gatehouse.db or postgres://",
		"gatehouse.db":                           "looks like sqlite:gatehouse.db or postgres://",
		"sqlite:":                                "names no file",
		"sqlite::memory:":                        "sqlite::memory: is not supported",
		"sqlite://gatehouse.db":                  "write sqlite:gatehouse.db",
		"sqlite:" + folder:                       "is a folder: name a file in it",
		"sqlite:" + folder + "/no/gatehouse.db":  "the folder " + folder + "/no does not exist: make it",
		"sqlite:" + text:                         "name a SQLite database",
		"postgres://u@127.0.0.1/d?sslmode=maybe": "sslmode",
		"postgres://u@127.0.0.1/d?connect_timeout=x": "the settings after ?",
	} {
		if got := refused(t, database.Config{URL: url}); !strings.Contains(got, want) {
			t.Errorf("%q: %q does not say %q", url, got, want)
		}
	}
	open(t, "sqlite:"+folder+"/gatehouse.db")
	open(t, "sqlite://"+folder+"/slashes.db") // three slashes, as SQLAlchemy writes it
}

func TestOpen_MustExistRefusesAMissingFile(t *testing.T) {
	url := dbtest.SQLite(t)
	if got := refused(t, database.Config{URL: url, MustExist: true}); !strings.Contains(got, "file does not exist") {
		t.Error(got)
	}
	path, _ := database.SQLitePath(url)
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was made")
	}
	migrated(t, url)
	d := must(database.Open(t.Context(), database.Config{URL: url, MustExist: true, Log: quiet}))
	d.Close()
}

func TestSQLitePath_IsFalseForPostgres(t *testing.T) {
	if path, ok := database.SQLitePath("sqlite:a/b.db"); path != "a/b.db" || !ok {
		t.Errorf("got %q, %t", path, ok)
	}
	for _, other := range []string{"postgres://u@h/d", "sqlite::memory:", "a/b.db"} {
		if path, ok := database.SQLitePath(other); ok {
			t.Errorf("%s: got %q", other, path)
		}
	}
}

const secret = "hunter2-9f"

// leaks fails the test when a password, or a piece of it that a parser may cut out, is in a text.
func leaks(t *testing.T, from, text string) {
	t.Helper()
	if strings.Contains(text, "hunter2") || strings.Contains(text, "9f") {
		t.Errorf("%s shows the password: %s", from, text)
	}
}

func TestURL_ErrorsHideThePassword(t *testing.T) {
	for _, url := range []string{
		"postgres://u:hunter2/9f@127.0.0.1/d",
		"postgres://u:hunter2#9f@127.0.0.1/d",
		"postgres://u:hunter2?9f@127.0.0.1/d",
		"postgres://u:hunter2%zz9f@127.0.0.1/d",
		"postgres://u:hunter2 9f@127.0.0.1/d",
		"postgres://u:" + secret + "@127.0.0.1:port/d",
		"postgres://u:" + secret + "@127.0.0.1/d?sslmode=maybe",
		"postgres://u:" + secret + "@127.0.0.1/d?x=%zz",
		"postgres://u:" + secret + "@[::1/d",
		"postgresql:/u:" + secret + "@127.0.0.1/d?port=x",
		"mysql://u:" + secret + "@127.0.0.1/d",
		"u:" + secret + "@127.0.0.1/d",
	} {
		err := database.CheckURL(url)
		if err == nil {
			t.Errorf("%s: taken", url)
			continue
		}
		leaks(t, "CheckURL", err.Error())
		leaks(t, "Open", refused(t, database.Config{URL: url}))
	}
	for _, url := range []string{"postgres://u:hunter2%2F9f@127.0.0.1/d", "postgresql://u@h:1/d?sslmode=require",
		"postgres:///d?host=@gatehouse", "postgres://u:a@b@h/d"} {
		if err := database.CheckURL(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// with is the URL with another account, password, database or setting.
func with(t *testing.T, text string, change func(*url.URL)) string {
	t.Helper()
	u := must(url.Parse(text))
	change(u)
	return u.String()
}

func TestOpen_ServerThatRefusesIsTriedOnce(t *testing.T) {
	real := dbtest.NewServer(t).URL("postgres") // another server might trust everybody, or speak TLS
	for name, c := range map[string]struct{ url, want string }{
		"wrong password": {with(t, real, func(u *url.URL) { u.User = url.UserPassword("postgres", secret) }),
			"check the user and the password"},
		"no such user": {with(t, real, func(u *url.URL) { u.User = url.UserPassword("nobody", secret) }),
			"check the user and the password"},
		"no such database": {with(t, real, func(u *url.URL) { u.Path = "/nowhere" }), `CREATE DATABASE "nowhere"`},
		"no TLS":           {with(t, real, func(u *url.URL) { u.RawQuery = "sslmode=require" }), "?sslmode=disable"},
	} {
		t.Run(name, func(t *testing.T) {
			var lines bytes.Buffer
			got := refused(t, database.Config{URL: c.url, Log: slog.New(slog.NewTextHandler(&lines, nil))})
			if !strings.Contains(got, c.want) {
				t.Errorf("%q does not say %q", got, c.want)
			}
			if lines.Len() > 0 {
				t.Errorf("it was tried again: %s", &lines)
			}
			leaks(t, "Open", got)
		})
	}
	d := open(t, real)
	if parsed, _ := url.Parse(real); strings.Contains(d.String(), "@"+parsed.Host) == false {
		t.Errorf("String is %q", d)
	} else if password, _ := parsed.User.Password(); strings.Contains(d.String(), password) {
		t.Errorf("String shows the password")
	}
}

// The default for a remote server is to check its certificate; many hosted ones use their own authority.
func TestOpen_UnknownCertificateIsRefused(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 8)) // SSLRequest
			c.Write([]byte("S"))
			tls.Server(c, &tls.Config{Certificates: certified.TLS.Certificates}).Handshake()
			c.Close()
		}
	}()
	var lines bytes.Buffer
	url := "postgres://u:" + secret + "@" + l.Addr().String() + "/d?sslmode=verify-full"
	got := refused(t, database.Config{URL: url, Log: slog.New(slog.NewTextHandler(&lines, nil))})
	if !strings.Contains(got, "?sslrootcert=FILE") || lines.Len() > 0 {
		t.Errorf("%s; it was tried again: %s", got, &lines)
	}
	leaks(t, "Open", got)
}

func TestOpen_StoppedServerIsTriedOnceASecondUntilTheTimeout(t *testing.T) {
	t.Parallel()
	const wait = 3500 * time.Millisecond // which ends between two tries
	var lines bytes.Buffer
	began := time.Now()
	got := refused(t, database.Config{URL: "postgres://u:" + secret + "@" + testenv.FreeAddress(t) + "/d", Wait: wait,
		Log: slog.New(slog.NewTextHandler(&lines, nil))})
	if took := time.Since(began); took < wait*9/10 || took > testenv.HangGuard {
		t.Errorf("given up after %s, want %s", took, wait)
	}
	if n := strings.Count(lines.String(), "the database does not answer"); n < 1 || n > 1+int(wait/time.Second) {
		t.Errorf("%d lines in the log, want one a second:\n%s", n, &lines)
	}
	if !strings.Contains(got, "no answer within 3.5s, is it running?") || !strings.Contains(got, "connection refused") {
		t.Error(got)
	}
	leaks(t, "Open", got)
	leaks(t, "the log", lines.String())
}

func TestOpen_ServerThatStartsMeanwhileIsOpened(t *testing.T) {
	t.Parallel()
	c := dbtest.NewServer(t)
	check(t, c.Stop())
	var lines testenv.Buffer
	up := make(chan error)
	go func() {
		for strings.Count(lines.String(), "the database does not answer") < 2 { // one a try
			time.Sleep(10 * time.Millisecond)
		}
		up <- c.Start()
	}()
	d, err := database.Open(t.Context(), database.Config{URL: c.URL("postgres"),
		Log: slog.New(slog.NewTextHandler(&lines, nil))})
	check(t, <-up)
	check(t, err)
	defer d.Close()
	if _, err := d.Migrate(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOpen_AcceptsAUnixSocket(t *testing.T) {
	c := dbtest.NewServer(t)
	d := migrated(t, with(t, c.URL("postgres"), func(u *url.URL) {
		q := url.Values{"host": {c.Socket()}, "port": {u.Port()}}
		u.Host, u.RawQuery = "", q.Encode()
	}))
	var local sql.NullString
	if err := d.SQL().QueryRow("SELECT inet_server_addr()").Scan(&local); err != nil || local.Valid {
		t.Errorf("connected over %v (%v)", local, err)
	}
}

func TestSSLMode_IsDisableOnLoopbackAndVerifyFullOtherwise(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://u@localhost/d":                         "disable",
		"postgres://u@127.0.0.9/d":                         "disable",
		"postgres://u@[::1]:5432/d":                        "disable",
		"postgres://u@[::1]/d":                             "disable",
		"postgres:///d?host=/run/postgresql":               "disable",
		"postgres:///d?host=@abstract":                     "disable",
		"postgres://u@db.example.com/d":                    "verify-full",
		"postgres://u@10.0.0.1/d":                          "verify-full",
		"postgres://u@127.0.0.1,db/d":                      "verify-full",
		"postgres://u@localhost/d?hostaddr=10.0.0.1":       "verify-full",
		"postgres://u@db/d?hostaddr=127.0.0.1":             "disable",
		"postgres://u@db/d?sslmode=require":                "require",
		"postgresql://u@localhost/d?sslmode=verify-ca":     "verify-ca",
		"postgres://u@localhost.example.com:5432/d":        "verify-full",
		"postgres://u@db.example.com/d?sslrootcert=ca.pem": "verify-full",
	} {
		testenv.Equal(t, want, database.SSLMode(url), "%s", url)
	}
}

func TestSQLiteConnection_KeepsABoundedNumberOfStatements(t *testing.T) {
	conn := must(open(t, dbtest.SQLite(t)).SQL().Conn(t.Context()))
	defer conn.Close()
	for i := range database.StatementCacheSize + 100 {
		for range 2 {
			var got int
			query := fmt.Sprintf("SELECT ? + %d", i)
			if err := conn.QueryRowContext(t.Context(), query, 1).Scan(&got); err != nil || got != i+1 {
				t.Fatalf("statement %d: %d, %v", i, got, err)
			}
		}
	}
	if err := conn.Raw(func(c any) error {
		testenv.Equal(t, database.StatementCacheSize, database.Prepared(c), "statements are kept")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_PoolIsAsLargeAsConfigured(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		d := must(database.Open(t.Context(), database.Config{URL: url, Connections: 8, Log: slog.New(slog.DiscardHandler)}))
		defer d.Close()
		testenv.Equal(t, 8, d.Stats().MaxOpenConnections, "connections")
		testenv.Equal(t, map[bool]int{true: 6, false: 1}[d.Shared()], d.MaxTransactions(), "transactions")
	})
}

// TestSQLiteCacheBytes_IsWhatTheConnectionsMayHold by their own settings.
func TestSQLiteCacheBytes_IsWhatTheConnectionsMayHold(t *testing.T) {
	d := migrated(t, dbtest.SQLite(t))
	kib := 0
	if err := d.SQL().QueryRow("PRAGMA cache_size").Scan(&kib); err != nil {
		t.Fatal(err)
	}
	held := -kib << 10 * 2 * d.SQL().Stats().MaxOpenConnections
	testenv.Equal(t, held, database.SQLiteCacheBytes(), "the bytes of all connections' pages")
}
