package graph

//go:generate sh -c "cd .. && go run graph/gqlgen.go"
