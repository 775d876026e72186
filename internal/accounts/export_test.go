package accounts

// FoldAddress, InTx and Transaction let the tests of the package look at what has no door of its own.
var (
	FoldAddress = foldAddress
	InTx        = (*Service).inTx
)

type Transaction = transaction
