package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/auditevent"
	"github.com/gatehouse/gatehouse/ent/erasure"
	"github.com/gatehouse/gatehouse/ent/job"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/user"
)

// erasedRows is how many rows of the audit log one step erases: each has a statement, and its receipt is one text.
const erasedRows = 100

// removedAccounts is how many accounts one step removes.
const removedAccounts = 20

// remove deletes an account that the transaction holds, and begins the erasure of what other tables have of its user.
func (s *Service) remove(ctx context.Context, tx *transaction, row *ent.User, now time.Time) error {
	addresses, err := freeAllAddresses(ctx, tx, row)
	if err != nil {
		return err
	}
	if err := tx.User.DeleteOne(row).Exec(ctx); err != nil {
		return err
	}
	return tx.Erasure.Create().SetID(row.ID).SetAddresses(addresses).SetCreatedAt(now).Exec(ctx)
}

// removeDue removes the accounts whose owners can no longer have them again.
func (s *Service) removeDue(ctx context.Context) error {
	return resting(ctx, func() (removed int, err error) {
		now := s.now()
		due := []predicate.User{user.EraseAtNotNil(), user.EraseAtLTE(now), user.Status(string(StatusDeleted))}
		ids, err := s.config.Client.User.Query().Where(due...).Limit(removedAccounts).IDs(ctx)
		if err != nil || len(ids) == 0 {
			return 0, err
		}
		err = s.inTx(ctx, nil, func(ctx context.Context, tx *transaction) error {
			rows, err := tx.User.Query().Where(user.IDIn(ids...)).Where(due...).
				Order(ent.Asc(user.FieldID)).Where(skipLocked).All(ctx)
			for _, row := range rows {
				err = errors.Join(err, s.remove(ctx, tx, row, now))
			}
			removed = len(rows)
			return err
		})
		return removed, err
	})
}

// EraseAccounts removes deleted accounts when their time is over. It erases what the audit log says of users whose
// accounts are gone, and deletes jobs that name them. An erasure lasts until nothing can appear any more: rows that are
// committed late, and mails that are still sent. It goes in small steps, each of them whole, so that a crash loses
// nothing, also on several instances, and rests between them. Call it periodically.
func (s *Service) EraseAccounts(ctx context.Context) error {
	if err := s.removeDue(ctx); err != nil {
		return fmt.Errorf("removing deleted accounts: %w", err)
	}
	for after := uuid.Nil; ; {
		ids, err := s.config.Client.Erasure.Query().Where(erasure.IDGT(after)).Order(ent.Asc(erasure.FieldID)).
			Limit(sweepRows).IDs(ctx)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.erase(ctx, id); err != nil {
				return fmt.Errorf("erasing an account: %w", err)
			}
			if after = id; ctx.Err() != nil {
				return nil
			}
		}
		if len(ids) < sweepRows {
			return nil
		}
	}
}

// erase takes the steps of an erasure that can be taken now, and rests after each.
func (s *Service) erase(ctx context.Context, id uuid.UUID) error {
	for {
		began := time.Now()
		erased, err := s.eraseSome(ctx, id)
		if !rest(ctx, began) || erased == 0 || err != nil {
			return err
		}
	}
}

// eraseSome is one step of an erasure. It returns how many rows of the audit log it has erased.
func (s *Service) eraseSome(ctx context.Context, id uuid.UUID) (erased int, err error) {
	err = s.inTx(ctx, nil, func(ctx context.Context, tx *transaction) error {
		erased = 0
		of, err := tx.Erasure.Query().Where(erasure.ID(id)).Where(skipLocked).Only(ctx)
		if err != nil {
			return ent.MaskNotFound(err) // another instance has it
		}
		rows, err := personalRows(ctx, tx, id)
		if err != nil {
			return err
		}
		if erased = len(rows); erased == 0 {
			return s.endErasure(ctx, tx, of)
		}
		return s.eraseRows(ctx, tx, rows, id)
	})
	return erased, err
}

// skipLocked locks what a query finds, but for rows that another transaction has locked, which it does not find.
func skipLocked(rows *entsql.Selector) {
	if rows.Dialect() == dialect.Postgres {
		rows.ForUpdate(entsql.WithLockAction(entsql.SkipLocked))
	}
}

// personalRows returns some of the rows that name a user, by the one index and then by the other.
func personalRows(ctx context.Context, tx *transaction, id uuid.UUID) ([]*ent.AuditEvent, error) {
	for _, names := range []predicate.AuditEvent{auditevent.UserID(id), auditevent.ActorID(id)} {
		rows, err := tx.AuditEvent.Query().Where(names).Limit(erasedRows).All(ctx)
		if len(rows) > 0 || err != nil {
			return rows, err
		}
	}
	return nil, nil
}

// eraseRows erases what rows say of a user, and leaves a receipt.
func (s *Service) eraseRows(ctx context.Context, tx *transaction, rows []*ent.AuditEvent, id uuid.UUID) error {
	list := make([]erasedRow, len(rows))
	for i, row := range rows {
		list[i] = erasedRow{row.ID, partsAbout(row, id)}
		update := tx.AuditEvent.Update().Where(auditevent.ID(row.ID))
		if list[i].parts&userPart != 0 {
			update.ClearUserID().ClearSessionID().ClearBefore().ClearAfter().ClearUserSalt().
				SetUserErased(userPartOf(row).commit())
		}
		if list[i].parts&actorPart != 0 {
			update.ClearActorID().ClearActorSessionID().ClearIP().ClearUserAgent().ClearRequestID().ClearActorSalt().
				SetActorErased(actorPartOf(row).commit())
		}
		if err := update.Exec(ctx); err != nil {
			return err
		}
	}
	text, err := s.receipt(list)
	if err != nil {
		return fmt.Errorf("writing a receipt: %w", err)
	}
	tx.emit(Event{Kind: AccountErased, After: strconv.Itoa(len(rows)), Receipt: text})
	return nil
}

// partsAbout are those parts of a row that are about a user, and not erased: a part that names nobody is about whom the
// other one names.
func partsAbout(row *ent.AuditEvent, id uuid.UUID) (parts byte) {
	about := func(this, other *uuid.UUID) bool {
		return this != nil && *this == id || this == nil && other != nil && *other == id
	}
	if about(row.UserID, row.ActorID) {
		parts |= userPart
	}
	if about(row.ActorID, row.UserID) {
		parts |= actorPart
	}
	return parts &^ erasedParts(row)
}

// endErasure deletes the jobs of a user that were given up, and the erasure when nothing can appear any more. While a job
// may still be committed late, it looks at none: that reads them all.
func (s *Service) endErasure(ctx context.Context, tx *transaction, of *ent.Erasure) error {
	if s.now().Before(of.CreatedAt.Add(lateCommit)) {
		return nil
	}
	about := jobsAbout(of)
	if _, err := tx.Job.Delete().Where(about, job.FailedAtNotNil()).Exec(ctx); err != nil {
		return err
	}
	left, err := tx.Job.Query().Where(about).Exist(ctx)
	if left || err != nil {
		return err
	}
	return tx.Erasure.DeleteOne(of).Exec(ctx)
}

// jobsAbout matches the jobs that name a user or one of their addresses.
func jobsAbout(of *ent.Erasure) predicate.Job {
	about := []predicate.Job{job.ArgsContains(of.ID.String())}
	for _, address := range of.Addresses {
		quoted, _ := json.Marshal(address) // a text: it cannot fail
		about = append(about, job.ArgsContains(string(quoted)))
	}
	return job.Or(about...)
}
