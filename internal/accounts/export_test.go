package accounts

// FoldAddress and InTx let the tests of the package look at what has no door of its own.
var (
	FoldAddress = foldAddress
	InTx        = (*Service).inTx
)
