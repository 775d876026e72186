package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse/gatehouse/internal/pgtemp"
)

const (
	endingClients = 64
	endedSessions = 10_000
)

// changeLog is what it costs to tell the instances of a change, how soon they know, and what a pooler costs.
// Its server waits for the disk, as real ones do.
func changeLog(ctx context.Context, b *bench) error {
	if quick := b.postgres; quick != nil {
		durable, err := pgtemp.New(os.TempDir(), "fsync=on", "full_page_writes=on")
		if err != nil {
			return err
		}
		defer func() { b.stopAll(); b.postgres = quick; durable.Close() }()
		b.postgres = durable
	}
	for _, v := range b.variants() {
		if v.engine.name != "Postgres" {
			continue
		}
		url, err := b.makeDatabase(ctx, v, dataset{users: small.users, cost: cheapCost})
		if err != nil {
			return err
		}
		for _, measure := range []func(context.Context, variant, string) error{b.endings, b.refusals, b.pooler} {
			if err := measure(ctx, v, url); err != nil {
				return err
			}
		}
	}
	return nil
}

// endings is commits/s of clients that end sessions, divided by the same without triggers.
func (b *bench) endings(ctx context.Context, v variant, url string) error {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxIdleConns(endingClients)
	const insert = `INSERT INTO sessions (id, user_id, refresh_digest, refresh_generation, authenticated_at, created_at,
		last_used_at, idle_expires_at, expires_at)
		SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, u.id, '', 0, now(), now(), now(),
		now() + interval '1 day', now() + interval '1 day'
		FROM generate_series(0, %d) AS n JOIN (SELECT id, row_number() OVER () AS i FROM users) AS u ON u.i = n %% %d + 1`
	if _, err := db.ExecContext(ctx, fmt.Sprintf(insert, endedSessions-1, small.users)); err != nil {
		return err
	}
	var rates [2][]float64
	for range b.size.rounds {
		for i, state := range []string{"DISABLE", "ENABLE"} {
			for _, table := range []string{"sessions", "revocations"} {
				if _, err := db.ExecContext(ctx, "ALTER TABLE "+table+" "+state+" TRIGGER USER"); err != nil {
					return err
				}
			}
			rate, err := endSessions(ctx, db, b.size.round)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	b.table.note("ending sessions, %s: %.0f commits/s of %d clients", v.label, median(rates[1]), endingClients)
	b.table.add("ending sessions, "+v.label+": commits/s ÷ the same without telling anybody", ratios(rates[1], rates[0]),
		v.targets(atLeast(0.80, 0.95)))
	return nil
}

// endSessions returns commits/s.
func endSessions(ctx context.Context, db *sql.DB, d time.Duration) (float64, error) {
	var running sync.WaitGroup
	var commits atomic.Int64
	failed := make(chan error, endingClients)
	for range endingClients {
		running.Go(func() {
			for began := time.Now(); time.Since(began) < d; commits.Add(1) {
				if err := endSession(ctx, db, rand.IntN(endedSessions)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	running.Wait()
	select {
	case err := <-failed:
		return 0, err
	default:
		return float64(commits.Load()) / d.Seconds(), nil
	}
}

func endSession(ctx context.Context, db *sql.DB, n int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	id := fmt.Sprintf("'00000000-0000-7000-8000-%012d'", n)
	for _, statement := range []string{
		"UPDATE sessions SET ended_at = clock_timestamp() WHERE id = " + id,
		"INSERT INTO revocations (user_id, session_id, at, until) SELECT user_id, id, now(), now() FROM sessions WHERE id = " + id,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// pooler is the rate of `me` through PgBouncer in transaction mode, divided by the rate without, and how soon a session
// that has ended is refused through it.
func (b *bench) pooler(ctx context.Context, v variant, direct string) error {
	pooled, stop, err := b.startPgBouncer(ctx, direct)
	if err != nil {
		b.table.note("Without PgBouncer: %v.", err)
		return nil
	}
	defer stop()
	var me [2]workload
	for i, url := range []string{direct, pooled} {
		p, err := b.launch(ctx, v, url, cheapCost, anything)
		if err != nil {
			return err
		}
		if me[i], err = meWorkload(ctx, p, b.size.callers, small.users); err != nil {
			return err
		}
	}
	var rates [2][]float64
	for range b.size.rounds {
		for i, w := range me {
			rate, err := w.closedLoop(ctx, connections, b.size.round)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	b.table.add("me through PgBouncer in transaction mode, "+v.label+" ÷ direct", ratios(rates[1], rates[0]),
		v.targets(atLeast(0.80, 0.95)))
	v.label += " through PgBouncer"
	return b.refusals(ctx, v, pooled)
}

// startPgBouncer starts one before the server of a URL, and returns the URL through it.
func (b *bench) startPgBouncer(ctx context.Context, direct string) (pooled string, stop func(), err error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		return "", nil, err
	}
	folder, err := os.MkdirTemp("", "gatehouse-pgbouncer-")
	if err != nil {
		return "", nil, err
	}
	if err := os.Chmod(folder, 0o755); err != nil { // PgBouncer may run as another account
		return "", nil, err
	}
	made, err := pgtemp.NewPgBouncer(folder, direct, "transaction", 8)
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, program, made.Args...)
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	return made.URL, func() { cmd.Process.Kill(); cmd.Wait(); os.RemoveAll(folder) }, nil
}

// anything is a first request that any server answers.
var anything = workload{requests: [][]byte{graphqlRequest("{__typename}", nil, "")}, prefix: []byte(`{"data":`)}

const logoutQuery = "mutation{logout{success}}"

// refusals is how soon another instance refuses a session that has ended.
func (b *bench) refusals(ctx context.Context, v variant, url string) error {
	var servers [2]*process
	var clients [2]*client
	for i := range servers {
		var err error
		if servers[i], err = b.launch(ctx, v, url, cheapCost, anything); err != nil {
			return err
		}
		if clients[i], err = dial(servers[i].address); err != nil {
			return err
		}
		defer clients[i].conn.Close()
	}
	tokens, err := signIn(ctx, servers[0], min(1000, b.size.sessions), small.users)
	if err != nil {
		return err
	}
	var took []float64
	for _, token := range tokens {
		me := graphqlRequest(meQuery, nil, token)
		for range 2 { // read, and cached
			if _, err := clients[1].do(me); err != nil {
				return err
			}
		}
		if _, err := clients[0].do(graphqlRequest(logoutQuery, nil, token)); err != nil {
			return err
		}
		for ended := time.Now(); ; {
			body, err := clients[1].do(me)
			if err != nil {
				return err
			}
			if bytes.HasPrefix(body, deniedPrefix) {
				took = append(took, milliseconds(time.Since(ended)))
				break
			}
		}
	}
	b.table.note("a session that ended is refused by another instance, %s: after %.0f ms in half of %d trials", v.label,
		median(took), len(took))
	b.table.add("the same, "+v.label+", the longest", []float64{slices.Max(took)}, v.targets(atMost(100, 50).in("ms")))
	return nil
}
