package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Job is work that a transaction asked for, such as a mail, and that is done after its commit. The row of a job that is
// done is deleted.
type Job struct{ ent.Schema }

// Annotations of Job.
func (Job) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "jobs"}}
}

// Fields of Job. There is no edge: a job may outlive whom it is about, and then has nothing to do.
func (Job) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("kind").Immutable(),
		field.Text("args").Immutable().Comment("JSON: ids and choices, never a token"),
		field.Time("due_at").Comment("from when on it may be worked; of a leased job, when the lease ends"),
		field.Int("attempt").Comment("how often it was begun"),
		field.String("leased_by").Optional().Nillable().Comment("who works it; null: nobody"),
		field.Text("last_error").Optional().Nillable().Comment("of the newest attempt that failed"),
		field.Time("failed_at").Optional().Nillable().Comment("when it was given up; null: it is to be done"),
		field.Time("created_at").Immutable(),
	}
}

// Indexes of Job. Jobs that wait have two, by whether they were begun: a claim of the ones does not read a backlog of
// the others.
func (Job) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("due_at").StorageKey("jobs_fresh").Annotations(entsql.IndexWhere("failed_at IS NULL AND attempt = 0")),
		index.Fields("due_at").StorageKey("jobs_begun").Annotations(entsql.IndexWhere("failed_at IS NULL AND attempt > 0")),
		index.Fields("failed_at").StorageKey("jobs_failed").Annotations(entsql.IndexWhere("failed_at IS NOT NULL")),
	}
}
