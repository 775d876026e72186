// Command guard serves articles, which everyone may read, and drafts, which not everyone may. All access rules stand in
// schema.graphql. Of Gatehouse it imports package authz and nothing else.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/examples/guard/graph"
)

//go:generate go tool gqlgen generate

func main() {
	address := "127.0.0.1:8081" // or the first argument; port 0 takes a free one
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	log.Fatal(run(address))
}

func run(address string) error {
	h, err := newHandler(graph.NewExecutableSchema(graph.Config{Resolvers: newStore()}))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	server := http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(listener)
}

// newHandler returns the guarded handler of a schema. It fails when a part of the schema does not say who may use it.
func newHandler(schema graphql.ExecutableSchema) (http.Handler, error) {
	server := handler.New(schema)
	server.AddTransport(transport.GET{})
	server.AddTransport(transport.POST{})

	// The ten lines: make the guard and use it.
	guard, err := authz.New(schema.Schema(), authz.Config{
		Viewer:        func(ctx context.Context) (authz.Viewer, error) { return callerFrom(ctx), nil },
		Owners:        map[string][]authz.Owner{"AUTHOR": {authz.OwnerOf(isAuthor)}},
		Introspection: true,
	})
	if err != nil {
		return nil, err
	}
	guard.Describe()
	server.Use(guard)
	// That is all: no resolver checks access.

	return authenticate(server), nil
}
