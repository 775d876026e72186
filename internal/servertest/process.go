package servertest

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// Variables that make instances of one another, or that a command needs to work beside a server.
const (
	Secret       = "GATEHOUSE_SECRET=one secret of a test, of 32 bytes or more"
	Issuer       = "GATEHOUSE_ISSUER=https://id.example.org"
	FeedToken    = "the-token-of-the-relying-services"
	Profiles     = "GATEHOUSE_PPROF=on"
	CheapHashing = "GATEHOUSE_ARGON2=m=64,t=1,p=1"
)

// Process is the program as `gatehouse serve` starts it, and a client of it.
type Process struct {
	*Client
	Log *Buffer // its standard error
	Ops string  // the address of the operators' listener, with GATEHOUSE_OPS_ADDR
	PID int     // of a child

	options     Options
	environment []string
	cancel      context.CancelFunc
	ended       chan struct{}
	code        int  // once it has ended
	killed      bool // by the test
}

// Options say how a Process starts. The zero value is for a server in the test's own process.
type Options struct {
	Child   bool     // a process of its own, which can be paused, measured and killed
	Program string   // of a child: what Build has made; default: the server of this source
	Args    []string // of such a Program; default: serve
	Shell   string   // of a child: what a shell does before, as "ulimit -n 256"
	Stderr  *os.File
	Log     *Buffer       // its standard error, of who reads it before it serves; default: a new one
	Audit   bool          // not of a child: hold every field that executes against the guard's plan
	Timeout time.Duration // not of a child: of one operation; default: the program's own
}

// Start starts the server in this process, on a new SQLite database where the environment names none.
func Start(t testing.TB, environment ...string) *Process {
	t.Helper()
	return Options{}.Start(t, environment...)
}

// StartChild starts the server in a process of its own.
func StartChild(t testing.TB, environment ...string) *Process {
	t.Helper()
	return Options{Child: true}.Start(t, environment...)
}

// Start starts a server that must start. It ends with the test.
func (o Options) Start(t testing.TB, environment ...string) *Process {
	t.Helper()
	p, code := o.TryStart(t, environment...)
	if p == nil {
		t.Fatalf("the server did not start: exit code %d", code)
	}
	return p
}

// TryStart is Start for a server that may refuse: then it returns nil and the exit code.
func (o Options) TryStart(t testing.TB, environment ...string) (*Process, int) {
	t.Helper()
	p := &Process{Client: NewClient(t, ""), Log: cmp.Or(o.Log, &Buffer{}), options: o}
	p.environment = append([]string{"GATEHOUSE_ADDR=127.0.0.1:0", CheapHashing, "GATEHOUSE_THROTTLE=off"},
		environment...)
	sets := func(name string) bool {
		return slices.ContainsFunc(environment, func(v string) bool { return strings.HasPrefix(v, name+"=") })
	}
	if !sets("GATEHOUSE_SECRET") {
		p.environment = append(p.environment, "GATEHOUSE_SECRET_FILE="+filepath.Join(t.TempDir(), "secret"))
	}
	if !sets("GATEHOUSE_DATABASE_URL") {
		p.environment = append(p.environment, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	}
	if err := p.begin(); err != nil {
		t.Logf("%v; its log:\n%s", err, p.Log)
		return nil, p.code
	}
	t.Cleanup(p.end)
	return p, 0
}

// begin starts the program and waits for the line that says that it serves.
func (p *Process) begin() error {
	p.ended, p.code, p.killed = make(chan struct{}), 0, false
	before := len(p.Log.String())
	reader, err := p.run()
	if err != nil {
		return err
	}
	ready := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(reader).ReadString('\n')
		ready <- line
		io.Copy(io.Discard, reader)
	}()
	select {
	case line := <-ready:
		for n := 0; line != "" && n < 1000; n++ { // what a child logs comes by another pipe
			if p.URL = cmp.Or(p.URL, p.address(line)); p.URL != "" {
				p.Ops = p.opsAddress(p.Log.String()[before:])
				return nil
			}
			time.Sleep(10 * time.Millisecond)
		}
	case <-time.After(HangGuard):
	}
	p.kill()
	return errors.New("the server has not said that it serves")
}

func (p *Process) run() (stdout io.Reader, err error) {
	if p.options.Child {
		return p.runChild()
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	reader, writer := io.Pipe()
	process := cli.Process{Args: []string{"serve"}, Env: p.environment, Stdin: strings.NewReader(""), Stdout: writer,
		Stderr: p.Log,
		Audit:  p.options.Audit, Timeout: p.options.Timeout}
	go func() {
		p.code = cli.Run(ctx, process)
		writer.Close()
		close(p.ended)
	}()
	return reader, nil
}

func (p *Process) runChild() (stdout io.Reader, err error) {
	args := []string{p.options.Program, "serve"}
	if p.options.Program == "" {
		args[0] = Build(p.t, ".")
	}
	if p.options.Args != nil {
		args = append(args[:1], p.options.Args...)
	}
	if p.options.Shell != "" {
		args = append([]string{"sh", "-c", p.options.Shell + `; exec "$0" "$@"`}, args...)
	}
	command := exec.Command(args[0], args[1:]...)
	command.Env, command.Stderr, command.WaitDelay = append(os.Environ(), p.environment...), p.Log, HangGuard
	if p.options.Stderr != nil {
		command.Stderr = p.options.Stderr
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	command.Stdout = writer
	if err := command.Start(); err != nil {
		return nil, err
	}
	p.PID = command.Process.Pid
	p.cancel = func() { command.Process.Signal(syscall.SIGTERM) }
	go func() {
		command.Wait()
		p.code = command.ProcessState.ExitCode()
		close(p.ended)
	}()
	return reader, nil
}

// address is where the server listens; the line that it prints may name a configured issuer instead.
func (p *Process) address(line string) string {
	for _, text := range []string{regexp.MustCompile(`listening.*`).FindString(p.Log.String()), line} {
		if found := regexp.MustCompile(`http://127[0-9.:]+`).FindString(text); found != "" {
			return found
		}
	}
	return ""
}

func (p *Process) opsAddress(log string) string {
	if found := regexp.MustCompile(`/metrics and /readyz.*\baddr"?[=:]"?([\d.:]+)`).FindStringSubmatch(log); found != nil {
		return "http://" + found[1]
	}
	for _, v := range p.environment {
		if address, ok := strings.CutPrefix(v, "GATEHOUSE_OPS_ADDR="); ok {
			return "http://" + address
		}
	}
	return ""
}

// Stop asks the server to end, as a service manager does, and checks that it ended well.
func (p *Process) Stop() {
	p.t.Helper()
	p.HTTP.CloseIdleConnections()
	p.cancel()
	if code := p.Wait(); code != cli.ExitDone {
		p.t.Errorf("the server ended with exit code %d\n%s", code, p.Log)
	}
}

// Wait waits until the server has ended, and returns its exit code.
func (p *Process) Wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.code
	case <-time.After(HangGuard):
		p.t.Fatalf("the server did not end\n%s", p.Log)
		return -1
	}
}

