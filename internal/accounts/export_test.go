package accounts

import "context"

// FoldAddress, InTx and Transaction let the tests of the package look at what has no door of its own.
var (
	FoldAddress = foldAddress
)

// InTx is a command's.
func InTx(s *Service, ctx context.Context, f txFunc) error { return s.inTx(ctx, nil, f) }

type Transaction = transaction
