// Command guard serves articles, some of which are not for everyone. Who may read and change what stands in
// schema.graphql only; of Gatehouse it imports package authz and nothing else.
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
	guarded, err := newHandler(graph.NewExecutableSchema(graph.Config{Resolvers: newDesk()}))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	server := http.Server{Handler: guarded, ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(listener)
}

// newHandler returns the guarded handler of a schema. It fails when the schema leaves open who may use a part of it.
func newHandler(schema graphql.ExecutableSchema) (http.Handler, error) {
	server := handler.New(schema)
	server.AddTransport(transport.GET{})
	server.AddTransport(transport.POST{})

	// The ten lines: make the guard and use it.
	guard, err := authz.New(schema.Schema(), authz.Config{
		Viewer:        func(ctx context.Context) authz.Viewer { return readerFrom(ctx) },
		Owners:        map[string]authz.Owner{"AUTHOR": wrote},
		Introspection: true,
	})
	if err != nil {
		return nil, err
	}
	guard.Describe()
	server.Use(guard)
	// That is all: no resolver refuses anyone.

	return identify(server), nil
}
