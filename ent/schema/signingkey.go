package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// SigningKey is a private key that signs access tokens.
type SigningKey struct{ ent.Schema }

// Annotations of SigningKey.
func (SigningKey) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "signing_keys"}}
}

// Fields of SigningKey.
func (SigningKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable().Comment("kid: RFC 7638 thumbprint"),
		field.Int("sequence").Unique().Immutable().Comment("1 for the first key; two instances cannot both make it"),
		field.Bytes("sealed").Sensitive().Comment("PKCS#8, sealed with the secret"),
		field.Time("created_at").Immutable().Comment("from when it is published"),
		field.Time("signs_at").Immutable().Comment("from when it signs, until the next one does"),
		field.Time("ends_at").Optional().Nillable().Comment("from when it verifies nothing; null while no key comes after it"),
	}
}
