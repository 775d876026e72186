package accounts

import (
	"context"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/auditevent"
	"github.com/gatehouse/gatehouse/ent/auditseal"
	"github.com/gatehouse/gatehouse/ent/job"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/revocation"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/throttle"
	"github.com/gatehouse/gatehouse/ent/totpfactor"
	"github.com/gatehouse/gatehouse/internal/token"
)

const (
	// SessionRetention is how long a session is stored after it expired or was revoked: `gatehouse admin` shows it.
	SessionRetention = 30 * 24 * time.Hour
	// sweepRows is how many rows one step of a sweep reads or deletes.
	sweepRows = 1000
)

// SweptTables returns the names of the tables from which rows are deleted when they have expired.
func SweptTables() []string {
	return []string{accesstoken.Table, auditevent.Table, auditseal.Table, ChangesTable, job.Table, onetimetoken.Table,
		revocation.Table, session.Table, throttle.Table, totpfactor.Table}
}

// DeleteOldSessions deletes sessions that ended SessionRetention ago. It looks at the next thousand sessions by id, and
// goes on while there were some to delete, so it needs no index, which each refresh would have to write. At one call in
// five seconds it has looked at a million after an hour and a half. Call it periodically, from one goroutine.
func (s *Service) DeleteOldSessions(ctx context.Context) error {
	return s.sweep(ctx, session.Table, func(ctx context.Context, tx *ent.Tx) (int, error) {
		now := s.now()
		rows, err := tx.Session.Query().Where(session.IDGT(s.sweptSession)).Order(ent.Asc(session.FieldID)).Limit(sweepRows).
			Select(session.FieldID, session.FieldEndedAt, session.FieldIdleExpiresAt, session.FieldExpiresAt).All(ctx)
		if err != nil {
			return 0, err
		}
		s.sweptSession = uuid.Nil // the next step begins again
		if len(rows) == sweepRows {
			s.sweptSession = rows[sweepRows-1].ID
		}
		var old []any
		for _, row := range rows {
			end := expiry(row)
			if row.EndedAt != nil && row.EndedAt.Before(end) {
				end = *row.EndedAt
			}
			if now.Sub(end) >= SessionRetention {
				old = append(old, row.ID)
			}
		}
		if len(old) == 0 {
			return 0, nil
		}
		return tx.Session.Delete().Where(unlocked(session.Table, entsql.In(session.FieldID, old...))).Exec(ctx)
	})
}

// DeleteOldAccessTokens deletes personal access tokens that expired SessionRetention ago. Call it periodically.
func (s *Service) DeleteOldAccessTokens(ctx context.Context) error {
	return s.sweep(ctx, accesstoken.Table, func(ctx context.Context, tx *ent.Tx) (int, error) {
		old := entsql.LTE(accesstoken.FieldExpiresAt, s.now().Add(-SessionRetention))
		return tx.AccessToken.Delete().Where(unlocked(accesstoken.Table, old)).Exec(ctx)
	})
}

// DeleteUnconfirmedTotpFactors deletes authenticator apps that were not confirmed in time, by any instance's clock. Call
// it periodically.
func (s *Service) DeleteUnconfirmedTotpFactors(ctx context.Context) error {
	return s.sweep(ctx, totpfactor.Table, func(ctx context.Context, tx *ent.Tx) (int, error) {
		old := entsql.And(entsql.IsFalse(totpfactor.FieldConfirmed),
			entsql.LTE(totpfactor.FieldCreatedAt, s.now().Add(-setupTTL-token.Leeway)))
		return tx.TotpFactor.Delete().Where(unlocked(totpfactor.Table, old)).Exec(ctx)
	})
}

// DeleteOldAuditEvents deletes what the audit log has had for Config.Retention, and what its last seal says may be gone.
// Call it periodically.
func (s *Service) DeleteOldAuditEvents(ctx context.Context) error {
	from, err := s.kept(ctx)
	if err != nil {
		return err
	}
	return s.sweep(ctx, auditevent.Table, func(ctx context.Context, tx *ent.Tx) (int, error) {
		old := entsql.LT(auditevent.FieldID, firstAuditID(from))
		return tx.AuditEvent.Delete().Where(unlocked(auditevent.Table, old)).Exec(ctx)
	})
}

// unlocked matches at most sweepRows rows that no other transaction has locked: a sweep waits for none, and so can run
// on several instances.
func unlocked(table string, where *entsql.Predicate) func(*entsql.Selector) {
	return func(s *entsql.Selector) {
		rows := entsql.Dialect(s.Dialect()).Select("id").From(entsql.Table(table)).Where(where).Limit(sweepRows)
		if s.Dialect() == dialect.Postgres {
			rows.ForUpdate(entsql.WithLockAction(entsql.SkipLocked))
		}
		s.Where(entsql.In(s.C("id"), rows))
	}
}

// ChangesTable is the log of changes, whose rows package database deletes, with Sweep.
const ChangesTable = "changes"

// Sweep runs step, which deletes some rows of a table in one statement, until it finds none. Each step waits for its
// turn among the transactions, and Sweep rests after it for as long as it took, so that it takes half of the database's
// time at most.
func (s *Service) Sweep(ctx context.Context, table string, step func(context.Context) (int, error)) error {
	return s.untilNone(ctx, table, func() (int, error) {
		release, err := s.turns.wait(ctx, nil)
		if err != nil {
			return 0, err
		}
		defer release()
		return step(ctx)
	})
}

// sweep is Sweep for steps in a transaction.
func (s *Service) sweep(ctx context.Context, table string, step func(context.Context, *ent.Tx) (int, error)) error {
	return s.untilNone(ctx, table, func() (rows int, err error) {
		err = s.turns.atomically(ctx, s.config.Client, nil, func(tx *ent.Tx) (err error) {
			rows, err = step(ctx, tx)
			return err
		})
		return rows, err
	})
}

func (s *Service) untilNone(ctx context.Context, table string, step func() (rows int, err error)) error {
	return resting(ctx, func() (int, error) {
		rows, err := step()
		if err == nil && rows > 0 {
			s.config.OnSwept(table, rows)
		}
		return rows, err
	})
}

// resting runs step until it finds nothing to do, and rests after each for as long as it took.
func resting(ctx context.Context, step func() (rows int, err error)) error {
	for {
		began := time.Now()
		rows, err := step()
		if err != nil || rows == 0 || !rest(ctx, began) {
			return err // the next call goes on
		}
	}
}

// rest waits for as long as what began then has taken. It reports false when the context has ended.
func rest(ctx context.Context, began time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Since(began)):
		return true
	}
}
