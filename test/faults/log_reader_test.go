package faults

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestLogWithoutReader_HoldsNothingUp: standard error is a full pipe from the start. The program, a process of its
// own, starts, answers what writes lines, and stops. When the pipe is read again, each line is there or counted, and
// each security event is there, though they came last.
func TestLogWithoutReader_HoldsNothingUp(t *testing.T) {
	const asked, guesses = 1324, 100 // more lines than the server stores, and then its events
	for name, reads := range map[string]bool{"read again": true, "never read": false} {
		t.Run(name, func(t *testing.T) {
			reader, writer, err := os.Pipe()
			servertest.Check(t, err)
			defer reader.Close()
			fill(t, writer)
			s := servertest.Options{Child: true, Stderr: writer}.Start(t, "GATEHOUSE_LOG=debug",
				"GATEHOUSE_OPS_ADDR="+servertest.FreeAddress(t))
			writer.Close()
			login := func(i int) {
				query := fmt.Sprintf(`mutation { login(input: {email: "nobody%d@example.com", password: "a guess of it"}) { tokenType } }`, i)
				if code := s.Code("", query); code != "INVALID_CREDENTIALS" {
					t.Error(code)
				}
			}
			began := time.Now()
			simultaneously(4, func(i int) {
				for range asked / 4 {
					s.Must("", "{ __typename }")
				}
			})
			simultaneously(4, func(i int) { // of more, some would be refused where hashes are slow, with lines of their own
				for j := range guesses / 4 {
					login(guesses/4*i + j)
				}
			})
			t.Logf("%d answers in %v", asked+guesses, time.Since(began))
			for _, name := range []string{`gatehouse_log_dropped_total{kind="line"}`, "gatehouse_log_waiting"} {
				if s.Metric(name) < 100 {
					t.Errorf("%s is %v", name, s.Metric(name))
				}
			}
			testenv.Equal(t, 0, s.Metric(`gatehouse_log_dropped_total{kind="security event"}`), "dropped events")
			text := make(chan string, 1)
			if reads {
				go func() { all, _ := io.ReadAll(reader); text <- string(all) }()
				time.Sleep(100 * time.Millisecond) // for what is stored
				login(guesses)
			}
			s.Signal(syscall.SIGTERM)
			if code := s.Wait(); code != 0 {
				t.Error(code)
			}
			if !reads {
				return
			}
			log, lost := <-text, 0
			for _, n := range regexp.MustCompile(`lines were dropped" lines=(\d+)`).FindAllStringSubmatch(log, -1) {
				n, _ := strconv.Atoi(n[1])
				lost += n
			}
			written := len(regexp.MustCompile(`msg=answered .*field=(__typename|login) `).FindAllString(log, -1))
			events := strings.Count(log, "event=sign_in_failed")
			t.Logf("%d lines, %d dropped, %d events", written, lost, events)
			if lost == 0 || written+lost != asked+guesses+1 || events != guesses+1 {
				t.Errorf("want %d lines in all, some dropped, and %d events", asked+guesses+1, guesses+1)
			}
		})
	}
}

// fill writes as much as fits.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	servertest.Check(t, pipe.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
	for {
		if _, err := pipe.Write(make([]byte, 512)); err != nil {
			break
		}
	}
	pipe.Fd() // blocks again, as what a program is started with does
}
