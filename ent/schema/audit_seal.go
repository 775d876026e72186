package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// AuditSeal vouches for rows of the audit log.
type AuditSeal struct{ ent.Schema }

// Annotations of AuditSeal.
func (AuditSeal) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "audit_seals"}}
}

// Fields of AuditSeal.
func (AuditSeal) Fields() []ent.Field {
	given := false
	return []ent.Field{
		field.Int("id").Immutable().Annotations(entsql.Annotation{Incremental: &given}).Comment("1 for the first seal; two instances cannot both make it"),
		field.Time("since").Immutable().Comment("the end of the seal before it; 1970 for the first"),
		field.Time("until").Immutable().Comment("its rows are of before this time"),
		field.Time("kept").Immutable().Comment("rows of before this time may be deleted"),
		field.Bytes("members").Immutable().Comment("ids of its rows, 16 bytes each"),
		field.Int("form").Default(1).Immutable().Comment("of the hashes: 1, of lines of the export; 2, as auditLeaf makes them"),
		field.Bytes("hashes").Immutable().Comment("SHA-256 of each of its rows, 32 bytes each"),
		field.Bytes("root").Immutable().Comment("of the Merkle tree of the hashes"),
		field.Bytes("previous").Immutable().Comment("hash of the seal before it; empty where a chain begins"),
		field.String("key").Immutable().Comment("the public key, as a JWK Set"),
		field.Bytes("signature").Immutable().Comment("of all the rest, by the key"),
	}
}
