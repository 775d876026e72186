package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// AuditEvent is one security event. There is no edge: the record outlives the account and the session. Only what it says
// of a person is erased, once their account is. Its id has the time, so that the key of the table is also the index on
// time.
type AuditEvent struct{ ent.Schema }

// Annotations of AuditEvent.
func (AuditEvent) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "audit_events"}}
}

// Fields of AuditEvent.
func (AuditEvent) Fields() []ent.Field {
	text := func(name, comment string) ent.Field {
		return field.String(name).Optional().Nillable().Comment(comment)
	}
	id := func(name, comment string) ent.Field {
		return field.UUID(name, uuid.UUID{}).Optional().Nillable().Comment(comment)
	}
	hash := func(name, comment string) ent.Field { return field.Bytes(name).Optional().Comment(comment) }
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable().Comment("UUIDv7 of when it happened"),
		field.String("kind").Immutable().Comment("what happened: an EventKind"),
		id("user_id", "whose account it concerns"),
		id("session_id", "the session that began or ended"),
		field.String("actor").Immutable().Comment("in which capacity somebody acted: GraphQL's AuditActor value"),
		id("actor_id", "the user who acted"),
		id("actor_session_id", "with this session"),
		text("operator", "the operating system's user who ran the command"),
		text("ip", "address of the request"),
		text("user_agent", "of the request"),
		text("request_id", "under which the log has lines about it"),
		text("before", "the value that was changed"),
		text("after", "the value since then"),
		text("detail", "the limit that refused an attempt, the fields that were denied, or the receipt of an erasure"),
		field.Int("omitted").Immutable().Comment("how many refused attempts before it were not recorded"),
		hash("user_salt", "random; null once what the row says of the account is erased"),
		hash("user_erased", "what was erased of the account: its hash with the salt; null while it is there"),
		hash("actor_salt", "the same of who acted"),
		hash("actor_erased", "the same of who acted"),
	}
}

// Indexes of AuditEvent: one for each filter, in the order of the list.
func (AuditEvent) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id", "id"), index.Fields("actor_id", "id"), index.Fields("kind", "id"),
	}
}
