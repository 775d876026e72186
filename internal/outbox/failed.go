package outbox

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/job"
)

// maxListed bounds a list of failed jobs.
const maxListed = 1000

// FailedJob is a job that was given up.
type FailedJob struct {
	Job
	FailedAt time.Time
	Error    string // of its last attempt: a line
}

// Failed returns the jobs that were given up, the newest of them last, at most a thousand: the newest ones.
func Failed(ctx context.Context, client *ent.Client) ([]FailedJob, error) {
	rows, err := client.Job.Query().Where(job.FailedAtNotNil()).
		Order(job.ByFailedAt(sql.OrderDesc()), job.ByID(sql.OrderDesc())).Limit(maxListed).All(ctx)
	failed := make([]FailedJob, len(rows))
	for i, row := range rows {
		f := FailedJob{Job: jobOf(row), FailedAt: row.FailedAt.UTC()}
		if row.LastError != nil {
			f.Error = *row.LastError
		}
		failed[len(rows)-1-i] = f
	}
	return failed, err
}

// Retry begins again with the job of an id that was given up, or with all that were when it is uuid.Nil, and returns how
// many these are. Running instances find them within a second or two.
func Retry(ctx context.Context, client *ent.Client, id uuid.UUID) (int, error) {
	update := client.Job.Update().Where(job.FailedAtNotNil())
	if id != uuid.Nil {
		update.Where(job.ID(id))
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	return update.ClearFailedAt().SetAttempt(0).SetDueAt(now).Save(ctx)
}
