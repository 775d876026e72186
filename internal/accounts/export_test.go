package accounts

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
)

// These let the tests of the package look at what has no door of its own.
var (
	FoldAddress   = foldAddress
	LookupAddress = lookupAddress
	AuditID       = auditID
	AuditLeaf     = auditLeaf
	Notices       = notices
	IsNotice      = MailKind.isNotice
	CanSecure     = MailKind.canSecure
)

// InTx is a command's.
func InTx(s *Service, ctx context.Context, f txFunc) error { return s.inTx(ctx, nil, f) }

type Transaction = transaction

// Enqueue is any use case's.
func (tx *transaction) Enqueue(ctx context.Context, kind string, args any) error {
	return tx.enqueue(ctx, kind, args)
}

// SealLines makes the first seal as a version did that knew no erasure, of rows in their order.
func (s *Service) SealLines(ctx context.Context, ids []uuid.UUID) error {
	rows, err := s.auditRows(ctx, ids)
	if err != nil {
		return err
	}
	key := s.config.Access.Keys().Signing(s.now())
	first := &ent.AuditSeal{ID: 1, Form: lineForm, Since: time.Unix(0, 0).UTC(), Until: s.now(),
		Kept: s.now().Add(-s.config.Retention), Previous: []byte{}, Key: key.Public().JWKS()}
	for _, id := range ids {
		line, err := auditLine(rows[id])
		if err != nil {
			return err
		}
		hash := sha256.Sum256(line)
		first.Members, first.Hashes = append(first.Members, id[:]...), append(first.Hashes, hash[:]...)
	}
	first.Root = merkleRoot(first.Hashes)
	if first.Signature, err = key.SignDocument(sealDocument(first)); err != nil {
		return err
	}
	return s.insertSeal(ctx, first)
}
