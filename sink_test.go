package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestALogThatNobodyReadsHoldsNothingUp is R-037: standard error is a full pipe from the start. The program, a process of
// its own, starts, answers what writes lines, and stops. When somebody reads again, each line is there or counted.
func TestALogThatNobodyReadsHoldsNothingUp(t *testing.T) {
	if folder := os.Getenv("GATEHOUSE_TEST_SERVER"); folder != "" {
		testServer(folder)
	}
	const asked = sinkLines + 300
	for name, reads := range map[string]bool{"read again": true, "never read": false} {
		t.Run(name, func(t *testing.T) {
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			fill(t, writer)
			server, child := startAsChild(t, "TestALogThatNobodyReadsHoldsNothingUp", writer)
			writer.Close()
			c := newCrowd(t, server)
			var working sync.WaitGroup
			began := time.Now()
			for i := range 4 {
				working.Go(func() {
					for range asked / 4 {
						if _, code, err := c.login("nobody" + strconv.Itoa(i) + "@example.com"); code != "INVALID_CREDENTIALS" || err != nil {
							t.Errorf("%q, %v", code, err)
							return
						}
					}
				})
			}
			working.Wait()
			t.Logf("%d answers in %v", asked, time.Since(began))
			text := make(chan string, 1)
			read := func() { all, _ := io.ReadAll(reader); text <- string(all) }
			if reads {
				go read()
				time.Sleep(sinkWait) // for what is kept
				c.login("nobody@example.com")
			}
			if err := child.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- child.Wait() }()
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("it does not stop")
			}
			if !reads {
				return
			}
			log, lost := <-text, 0
			for _, n := range regexp.MustCompile(`lines were dropped" lines=(\d+)`).FindAllStringSubmatch(log, -1) {
				n, _ := strconv.Atoi(n[1])
				lost += n
			}
			written := strings.Count(log, "event=sign_in_failed")
			if t.Logf("%d lines, %d dropped", written, lost); lost == 0 || written+lost != asked+1 {
				t.Errorf("want %d in all, and some dropped", asked+1)
			}
		})
	}
}

// fill writes as much as fits.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	if err := pipe.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := pipe.Write(make([]byte, 512)); err != nil {
			break
		}
	}
	pipe.Fd() // blocks again, as what a program is started with does
}

// testServer is what a test runs when it is started again as a server. It does not return.
func testServer(folder string) {
	main := world{Args: []string{"serve"}, Stdout: os.Stdout, Stderr: os.Stderr, Env: []string{
		"GATEHOUSE_ADDR=127.0.0.1:0", "GATEHOUSE_OPS_ADDR=" + os.Getenv("GATEHOUSE_OPS_ADDR"), "GATEHOUSE_ARGON2=m=64,t=1,p=1", "GATEHOUSE_THROTTLE=off", "GATEHOUSE_PLAYGROUND=off",
		"GATEHOUSE_SECRET_FILE=" + filepath.Join(folder, "secret"), "GATEHOUSE_DATABASE_URL=sqlite:" + filepath.Join(folder, "gatehouse.db")}}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, main))
}

// startAsChild starts a test again as a server, through a shell when there is something to do before.
func startAsChild(t *testing.T, test string, stderr io.Writer, before ...string) (address string, child *exec.Cmd) {
	t.Helper()
	child = exec.Command(os.Args[0], "-test.run=^"+test+"$")
	if len(before) > 0 {
		child = exec.Command("sh", append([]string{"-c", strings.Join(before, ";") + `; exec "$0" "$@"`}, child.Args...)...)
	}
	child.Env = append(os.Environ(), "GATEHOUSE_TEST_SERVER="+t.TempDir(), "GATEHOUSE_OPS_ADDR=127.0.0.1:0")
	child.Stderr = stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { child.Process.Kill(); child.Wait() })
	line := make(chan string, 1)
	go func() { s, _ := bufio.NewReader(out).ReadString('\n'); line <- s }()
	select {
	case s := <-line:
		return strings.TrimSuffix(between(t, s, "GraphQL: ", "\n"), "/graphql"), child
	case <-time.After(10 * time.Second):
		t.Fatal("it does not start")
	}
	return "", nil
}
