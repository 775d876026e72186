package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
)

// eraInterval is the shortest time between two eras: while a server takes no writes, connections are not replaced for each
// write that it refuses.
const eraInterval = time.Second

// errNotPrimary means that a server was asked for that takes writes, and this one is a standby or read-only.
var errNotPrimary = errors.New("the server takes no writes")

// servers is what the connections of a database know of the servers that its URL names.
type servers struct {
	dial dialFunc

	mu     sync.Mutex
	newest int // took the newest connection: is tried first
	era    int // connections of former ones are closed: see startEra
	began  time.Time

	surveyed atomic.Bool
	history  history // the newest that a server has had
}

// startEra closes all connections, each at its next use. It is called when a server takes no writes any more: another
// one may have taken its place, and what this one says may be old.
func (s *servers) startEra() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.began) >= eraInterval {
		s.era++
		s.began = time.Now()
	}
}

func (s *servers) currentEra() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.era
}

func (s *servers) setNewest(server int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest = server
}

// order returns the numbers of the servers in the order in which they are tried: as in the URL, but for the one that took
// the newest connection. The time for a connection is short where the one before it hangs.
func (s *servers) order(config pq.Config) []int {
	n := len(config.Multi) + 1
	if config.LoadBalanceHosts == pq.LoadBalanceHostsRandom {
		return rand.Perm(n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	order := []int{s.newest}
	for i := range n {
		if i != s.newest {
			order = append(order, i)
		}
	}
	return order
}

// serverConfig returns the settings for one of the servers.
func serverConfig(config pq.Config, server int) pq.Config {
	c, h := config.Clone(), hostsOf(config)[server]
	c.Host, c.Hostaddr, c.Port, c.Multi = h.Host, h.Hostaddr, h.Port, nil
	return c
}

// serverNames returns host:port,host:port of a URL's servers.
func serverNames(config pq.Config) string {
	var names []string
	for _, h := range hostsOf(config) {
		names = append(names, net.JoinHostPort(h.Host, strconv.Itoa(int(h.Port))))
	}
	return strings.Join(names, ",")
}

// Connect connects to the first server that answers as the URL wants. lib/pq would give the first one all of the time:
// where that hangs, a caller with less time than connect_timeout would never come to the second.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	order := c.servers.order(c.config)
	if len(order) > 1 && !c.servers.surveyed.Load() {
		return c.survey(ctx, order)
	}
	var failed serversError
	for i, server := range order {
		conn, err := c.connectWithin(ctx, server, len(order)-i)
		if err == nil {
			c.servers.setNewest(server)
			return conn, nil
		}
		failed = append(failed, err)
	}
	if len(failed) == 1 {
		return nil, failed[0]
	}
	return nil, failed
}

// connectWithin connects to a server in its share of the time, when so many are left to try.
func (c connector) connectWithin(ctx context.Context, server, left int) (*connection, error) {
	if end, bounded := ctx.Deadline(); bounded && left > 1 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(left))
		defer cancel()
	}
	era, config := c.servers.currentEra(), serverConfig(c.config, server)
	conn, err := connect(ctx, config, c.servers.dial)
	if err == nil {
		conn.servers, conn.era = c.servers, era
		if len(c.config.Multi) == 0 {
			return conn, nil
		}
		conn.readHistory(ctx)
		if err = c.servers.admit(conn.history); err == nil {
			return conn, nil
		}
		conn.Close()
	}
	if text := err.Error(); text == "session is read-only" || text == "server is in hot standby mode" {
		err = fmt.Errorf("%w: %w", errNotPrimary, err)
	}
	if len(c.config.Multi) > 0 {
		err = fmt.Errorf("connecting to %s: %w", serverNames(config), err)
	}
	return nil, err
}

// serversError says why none of several servers could be connected to.
type serversError []error

func (e serversError) Error() string {
	return "none of the servers can be used: " + strings.ReplaceAll(errors.Join(e...).Error(), "\n", "; ")
}

func (e serversError) Unwrap() []error { return e }

func (e serversError) some(matches func(error) bool) bool { return slices.ContainsFunc(e, matches) }
