package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// TotpFactor is an authenticator app of a user: one that counts, and one at most that is being set up.
type TotpFactor struct{ ent.Schema }

// Annotations of TotpFactor.
func (TotpFactor) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "totp_factors"}}
}

// Fields of TotpFactor.
func (TotpFactor) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.Bool("confirmed").Comment("whether the user has shown a code of it; until then it counts for nothing"),
		field.UUID("session_id", uuid.UUID{}).Optional().Nillable().
			Comment("the session that sets it up, and no other; null once it is confirmed"),
		field.Bytes("sealed").Sensitive().Immutable().Comment("the secret, sealed with the key of factors"),
		field.Int64("last_step").Default(0).Comment("RFC 6238's T of the newest code that was used: none works twice"),
		field.Time("last_used_at").Optional().Nillable(),
		field.Time("created_at").Comment("when it was confirmed, or begun"),
	}
}

// Edges of TotpFactor.
func (TotpFactor) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("totp_factors").Field("user_id").Unique().Required().Immutable(),
	}
}

// Indexes of TotpFactor. The last one finds those of which nobody has shown a code in time.
func (TotpFactor) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "confirmed").Unique(),
		index.Fields("created_at").StorageKey("totp_factors_begun").Annotations(entsql.IndexWhere("NOT confirmed"))}
}
