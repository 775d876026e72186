package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// errFormer means that a server was the primary before a failover and runs past it. It may take writes, or at least
// answer reads, and knows nothing that was written since.
var errFormer = errors.New("the server was the primary before a failover, and another one has taken its place: stop it")

// history is whose writes a server goes on with. A promotion begins the next timeline.
type history struct {
	system   string // that a primary and its standbys have in common; "": the server does not say
	timeline uint32
}

// historyQuery is refused by a standby, and by what only speaks as Postgres does.
const historyQuery = `SELECT (SELECT system_identifier FROM pg_control_system())::text || ' ' ||
	substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)`

// readHistory leaves the zero value where the server does not say: then there is nothing to compare.
func (c *connection) readHistory(ctx context.Context) {
	defer c.clearDeadline()
	rows, err := c.QueryContext(ctx, historyQuery, nil)
	if err != nil {
		return
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	if rows.Next(row) != nil || len(row) != 1 {
		return
	}
	var h history
	if _, err := fmt.Sscanf(fmt.Sprintf("%s", row[0]), "%s %X", &h.system, &h.timeline); err == nil {
		c.history = h
	}
}

// admit notes whose writes a server goes on with, and refuses a former primary.
func (s *servers) admit(h history) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.system == s.history.system && h.timeline < s.history.timeline {
		return errFormer
	}
	if h.system != "" {
		s.history = h
	}
	return nil
}

// survey connects to every server that answers, once, before the first is used: a primary that runs past a failover may
// be the first of the URL. It returns the connection to the newest history.
func (c connector) survey(ctx context.Context, order []int) (driver.Conn, error) {
	var (
		newest *connection
		failed serversError
	)
	for i, server := range order {
		conn, err := c.connectWithin(ctx, server, len(order)-i+1) // and some time for what the connection is for
		switch {
		case err != nil:
			failed = append(failed, err)
			continue
		case newest == nil:
		case conn.history.timeline <= newest.history.timeline:
			conn.Close()
			continue
		default:
			newest.Close()
		}
		newest = conn
		c.servers.setNewest(server)
	}
	if newest == nil {
		return nil, failed
	}
	c.servers.surveyed.Store(true)
	return newest, nil
}
