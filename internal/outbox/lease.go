package outbox

import (
	"context"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/job"
	"github.com/gatehouse/gatehouse/ent/predicate"
)

// maxClockSkew is by how much the clocks of two instances may differ: a lease lasts so much longer than an attempt, or
// else an instance whose clock is ahead would begin a job that another one works.
const maxClockSkew = time.Minute

// leased is a job that this instance alone may work.
type leased struct {
	Job
	lease string    // names the instance and the claim; no other claim has it
	began time.Time // by this process's clock, before the claim
	until time.Time // by the clock of Config: others may take it then
}

// share says which jobs a claim takes.
type share struct {
	n     int
	again bool // that were begun before; else those that were not
}

// claim leases jobs that are due, those that are due for longest first. A job whose lease is over is due: its instance
// crashed, or lost the database.
//
// One statement takes them and another one reads what it took. If the second fails, these jobs wait until the lease is
// over.
func (o *Outbox) claim(ctx context.Context, jobs share) ([]leased, error) {
	if jobs.n <= 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	began, now := time.Now(), o.now()
	until, lease := now.Add(o.config.Timeout+maxClockSkew), o.config.Instance+" "+uuid.NewString()
	taken, err := o.config.Client.Job.Update().Where(o.due(now, jobs)).
		SetLeasedBy(lease).AddAttempt(1).SetDueAt(until).Save(ctx)
	if err != nil || taken == 0 {
		return nil, err
	}
	rows, err := o.config.Client.Job.Query().Where(job.LeasedBy(lease), job.DueAt(until), job.FailedAtIsNil()).All(ctx)
	all := make([]leased, len(rows))
	for i, row := range rows {
		all[i] = leased{jobOf(row), lease, began, until}
	}
	return all, err
}

func jobOf(row *ent.Job) Job {
	return Job{ID: row.ID, Kind: row.Kind, Args: row.Args, Attempt: row.Attempt, CreatedAt: row.CreatedAt.UTC()}
}

// isFresh and wasBegun are written as in the conditions of two indexes, without a parameter: Postgres may make one plan
// for all values of a parameter, which could use neither index.
const (
	isFresh  = "attempt = 0"
	wasBegun = "attempt > 0"
)

// due matches a share of the jobs of our kinds that are due, and that no other transaction is about to lease. On
// Postgres the rows are an array: the planner could run the subquery of an IN more than once, which then locks other
// rows.
func (o *Outbox) due(now time.Time, jobs share) predicate.Job {
	begun := isFresh
	if jobs.again {
		begun = wasBegun
	}
	return func(s *sql.Selector) {
		rows := sql.Dialect(s.Dialect()).Select(job.FieldID).From(sql.Table(job.Table)).Where(sql.And(
			sql.IsNull(job.FieldFailedAt), sql.LTE(job.FieldDueAt, now), sql.In(job.FieldKind, o.kinds...), sql.ExprP(begun),
		)).OrderBy(job.FieldDueAt).Limit(jobs.n)
		if s.Dialect() != dialect.Postgres {
			s.Where(sql.In(s.C(job.FieldID), rows))
			return
		}
		rows.ForUpdate(sql.WithLockAction(sql.SkipLocked))
		s.Where(sql.P(func(b *sql.Builder) {
			b.Ident(s.C(job.FieldID)).WriteString(" = ANY(ARRAY(").Join(rows).WriteString("))")
		}))
	}
}

// end writes how an attempt ended, if the job is still leased to it. A job that is done leaves nothing.
func (o *Outbox) end(ctx context.Context, r result) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	held := []predicate.Job{job.ID(r.ID), job.LeasedBy(r.lease), job.Attempt(r.Attempt)}
	if r.err == nil {
		_, err := o.config.Client.Job.Delete().Where(held...).Exec(ctx)
		return err
	}
	now, update := o.now(), o.config.Client.Job.Update().Where(held...).ClearLeasedBy()
	switch {
	case r.stopped:
		update.AddAttempt(-1).SetDueAt(now)
	case isPermanent(r.err) || r.Attempt >= maxAttempts:
		update.SetFailedAt(now).SetLastError(errorText(r.err))
	default:
		update.SetDueAt(now.Add(delay(r.Attempt))).SetLastError(errorText(r.err))
	}
	n, err := update.Save(ctx)
	if err == nil && n > 0 && !r.stopped {
		o.logFailure(ctx, r)
	}
	return err
}

func (o *Outbox) logFailure(ctx context.Context, r result) {
	message, log := "a job failed; it is retried", o.config.Log.WarnContext
	if isPermanent(r.err) || r.Attempt >= maxAttempts {
		message, log = "a job failed and was given up", o.config.Log.ErrorContext
	}
	log(ctx, message, "job", r.ID, "kind", r.Kind, "attempt", r.Attempt, "error", errorText(r.err))
}

// Stats says what is to be done.
type Stats struct {
	Waiting int           // jobs that are not done, those included that are being worked
	Oldest  time.Duration // since the oldest of them was added
	Failed  int           // jobs that were given up
}

// Stats returns the numbers of this moment.
func (o *Outbox) Stats(ctx context.Context) (s Stats, err error) {
	jobs := o.config.Client.Job
	if s.Failed, err = jobs.Query().Where(job.FailedAtNotNil()).Count(ctx); err != nil {
		return s, err
	}
	for _, begun := range []string{isFresh, wasBegun} { // each has its index
		n, err := jobs.Query().Where(job.FailedAtIsNil(), func(all *sql.Selector) { all.Where(sql.ExprP(begun)) }).Count(ctx)
		if err != nil {
			return s, err
		}
		s.Waiting += n
	}
	if s.Waiting == 0 { // the search would read all that were given up
		return s, nil
	}
	oldest, err := jobs.Query().Where(job.FailedAtIsNil()).Order(ent.Asc(job.FieldID)).First(ctx)
	if ent.IsNotFound(err) {
		return s, nil
	}
	if err == nil {
		s.Oldest = max(0, o.now().Sub(oldest.CreatedAt))
	}
	return s, err
}
