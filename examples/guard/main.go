// Command guard serves articles, which everyone may read, and drafts, which not everyone may. All access rules stand in
// schema.graphql. Of Gatehouse it imports package authz and, for callers who have an account there, package verify.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/examples/guard/graph"
)

//go:generate go tool gqlgen generate

func main() {
	address := flag.String("address", "127.0.0.1:8081", "where to listen; port 0 takes a free one")
	issuer := flag.String("issuer", "", "the address of a Gatehouse, whose users are the callers; default: headers")
	flag.Parse()
	log.Fatal(run(*address, *issuer))
}

func run(address, issuer string) error {
	callers := usersByHeader
	if issuer != "" {
		var err error
		if callers, err = usersOf(issuer); err != nil {
			return err
		}
	}
	h, err := newHandler(graph.NewExecutableSchema(graph.Config{Resolvers: newStore(callers.name)}), callers)
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
func newHandler(schema graphql.ExecutableSchema, callers users) (http.Handler, error) {
	server := handler.New(schema)
	server.AddTransport(transport.GET{})
	server.AddTransport(transport.POST{})

	// The ten lines: make the guard and use it.
	guard, err := authz.New(schema.Schema(), authz.Config{
		Viewer:        callers.viewer,
		Owners:        map[string][]authz.Owner{"AUTHOR": {authz.OwnerOf(isAuthor)}},
		Introspection: true,
	})
	if err != nil {
		return nil, err
	}
	guard.Describe()
	server.Use(guard)
	// That is all: no resolver checks access.

	return callers.middleware(server), nil
}
