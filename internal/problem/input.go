package problem

// InputProblem is a value of GraphQL's enum of that name: what is wrong with an input.
type InputProblem string

// The values of InputProblem in schema.graphql.
const (
	Required    InputProblem = "REQUIRED"
	TooShort    InputProblem = "TOO_SHORT"
	TooLong     InputProblem = "TOO_LONG"
	TooCommon   InputProblem = "TOO_COMMON"
	SameAsEmail InputProblem = "SAME_AS_EMAIL"
	Malformed   InputProblem = "MALFORMED"
	OutOfRange  InputProblem = "OUT_OF_RANGE"
	NotAllowed  InputProblem = "NOT_ALLOWED"
)

// Bounds are the least and the greatest number that an input may be, or its number of characters.
type Bounds struct{ Min, Max int }
