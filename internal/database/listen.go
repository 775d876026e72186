package database

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/lib/pq"
)

const (
	// heartbeatInterval is how often a listener checks that notifications are delivered.
	heartbeatInterval = 250 * time.Millisecond
	// heartbeatTimeout is how late a heartbeat may be before the connection is closed.
	heartbeatTimeout = 3 * time.Second
	// listenTimeout bounds the wait for an answer to LISTEN.
	listenTimeout = 5 * time.Second
	// maxListenPause bounds the pause between connections on which no notification arrived. The pause doubles up to it:
	// PgBouncer in transaction mode accepts LISTEN and never delivers a notification.
	maxListenPause = time.Minute
)

// Listener handles the notifications of other instances. Its functions are called one after the other.
type Listener struct {
	Channel        string                // required: of Postgres's NOTIFY
	OnNotification func(payload string)  // required: one notification, in the order of their commits
	Synced         func(since time.Time) // required: all notifications of commits before this time were handled
	Lost           func()                // required: the connection is lost, perhaps with notifications
	Needed         func() bool           // required: whether Synced is relied on at the moment
}

// Listen receives the notifications of a channel until the context ends, and reconnects when the connection is lost.
// A SQLite database has no other instances: Listen calls Synced alone.
//
// An open connection proves little: it may hang, or lead to a pooler that drops notifications. So Listen sends itself a
// heartbeat through the pool, four times a second while Needed returns true. Postgres delivers notifications in the
// order of their commits: when a heartbeat arrives, all notifications before it have arrived.
func (d *Database) Listen(ctx context.Context, l Listener) {
	s, shared := d.engine.(server)
	if !shared {
		tickLocally(ctx, l)
		return
	}
	pause := heartbeatInterval
	for ctx.Err() == nil {
		err := d.listen(ctx, s.dsn, l)
		l.Lost()
		if ctx.Err() != nil {
			return
		}
		d.log.WarnContext(ctx, "not in touch with the other instances: every request asks the database until it is",
			"error", err)
		if pause = min(2*pause, maxListenPause); !errors.Is(err, errNoNotifications) {
			pause = heartbeatInterval
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause + mathrand.N(heartbeatInterval)):
		}
	}
}

var (
	errNoNotifications = errors.New("no notification arrives; is there a pooler in between? LISTEN needs a connection " +
		"of its own")
	errNoHeartbeat = errors.New("notifications stopped arriving")
)

func tickLocally(ctx context.Context, l Listener) {
	tick := time.NewTicker(heartbeatInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if l.Needed() {
				l.Synced(now)
			}
		}
	}
}

// listen receives notifications on one connection, and returns why that ended.
func (d *Database) listen(ctx context.Context, url string, l Listener) error {
	notes := make(chan *pq.Notification, 64)
	conn, err := pq.NewListenerConn(url, notes)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	own := "gatehouse_heartbeat_" + strings.ToLower(rand.Text())
	if err := listenOn(conn, own, l.Channel); err != nil {
		return fmt.Errorf("LISTEN: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h := heartbeats{own, time.Now(), make(chan time.Time)}
	go func() {
		defer func() {
			if cause := recover(); cause != nil { // here it would end the process
				d.log.ErrorContext(ctx, "panic in the background; the listener reconnects",
					"cause", cause, "stack", string(debug.Stack()))
				conn.Close()
			}
		}()
		d.sendHeartbeats(ctx, h, l.Needed)
	}()
	var missing, received time.Time // when the oldest missing and the newest received heartbeat were sent
	for {
		select {
		case note, open := <-notes:
			switch {
			case !open:
				return errors.Join(errors.New("the connection is lost"), conn.Err())
			case note.Channel != own:
				l.OnNotification(note.Extra)
			default:
				if at, err := parseHeartbeat(note.Extra, h.start, time.Now()); err == nil {
					received = at
					l.Synced(received)
				}
			}
		case at := <-h.sent:
			if !missing.After(received) {
				missing = at
			}
			if missing.After(received) && at.Sub(missing) > heartbeatTimeout {
				return noHeartbeat(received)
			}
		}
	}
}

func noHeartbeat(received time.Time) error {
	if received.IsZero() {
		return errNoNotifications
	}
	return errNoHeartbeat
}

// listenOn listens on channels. A server that does not answer loses the connection.
func listenOn(conn *pq.ListenerConn, channels ...string) error {
	defer time.AfterFunc(listenTimeout, func() { conn.Close() }).Stop()
	for _, channel := range channels {
		if _, err := conn.Listen(channel); err != nil {
			return err
		}
	}
	return nil
}

// heartbeats are what one listener sends to itself.
type heartbeats struct {
	channel string
	start   time.Time      // with the monotonic clock, which the text of a heartbeat counts from
	sent    chan time.Time // when each was sent
}

// heartbeatText is the time of sending: on the monotonic clock since the start, and on the wall clock.
func heartbeatText(start, now time.Time) string {
	return fmt.Sprint(now.Sub(start).Nanoseconds(), now.UnixNano())
}

// parseHeartbeat returns when a heartbeat was sent, counted back from now by the clock that says longer ago: what was
// sent before the machine was suspended, and arrives afterwards, is old, though the monotonic clock stood still.
func parseHeartbeat(text string, start, now time.Time) (time.Time, error) {
	var since, wall int64
	if _, err := fmt.Sscan(text, &since, &wall); err != nil {
		return time.Time{}, err
	}
	return now.Add(-max(now.Sub(start)-time.Duration(since), time.Duration(now.UnixNano()-wall))), nil
}

// sendHeartbeats notifies the instance's own channel through the pool, as any change is notified, and reports the time
// of each.
func (d *Database) sendHeartbeats(ctx context.Context, h heartbeats, needed func() bool) {
	tick := time.NewTicker(heartbeatInterval)
	defer tick.Stop()
	for {
		if needed() {
			now := time.Now()
			bounded, cancel := context.WithTimeout(ctx, time.Second)
			_, err := d.sql.ExecContext(bounded, "SELECT pg_notify($1, $2)", h.channel, heartbeatText(h.start, now))
			cancel()
			if err == nil {
				select {
				case h.sent <- now:
				case <-ctx.Done():
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
