package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Throttle is a counter of tries to sign in, or a network that is known for an account. Its ids are keyed digests: the
// table tells nobody's address. With SQLite it has known networks only, because there the one instance counts in memory.
type Throttle struct{ ent.Schema }

// Annotations of Throttle.
func (Throttle) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "throttles"}}
}

// Fields of Throttle.
func (Throttle) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable().Comment("keyed digest of what is counted or known"),
		field.UUID("account", uuid.UUID{}).Optional().Nillable().Immutable().
			Comment("of a known network: keyed digest of the account's address"),
		field.Time("at").Comment("the newest try that was let through, or the newest sign-in from the network"),
		field.Time("until").Comment("when the last of the tries, or the network, is forgotten"),
	}
}

// Indexes of Throttle.
func (Throttle) Indexes() []ent.Index {
	return []ent.Index{index.Fields("until"), index.Fields("account")}
}
