package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/verify"
)

// programs are what this test binary is when its first argument says so.
var programs = map[string]func(){"serve": main, hashCommand: main, "follow": follow, "where": where}

// follow is another program's service behind package verify, which reads the feed of the issuer that the second argument
// names. It says where it is, and answers 200 to whoever is let in.
func follow() {
	v, err := verify.New(verify.Config{Issuer: os.Args[2], Revocations: &verify.Feed{Token: feedToken}})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + l.Addr().String())
	go v.Run(context.Background())
	panic(http.Serve(l, v.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))))
}

// child is one of the programs in a process of its own, which can be paused, weighed and ended.
type child struct {
	URL string
	Log *buffer
	t   *testing.T
	pid int
}

// newChild starts the program as it is started when it is installed, in the environment of a test's servers.
func newChild(t *testing.T, environment ...string) *child {
	t.Helper()
	return startChild(t, append([]string{
		"GATEHOUSE_ADDR=127.0.0.1:0", "GATEHOUSE_ARGON2=m=64,t=1,p=1", "GATEHOUSE_THROTTLE=off",
		"GATEHOUSE_SECRET_FILE=" + filepath.Join(t.TempDir(), "secret"),
	}, environment...), "serve")
}

func startChild(t *testing.T, environment []string, arguments ...string) *child {
	t.Helper()
	c := &child{t: t, Log: &buffer{}}
	command := exec.Command(os.Args[0], arguments...)
	command.Env, command.Stderr = append(os.Environ(), environment...), c.Log
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	c.pid = command.Process.Pid
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	go io.Copy(io.Discard, out)
	address := regexp.MustCompile(`http://127[0-9.:]+`)
	soon(t, strings.Join(arguments, " ")+" starts", 10*time.Second, func() bool { // the line may name a configured issuer
		c.URL = address.FindString(c.Log.String() + line)
		return c.URL != ""
	})
	return c
}

// pause stops the process as a machine does that stands still, until it is resumed.
func (c *child) pause()  { c.signal(syscall.SIGSTOP) }
func (c *child) resume() { c.signal(syscall.SIGCONT) }

func (c *child) signal(s syscall.Signal) {
	c.t.Helper()
	if err := syscall.Kill(c.pid, s); err != nil {
		c.t.Fatal(err)
	}
}
