package accounts

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Refused attempts change nothing, so that no transaction of their own could have them. They are written together, once
// a second, outside of any request: they slow no sign-in down, and a wrong password costs the statements of an unknown
// address. A crash loses those of a second.
const (
	refusalInterval = time.Second
	refusalTimeout  = 5 * time.Second
	// maxRefusalAge is how long they wait for a database that takes no writes. Then they are omitted.
	maxRefusalAge = time.Minute

	// One network has so many rows, and then one a minute or so; all together have so many, and then one in four seconds
	// an instance: 22,000 a day, about 10 MB with indexes, however many attempts there are.
	freeRefusalsOfNetwork = 20
	freeRefusals          = 1000
	refusalDelay          = 4 * time.Second
)

// refusals are refused attempts that are not written yet.
type refusals struct {
	mu      sync.Mutex
	pending []auditRow
	omitted int // since the last row

	budget *memoryStore
	names  *throttler // only its names of counters
}

func newRefusals() (*refusals, error) {
	key := make([]byte, token.KeyedHashKeyLen)
	rand.Read(key)
	names, err := token.NewKeyedHash(key)
	return &refusals{budget: newMemoryStore(maxRefusalCounters), names: &throttler{names: names}}, err
}

// add notes an attempt, within the budget of its network and of all. It never waits.
func (r *refusals) add(row auditRow, now time.Time) {
	counters := r.names.networks(limit{free: freeRefusalsOfNetwork}, "refusals", row.from)
	counters = append(counters, counter{r.names.names.ID("all"), "", backoff{freeRefusals, refusalDelay}})
	refused := r.budget.count(now, counters...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if refused.wait > 0 || len(r.pending) >= maxPendingRefusals {
		r.omitted++
		return
	}
	row.omitted, r.omitted = r.omitted, 0
	r.pending = append(r.pending, row)
}

// take removes all that are pending, and omits those that have waited too long.
func (r *refusals) take(now time.Time) (rows []auditRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range r.pending {
		if now.Sub(auditTime(row.id)) > maxRefusalAge {
			r.omitted += 1 + row.omitted
			continue
		}
		rows = append(rows, row)
	}
	r.pending = nil
	return rows
}

func (r *refusals) putBack(rows []auditRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(rows, r.pending...)
}

// refuse publishes that something was refused, and has it written to the audit log.
func (s *Service) refuse(ctx context.Context, e Event) {
	s.config.OnEvent(ctx, e)
	now := s.now()
	s.refusals.add(auditRowOf(ctx, e, auditID(now, 0)), now)
}

// Denied records that the policy denied a signed-in caller fields.
func (s *Service) Denied(ctx context.Context, fields string) {
	if v := viewer.From(ctx); v.SignedIn() {
		s.refuse(ctx, Event{Kind: OperationDenied, UserID: v.UserID, SessionID: v.CredentialID(), Denied: fields})
	}
}

// KeepWritingRefusals writes refused attempts to the audit log every second, until the context ends, and then the rest:
// it calls write, which calls WriteRefusals.
func (s *Service) KeepWritingRefusals(ctx context.Context, write func(context.Context) bool) {
	tick := time.NewTicker(refusalInterval)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-tick.C:
		}
		write(context.WithoutCancel(ctx))
	}
}

// WriteRefusals writes the refused attempts since the last call. After a failure the next call writes them.
func (s *Service) WriteRefusals(ctx context.Context) error {
	rows := s.refusals.take(s.now())
	if len(rows) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, refusalTimeout)
	defer cancel()
	err := s.turns.atomically(ctx, s.config.Client, nil, func(tx *ent.Tx) error { return insertAuditRows(ctx, tx, rows) })
	if err != nil {
		s.refusals.putBack(rows)
	}
	return err
}
