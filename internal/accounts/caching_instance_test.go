package accounts_test

import (
	"context"
	"database/sql"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
)

// remembering returns an instance that counts its statements and whose cache is in sync.
func (h *fixture) remembering(bytes int) (*fixture, *meter) {
	h.t.Helper()
	other, m := h.caching(bytes)
	other.SyncedUntil(time.Now().Add(time.Hour)) // for as long as the test lasts
	return other, m
}

// caching is remembering before the first read of the log.
func (h *fixture) caching(bytes int) (*fixture, *meter) {
	metered, m := h.metered()
	return metered.instance(func(c *accounts.Config) { c.SessionCache.Bytes = bytes }), m
}

// follow reads the log of changes until the test ends, as the server does, and returns how often the place was lost.
func (h *fixture) follow() (lost *atomic.Int64) {
	lost = new(atomic.Int64)
	changed := func(all []database.Change) {
		for _, c := range all {
			h.HandleChanges(context.Background(), []accounts.Change{accounts.Change(c)})
		}
	}
	ctx, cancel := context.WithCancel(h.t.Context())
	var over sync.WaitGroup
	over.Go(func() {
		h.db.Follow(ctx, database.Follower{Changed: changed, Synced: h.SyncedUntil,
			Lost: func() { lost.Add(1); h.SyncLost() }, Needed: h.SyncNeeded})
	})
	h.t.Cleanup(func() { cancel(); over.Wait() })
	return lost
}

// takeChanges returns what is in the log of changes, and empties it of all but the mark that Postgres's has.
func (h *fixture) takeChanges() (all []accounts.Change) {
	h.t.Helper()
	rows := must(h.raw.QueryContext(h.t.Context(),
		"DELETE FROM changes WHERE tx <> $1 RETURNING user_id, revocation_id", int64(math.MaxInt64)))
	defer rows.Close()
	for rows.Next() {
		var user uuid.NullUUID
		var revocation sql.NullInt64
		check(h.t, rows.Scan(&user, &revocation))
		all = append(all, accounts.Change{UserID: user.UUID, RevocationID: int(revocation.Int64)})
	}
	check(h.t, rows.Err())
	return all
}

// reads is how many statements it costs to learn who a payload's token is, and whether they are signed in.
func (h *fixture) reads(m *meter, p *accounts.AuthPayload) (n int, signedIn bool) {
	h.t.Helper()
	n = len(m.count(func() { signedIn = h.caller(p).SignedIn() }))
	return n, signedIn
}

// wantReads checks reads; a session that is remembered costs none.
func (h *fixture) wantReads(m *meter, what string, p *accounts.AuthPayload, want int, wantSignedIn bool) {
	h.t.Helper()
	if n, signedIn := h.reads(m, p); n != want || signedIn != wantSignedIn {
		h.t.Errorf("%s: %d statements, signed in: %v; want %d, %v", what, n, signedIn, want, wantSignedIn)
	}
}
