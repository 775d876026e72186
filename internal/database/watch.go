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
	// beatEvery is how often the link between the instances is proved to work.
	beatEvery = 250 * time.Millisecond
	// beatPatience is how long a beat may stay away before the connection is given up.
	beatPatience = 3 * time.Second
	// listenPatience bounds the wait for an answer to LISTEN.
	listenPatience = 5 * time.Second
	// maxListenPause bounds the pause between connections that delivered nothing. It doubles up to that: PgBouncer in
	// transaction mode accepts LISTEN and never delivers a notification.
	maxListenPause = time.Minute
)

// Watcher is told what instances commit. Its functions are called one after the other.
type Watcher struct {
	Channel    string                // required: of Postgres's NOTIFY
	Heard      func(payload string)  // required: one notification, in the order of their commits
	InTouch    func(since time.Time) // required: whatever was committed before has been heard
	OutOfTouch func()                // required: the connection is lost, and notifications may be
	Wanted     func() bool           // required: whether anybody relies on InTouch at the moment
}

// Watch hears what is notified on a channel until the context ends, and connects again whenever the connection is lost.
// With a database that has no other instances there is nothing to hear, and it is always in touch.
//
// That a connection is open says little: it may hang, or lead to a pooler that drops notifications. So Watch sends
// itself a notification through the pool, four times a second while that is wanted. Postgres delivers notifications in
// the order of their commits; when that one arrives, so has every one before it.
func (d *Database) Watch(ctx context.Context, w Watcher) {
	s, shared := d.engine.(server)
	if !shared {
		alone(ctx, w)
		return
	}
	pause := beatEvery
	for ctx.Err() == nil {
		worked, err := d.listen(ctx, s.url, w)
		w.OutOfTouch()
		if ctx.Err() != nil {
			return
		}
		d.log.WarnContext(ctx, "not in touch with the other instances: every request asks the database until it is", "error", err)
		if pause = min(2*pause, maxListenPause); worked {
			pause = beatEvery
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause + mathrand.N(beatEvery)):
		}
	}
}

var errDeaf = errors.New("notifications stay away; is there a pooler in between? LISTEN needs a connection of its own")

func alone(ctx context.Context, w Watcher) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if w.Wanted() {
				w.InTouch(now)
			}
		}
	}
}

// listen hears by one connection until it ends. It returns whether that delivered anything, and why it ended.
func (d *Database) listen(ctx context.Context, url string, w Watcher) (worked bool, err error) {
	notes := make(chan *pq.Notification, 64)
	conn, err := pq.NewListenerConn(url, notes)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	own := "gatehouse_beat_" + strings.ToLower(rand.Text())
	if err := listenOn(conn, own, w.Channel); err != nil {
		return false, fmt.Errorf("LISTEN: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now() // with the monotonic clock, which the text of a beat counts from
	sent := make(chan time.Time)
	go func() {
		defer func() {
			if cause := recover(); cause != nil { // here it would end the process
				d.log.ErrorContext(ctx, "panic in the background; the link between the instances begins anew", "cause", cause, "stack", string(debug.Stack()))
				conn.Close()
			}
		}()
		d.beat(ctx, own, start, w.Wanted, sent)
	}()
	var waiting, heard time.Time // when the oldest beat was sent that is away, and the newest that is not
	for {
		select {
		case note, open := <-notes:
			switch {
			case !open:
				return !heard.IsZero(), errors.Join(errors.New("the connection is lost"), conn.Err())
			case note.Channel != own:
				w.Heard(note.Extra)
			default:
				if at, err := readBeat(note.Extra, start, time.Now()); err == nil {
					heard = at
					w.InTouch(heard)
				}
			}
		case at := <-sent:
			if !waiting.After(heard) {
				waiting = at
			}
			if waiting.After(heard) && at.Sub(waiting) > beatPatience {
				return !heard.IsZero(), errDeaf
			}
		}
	}
}

// listenOn listens on channels. A server that does not answer loses the connection.
func listenOn(conn *pq.ListenerConn, channels ...string) error {
	defer time.AfterFunc(listenPatience, func() { conn.Close() }).Stop()
	for _, channel := range channels {
		if _, err := conn.Listen(channel); err != nil {
			return err
		}
	}
	return nil
}

// beatText says when a beat is sent: on the monotonic clock since the start, and on the wall clock.
func beatText(start, now time.Time) string {
	return fmt.Sprint(now.Sub(start).Nanoseconds(), now.UnixNano())
}

// readBeat returns when a beat was sent, counted back from now by the clock that says longer ago: what was sent before
// the machine was suspended, and arrives afterwards, is old, though the monotonic clock stood still.
func readBeat(text string, start, now time.Time) (time.Time, error) {
	var since, wall int64
	if _, err := fmt.Sscan(text, &since, &wall); err != nil {
		return time.Time{}, err
	}
	return now.Add(-max(now.Sub(start)-time.Duration(since), time.Duration(now.UnixNano()-wall))), nil
}

// beat notifies the instance's own channel through the pool, as any change is notified, and tells of each when it was
// sent.
func (d *Database) beat(ctx context.Context, own string, start time.Time, wanted func() bool, sent chan<- time.Time) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		if wanted() {
			now := time.Now()
			bounded, cancel := context.WithTimeout(ctx, time.Second)
			_, err := d.sql.ExecContext(bounded, "SELECT pg_notify($1, $2)", own, beatText(start, now))
			cancel()
			if err == nil {
				select {
				case sent <- now:
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
