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

// Session is one sign-in of a user, from login to logout.
type Session struct{ ent.Schema }

// Annotations of Session.
func (Session) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "sessions"}}
}

// Fields of Session.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.Bytes("refresh_digest").Sensitive().Comment("keyed digest of the newest refresh token"),
		field.Int("refresh_generation").Comment("how many refresh tokens came before the newest"),
		field.Time("authenticated_at").Comment("when the user last proved who they are: auth_time"),
		field.String("amr").Annotations(entsql.Default("pwd")).
			Comment("what they have proved: values of RFC 8176, with a blank between"),
		field.Time("created_at").Immutable(),
		field.Time("last_used_at"),
		field.Time("idle_expires_at").Comment("when the newest refresh token expires"),
		field.Time("expires_at").Immutable().Comment("when the whole session expires"),
		field.Time("ended_at").Optional().Nillable(),
		field.String("user_agent").Optional().Nillable().Comment("of the newest use that was kept"),
		field.String("ip").Optional().Nillable().Comment("address of that use"),
	}
}

// Edges of Session.
func (Session) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("sessions").Field("user_id").Unique().Required().Immutable(),
	}
}

// Indexes of Session.
func (Session) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id")}
}
