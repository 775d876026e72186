package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Throttle is a counter of tries to sign in. Its ids are keyed digests: the table tells nobody's address. With SQLite
// it is empty, because there the one instance counts in memory. It has no index but that of the ids: an update then writes
// none, and Postgres removes old versions of a row without a VACUUM.
type Throttle struct{ ent.Schema }

// Annotations of Throttle.
func (Throttle) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "throttles"}}
}

// Fields of Throttle.
func (Throttle) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable().Comment("keyed digest of what is counted"),
		field.Time("at").Comment("the newest try that was let through"),
		field.Time("until").Comment("when the last of the tries is forgotten"),
	}
}
