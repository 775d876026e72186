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

// Passkey is a key pair whose public half is stored here (Web Authentication).
type Passkey struct{ ent.Schema }

// Annotations of Passkey.
func (Passkey) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "passkeys"}}
}

// Fields of Passkey. Nothing of it is secret.
func (Passkey) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.Bytes("credential_id").Immutable().Comment("chosen by the authenticator"),
		field.Bytes("public_key").Immutable().Comment("a COSE_Key (RFC 9052)"),
		field.Int64("sign_count").Comment("of its newest signature; 0 where the authenticator does not count"),
		field.String("transports").Immutable().Comment("how browsers reach the authenticator, with a blank between"),
		field.Bytes("aaguid").Immutable().Comment("the model of the authenticator, which nobody vouches for"),
		field.Bool("backup_eligible").Immutable().Comment("it may be on several devices"),
		field.Bool("backed_up").Comment("it is on several devices, or in their cloud"),
		field.String("name").Optional().Nillable().Comment("by which its user tells it from others"),
		field.Int("credential_generation").
			Comment("the account's when its password was last proved beside it: it opens an older account no more"),
		field.Time("last_used_at").Optional().Nillable(),
		field.Time("created_at").Immutable(),
	}
}

// Edges of Passkey.
func (Passkey) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("passkeys").Field("user_id").Unique().Required().Immutable(),
	}
}

// Indexes of Passkey.
func (Passkey) Indexes() []ent.Index {
	return []ent.Index{index.Fields("credential_id").Unique(), index.Fields("user_id")}
}
