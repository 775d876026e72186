package accounts

import "context"

// These let the tests of the package look at what has no door of its own.
var (
	FoldAddress   = foldAddress
	LookupAddress = lookupAddress
	AuditID       = auditID
	Notices       = notices
)

// InTx is a command's.
func InTx(s *Service, ctx context.Context, f txFunc) error { return s.inTx(ctx, nil, f) }

type Transaction = transaction

// Enqueue is any use case's.
func (tx *transaction) Enqueue(ctx context.Context, kind string, args any) error {
	return tx.enqueue(ctx, kind, args)
}
