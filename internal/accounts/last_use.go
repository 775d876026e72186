package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

const (
	// useInterval is how often the uses of sessions are written, all of them together.
	useInterval = 5 * time.Second
	// usesBatch is how many uses one statement writes. So many are written before the interval is over.
	usesBatch = 1000
	// usesTimeout bounds that statement.
	usesTimeout = 5 * time.Second
)

// use is when and from where a session was used, or when a personal access token was, as JSON for the statements that
// write it.
type use struct {
	ID    uuid.UUID `json:"id"`
	At    string    `json:"at"`
	Agent *string   `json:"agent"` // nil: as it was
	IP    *string   `json:"ip"`    // the same
	token bool      // it is of a personal access token
}

// timeText is how both databases read a time in UTC, and SQLite stores it.
const timeText = "2006-01-02 15:04:05.999999999-07:00"

// uses are the newest uses of sessions that are not written yet. A request does not wait for that.
type uses struct {
	mu      sync.Mutex
	pending map[uuid.UUID]use
	full    chan struct{} // enough for a statement
}

func newUses() *uses { return &uses{pending: map[uuid.UUID]use{}, full: make(chan struct{}, 1)} }

// add notes a use. While the database takes no writes, those that find no room are lost; the next use a minute later is
// noted again.
func (u *uses) add(session uuid.UUID, from viewer.Origin, now time.Time) {
	u.note(use{ID: session, At: now.Format(timeText), Agent: nilIfEmpty(from.Agent), IP: nilIfEmpty(from.Address())})
}

// addToken is add for a personal access token.
func (u *uses) addToken(id uuid.UUID, now time.Time) {
	u.note(use{ID: id, At: now.Format(timeText), token: true})
}

func (u *uses) note(one use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.pending) < maxPendingUses {
		u.pending[one.ID] = one
	}
	if len(u.pending) >= usesBatch {
		select {
		case u.full <- struct{}{}:
		default:
		}
	}
}

// take removes at most usesBatch uses.
func (u *uses) take() (some []use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, one := range u.pending {
		if len(some) == usesBatch {
			break
		}
		some = append(some, one)
		delete(u.pending, id)
	}
	return some
}

// putBack adds uses that could not be written, unless there are newer ones.
func (u *uses) putBack(some []use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, one := range some {
		if _, ok := u.pending[one.ID]; !ok && len(u.pending) < maxPendingUses {
			u.pending[one.ID] = one
		}
	}
}

// KeepWritingUses writes when and from where sessions were used, every five seconds, until the context ends, and then
// the rest: it calls write, which calls WriteUses and reports whether that was done.
func (s *Service) KeepWritingUses(ctx context.Context, write func(context.Context) bool) {
	tick := time.NewTicker(useInterval)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-tick.C:
		case <-s.uses.full:
		}
		if !write(context.WithoutCancel(ctx)) {
			select { // a full queue must not retry without a pause
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}
}

// WriteUses writes the uses of sessions since the last call, a thousand a statement. After a failure the next call
// writes them.
func (s *Service) WriteUses(ctx context.Context) error {
	for {
		some := s.uses.take()
		if len(some) == 0 {
			return nil
		}
		if err := s.writeUses(ctx, some); err != nil {
			s.uses.putBack(some)
			return err
		}
	}
}

// A locked row is passed over: what holds it writes a use of its own, or ends the session.
const (
	usesPostgres = `UPDATE sessions AS s
SET last_used_at = u.at, user_agent = coalesce(u.agent, s.user_agent), ip = coalesce(u.ip, s.ip)
FROM (
  SELECT held.id, u.at, u.agent, u.ip
  FROM json_to_recordset($1::json) AS u (id uuid, at timestamptz, agent text, ip text)
  JOIN sessions AS held ON held.id = u.id WHERE held.last_used_at < u.at FOR UPDATE OF held SKIP LOCKED
) AS u WHERE s.id = u.id`
	usesSQLite = `UPDATE sessions
SET last_used_at = u.at, user_agent = coalesce(u.agent, user_agent), ip = coalesce(u.ip, sessions.ip)
FROM (
  SELECT value->>'id' AS id, value->>'at' AS at, value->>'agent' AS agent, value->>'ip' AS ip FROM json_each(?)
) AS u WHERE sessions.id = u.id AND last_used_at < u.at`

	tokenUsesPostgres = `UPDATE access_tokens AS t SET last_used_at = u.at
FROM (
  SELECT held.id, u.at FROM json_to_recordset($1::json) AS u (id uuid, at timestamptz)
  JOIN access_tokens AS held ON held.id = u.id
  WHERE held.last_used_at IS NULL OR held.last_used_at < u.at FOR UPDATE OF held SKIP LOCKED
) AS u WHERE t.id = u.id`
	tokenUsesSQLite = `UPDATE access_tokens SET last_used_at = u.at
FROM (SELECT value->>'id' AS id, value->>'at' AS at FROM json_each(?)) AS u
WHERE access_tokens.id = u.id AND (last_used_at IS NULL OR last_used_at < u.at)`
)

func (s *Service) writeUses(ctx context.Context, some []use) error {
	ctx, cancel := context.WithTimeout(ctx, usesTimeout)
	defer cancel()
	ofSessions, ofTokens := usesSQLite, tokenUsesSQLite
	if s.config.Postgres {
		ofSessions, ofTokens = usesPostgres, tokenUsesPostgres
	}
	var sessions, tokens []use
	for _, one := range some {
		if one.token {
			tokens = append(tokens, one)
		} else {
			sessions = append(sessions, one)
		}
	}
	return s.turns.atomically(ctx, s.config.Client, nil, func(tx *ent.Tx) error {
		return errors.Join(execUses(ctx, tx, ofSessions, sessions), execUses(ctx, tx, ofTokens, tokens))
	})
}

func execUses(ctx context.Context, tx *ent.Tx, statement string, some []use) error {
	if len(some) == 0 {
		return nil
	}
	text, err := json.Marshal(some)
	if err == nil {
		_, err = tx.ExecContext(ctx, statement, string(text))
	}
	return err
}
