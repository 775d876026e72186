package abuse

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// floodTime is how long a flood goes on; others ask in the part of it that floodStart leaves.
const (
	floodTime  = 3 * time.Second
	floodStart = time.Second
)

// steadily calls f at a rate for a time, whether former calls have returned or not.
func steadily(d time.Duration, perSecond int, f func(n int)) (wait func()) {
	var calls sync.WaitGroup
	began := time.Now()
	calls.Go(func() {
		for n := range perSecond * int(d/time.Second) {
			time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))))
			calls.Go(func() { f(n) })
		}
	})
	return calls.Wait
}

// from is the header by which a trusted proxy says who asks.
func from(address string) []string { return []string{"X-Forwarded-For", address} }

// inNetwork is an address of the IPv6 /48 that floods, each in a /64 of its own.
func inNetwork(n int) string { return fmt.Sprintf("2001:db8:1:%x::1", n) }

// accountsOf registers accounts from the network that floods: anybody can.
func accountsOf(s *servertest.Process, n int) (accounts []servertest.Answer, addresses []string) {
	accounts, addresses = make([]servertest.Answer, n), make([]string, n)
	var all sync.WaitGroup
	for first := range 2 { // as many as hash at a time
		all.Go(func() {
			for i := first; i < n; i += 2 {
				addresses[i] = servertest.NewAddress()
				accounts[i] = s.Do(servertest.Request{Header: from(inNetwork(i)), Query: fmt.Sprintf(
					`mutation { register(input: {email: %q, password: %q}) { accessToken device } }`, addresses[i], servertest.Password)})
			}
		})
	}
	all.Wait()
	return accounts, addresses
}

// TestFairQueue_FloodOfNewDocumentsLeavesTurnsToOthers: an IPv6 network sends four hundred expensive documents a second,
// each once, anonymously or as one of many accounts. Others, with documents of their own that nobody has sent before, are
// answered.
func TestFairQueue_FloodOfNewDocumentsLeavesTurnsToOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes six seconds of all processors")
	}
	t.Run("anonymous", func(t *testing.T) { whileAwake(t, func() error { return floodDocuments(t, 0) }) })
	t.Run("more accounts than places", func(t *testing.T) { whileAwake(t, func() error { return floodDocuments(t, 200) }) })
}

// errNoProcessor says that the machine did so little for anybody that it says nothing of turns.
var errNoProcessor = errors.New("other programs had the processors")

// whileAwake repeats a flood that failed while the machine stood still, for what was to come steadily came in one burst
// then, or while other programs had the processors.
func whileAwake(t *testing.T, flood func() error) {
	t.Helper()
	for tries := 1; ; tries++ {
		stood := testenv.Stood()
		err := flood()
		stood = testenv.Stood() - stood
		if err != nil && tries < 10 && (stood > 200*time.Millisecond || errors.Is(err, errNoProcessor)) {
			t.Logf("the machine stood still for %v: %v", stood, err)
			continue
		}
		servertest.Check(t, err)
		return
	}
}

func floodDocuments(t *testing.T, accounts int) error {
	s := servertest.StartChild(t, "GATEHOUSE_LOG=error", "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1/32",
		servertest.CheapHashing)
	tokens := []string{""}
	if own, _ := accountsOf(s, accounts); accounts > 0 {
		tokens = nil
		for _, a := range own {
			tokens = append(tokens, a.Field("accessToken"))
		}
	}
	flood, refused := "{me{"+strings.Repeat("id ", 249)+"}}", atomic.Int64{}
	wait := steadily(floodTime, 400, func(n int) {
		a := s.Do(servertest.Request{Token: tokens[n%len(tokens)], Query: fmt.Sprintf("#%d\n%s", n, flood), Header: from(inNetwork(n))})
		if a.Unavailable() {
			refused.Add(1)
		}
	})
	time.Sleep(floodStart)
	var honest, answered atomic.Int64
	steadily(floodTime-floodStart, 32, func(n int) {
		honest.Add(1)
		if a := s.Do(servertest.Request{Query: fmt.Sprintf("{a%d: __typename}", n), Header: from(fmt.Sprintf("192.0.2.%d", n))}); a.OK() {
			answered.Add(1)
		} else {
			t.Log(a)
		}
	})()
	wait()
	t.Logf("%d of the flood refused, %d of %d others answered", refused.Load(), answered.Load(), honest.Load())
	if refused.Load() == 0 {
		return errors.New("the flood was no flood")
	}
	if answered.Load() < honest.Load()*95/100 {
		return fmt.Errorf("%d of %d others were answered", answered.Load(), honest.Load())
	}
	return nil
}

// TestFairQueue_FloodOfSignInsLeavesTurnsToOwners: sixty sign-ins a second from as many networks of one IPv6 /48, which is
// more than can be hashed, with wrong passwords or to accounts of the flood's own from devices that they know. An owner
// signs in, with and without a known device.
func TestFairQueue_FloodOfSignInsLeavesTurnsToOwners(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds of all processors")
	}
	t.Run("wrong passwords", func(t *testing.T) { whileAwake(t, func() error { return floodSignIns(t, 0) }) })
	t.Run("accounts of its own", func(t *testing.T) { whileAwake(t, func() error { return floodSignIns(t, 60) }) })
}

func floodSignIns(t *testing.T, accounts int) error {
	s := servertest.StartChild(t, "GATEHOUSE_LOG=error",
		"GATEHOUSE_TRUSTED_PROXIES=127.0.0.1/32", "GATEHOUSE_THROTTLE=on", "GATEHOUSE_ARGON2=m=19456,t=8,p=1")
	signIn := func(address, password, device, network string) servertest.Answer {
		return s.Do(servertest.Request{Header: from(network), Query: fmt.Sprintf(
			`mutation { login(input: {email: %q, password: %q, device: %q}) { accessToken } }`, address, password, device)})
	}
	own, addresses := accountsOf(s, accounts)
	owner := servertest.NewAddress()
	a := s.Ask("", fmt.Sprintf(`mutation { register(input: {email: %q, password: %q}) { device } }`, owner,
		servertest.Password))
	devices := []string{a.Field("device"), ""}
	var refused, answered atomic.Int64
	const perSecond = 60
	flood := int64(perSecond * floodTime / time.Second)
	wait := steadily(floodTime, perSecond, func(n int) {
		address, password, device := fmt.Sprintf("user%d@example.com", n), "not the password", ""
		if accounts > 0 {
			address, password, device = addresses[n%accounts], servertest.Password, own[n%accounts].Field("device")
		}
		if signIn(address, password, device, inNetwork(n)).Code() == "RATE_LIMITED" {
			refused.Add(1)
		}
	})
	time.Sleep(floodStart)
	steadily(floodTime-floodStart, 4, func(n int) {
		if a := signIn(owner, servertest.Password, devices[n%2], fmt.Sprintf("198.51.100.%d", n)); a.OK() {
			answered.Add(1)
		} else {
			t.Log(n, a)
		}
	})()
	wait()
	t.Logf("%d of the flood refused, %d of 8 others answered", refused.Load(), answered.Load())
	if refused.Load() == 0 {
		return errors.New("the flood was no flood")
	}
	if answered.Load() >= 7 {
		return nil
	}
	err := fmt.Errorf("%d of 8 sign-ins with the right password were answered", answered.Load())
	if hashed := flood - refused.Load() + answered.Load(); hashed < 5*8 { // an owner from a new network has a quarter of the turns
		err = fmt.Errorf("%w: %w, and %d in all", errNoProcessor, err, hashed)
	}
	return err
}
