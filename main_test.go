package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && programs[os.Args[1]] != nil {
		programs[os.Args[1]]()
	}
	dbtest.Main(m)
}

// instance is one running server, started as `gatehouse` is.
type instance struct {
	URL string // http://127.0.0.1:PORT
	Log *buffer

	cancel context.CancelFunc
	code   chan int
}

// start runs the program with an environment and waits for the line that says where it is.
func start(t testing.TB, environment ...string) *instance {
	t.Helper()
	s, code := tryStart(t, environment...)
	if s == nil {
		t.Fatalf("the server did not start: exit code %d", code)
	}
	t.Cleanup(func() { s.stop(t) })
	return s
}

// audited is start for a server that holds every field that executes against the guard's plan.
func audited(t testing.TB, environment ...string) *instance {
	t.Helper()
	s, code := tryStartIn(t, world{Audit: true}, environment...)
	if s == nil {
		t.Fatalf("the server did not start: exit code %d", code)
	}
	t.Cleanup(func() { s.stop(t) })
	return s
}

// tryStart is start for a server that may refuse: then it returns nil and the exit code.
func tryStart(t testing.TB, environment ...string) (*instance, int) {
	t.Helper()
	return tryStartIn(t, world{}, environment...)
}

func tryStartIn(t testing.TB, w world, environment ...string) (*instance, int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	s := &instance{Log: &buffer{}, cancel: cancel, code: make(chan int, 1)}
	environment = append([]string{
		"GATEHOUSE_ADDR=127.0.0.1:0",
		"GATEHOUSE_ARGON2=m=64,t=1,p=1",
		"GATEHOUSE_THROTTLE=off", // tests sign in thousands of times from one address
		"GATEHOUSE_SECRET_FILE=" + filepath.Join(t.TempDir(), "secret"),
	}, environment...)
	go func() {
		w.Env, w.Stdout, w.Stderr = environment, writer, s.Log
		s.code <- run(ctx, w)
		writer.Close()
	}()
	line, _ := bufio.NewReader(reader).ReadString('\n')
	go io.Copy(io.Discard, reader)
	if line != "" { // the line may name a configured issuer; the log says where the server is
		s.URL = regexp.MustCompile(`http://127[0-9.:]+`).FindString(line + s.Log.String())
	}
	if s.URL == "" {
		cancel()
		code := <-s.code
		t.Logf("log:\n%s", s.Log)
		return nil, code
	}
	return s, 0
}

// stop asks the server to end and checks that it ended well.
func (s *instance) stop(t testing.TB) {
	t.Helper()
	s.cancel()
	select {
	case code := <-s.code:
		s.code <- code
		if code != exitDone {
			t.Errorf("the server ended with exit code %d\n%s", code, s.Log)
		}
	case <-time.After(30 * time.Second):
		t.Errorf("the server did not end\n%s", s.Log)
	}
}

// buffer is a bytes.Buffer that a server may write while a test reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// command runs one command to its end.
func command(t testing.TB, environment []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(t.Context(), world{Args: args, Env: environment, Stdout: &out, Stderr: &errs})
	return code, out.String(), errs.String()
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
