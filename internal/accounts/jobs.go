package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/job"
)

// FailedJobRetention is how long a job that was given up is stored, for the operator.
const FailedJobRetention = 30 * 24 * time.Hour

// enqueue adds a job to the transaction. It is worked after the commit, by any instance, at least once. args become
// JSON in the database and its backups: ids and choices, never a token.
func (tx *transaction) enqueue(ctx context.Context, kind string, args any) error {
	text, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("writing a job of the kind %s: %w", kind, err)
	}
	id, err := tx.service.config.NewID()
	if err != nil {
		return err
	}
	now := tx.service.now()
	err = tx.Job.Create().SetID(id).SetKind(kind).SetArgs(string(text)).SetAttempt(0).SetDueAt(now).SetCreatedAt(now).Exec(ctx)
	if err != nil {
		return fmt.Errorf("writing a job of the kind %s: %w", kind, err)
	}
	tx.committed = append(tx.committed, tx.service.config.OnEnqueued)
	return nil
}

// DeleteFailedJobs deletes jobs that were given up FailedJobRetention ago. Call it periodically.
func (s *Service) DeleteFailedJobs(ctx context.Context) error {
	return s.sweep(ctx, job.Table, func(ctx context.Context, tx *ent.Tx) (int, error) {
		old := entsql.LTE(job.FieldFailedAt, s.now().Add(-FailedJobRetention))
		return tx.Job.Delete().Where(unlocked(job.Table, old)).Exec(ctx)
	})
}