// end stops what still runs when the test ends.
func (p *Process) end() {
	p.t.Helper()
	select {
	case <-p.ended:
		return
	default:
	}
	if p.options.Child {
		p.kill()
		return
	}
	p.Stop()
}

// Kill ends a child as a crash does.
func (p *Process) Kill() {
	p.t.Helper()
	p.kill()
}

func (p *Process) kill() {
	p.killed = true
	if p.options.Child {
		syscall.Kill(p.PID, syscall.SIGKILL)
	} else {
		p.cancel()
	}
	<-p.ended
}

// Restart starts a server that has ended again, at its former address. It tries for a while, because a connection that
// was made meanwhile can have the port.
func (p *Process) Restart() {
	p.t.Helper()
	address := "GATEHOUSE_ADDR=" + strings.TrimPrefix(p.URL, "http://")
	if !slices.Contains(p.environment, address) {
		p.environment = append(p.environment, address)
	}
	for deadline := time.Now().Add(HangGuard); ; time.Sleep(100 * time.Millisecond) {
		err := p.begin()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			p.t.Errorf("%v\n%s", err, p.Log)
			return
		}
	}
}

// Pause stops a child as a machine does that stands still, until Resume.
func (p *Process) Pause()  { testenv.Stop(p.t, p.PID) }
func (p *Process) Resume() { p.Signal(syscall.SIGCONT) }

// Signal sends a signal to a child. The client's connections that are not in use end first: a server that stops waits
// for those that were never used.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	p.HTTP.CloseIdleConnections()
	Check(p.t, syscall.Kill(p.PID, s))
}

// Output is what a command ended with.
type Output struct {
	Code           int
	Stdout, Stderr string
}

// Command runs one command of the program to its end.
func Command(t testing.TB, environment []string, stdin string, args ...string) Output {
	t.Helper()
	return command(t.Context(), environment, stdin, args)
}

func command(ctx context.Context, environment []string, stdin string, args []string) Output {
	ctx, cancel := context.WithTimeout(ctx, HangGuard)
	defer cancel()
	var out, errs Buffer // a command may still write while it ends
	if args == nil {
		args = []string{}
	}
	code := cli.Run(ctx, cli.Process{Args: args, Env: environment, Stdin: strings.NewReader(stdin), Stdout: &out,
		Stderr: &errs})
	return Output{code, out.String(), errs.String()}
}

// StartRefused starts a server that should refuse, and returns what it ended with. One that serves fails the test.
func StartRefused(t testing.TB, environment ...string) Output {
	t.Helper()
	o := StartAndStop(t, environment...)
	if o.Stdout != "" {
		t.Errorf("it serves: %s", o.Stdout)
	}
	return o
}

// StartAndStop starts a server, and stops it as soon as it serves, if it does.
func StartAndStop(t testing.TB, environment ...string) Output {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), HangGuard)
	defer cancel()
	var out, log Buffer
	environment = append([]string{"GATEHOUSE_ADDR=127.0.0.1:0", CheapHashing}, environment...)
	code := cli.Run(ctx, cli.Process{Args: []string{"serve"}, Env: environment, Stdin: strings.NewReader(""),
		Stdout: &stopWriter{cancel, &out}, Stderr: &log})
	return Output{code, out.String(), log.String()}
}

// stopWriter ends a server that says that it serves.
type stopWriter struct {
	cancel context.CancelFunc
	*Buffer
}

func (w *stopWriter) Write(p []byte) (int, error) {
	w.cancel()
	return w.Buffer.Write(p)
}

// RunCommand runs a command beside the server, in its environment.
func (p *Process) RunCommand(stdin string, args ...string) Output {
	p.t.Helper()
	return command(p.t.Context(), append(slices.Clone(p.environment), "GATEHOUSE_LOG=warn"), stdin, args)
}

// Command is RunCommand for what must succeed. It returns what was printed.
func (p *Process) Command(stdin string, args ...string) string {
	p.t.Helper()
	o := p.RunCommand(stdin, args...)
	if o.Code != cli.ExitDone {
		p.t.Fatalf("%v: exit code %d, %s", args, o.Code, o.Stderr)
	}
	return o.Stdout
}

// CreateAdmin makes the administrator by the command, and returns a token.
func (p *Process) CreateAdmin() string {
	p.t.Helper()
	p.Command(AdminPassword+"\n", "admin", "create", AdminAddress)
	return p.Admin()
}
