// Command service is a resource server: it answers requests with an access token of a Gatehouse. Of Gatehouse it
// imports package verify and nothing else.
//
//	go run . &                                        # a Gatehouse on 127.0.0.1:8080, from the root of the repository
//	go run ./examples/service                         # a token is valid until it expires
//	FEED_TOKEN=… go run ./examples/service            # a token is valid until its session ends, or it expires
//
//	curl -s 127.0.0.1:8082/hello -H 'authorization: Bearer TOKEN'
//	  {"userId":"0197c1b0-…","roles":["USER"]}
//
// FEED_TOKEN is one of the tokens in the Gatehouse's GATEHOUSE_REVOCATIONS_TOKEN. It is in the environment, where other
// users of the machine do not see it. The rest are flags: see -help.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gatehouse/gatehouse/verify"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	address := flag.String("address", "127.0.0.1:8082", "where to listen; port 0 takes a free one")
	issuer := flag.String("issuer", "http://127.0.0.1:8080",
		"the address of the Gatehouse, as in the iss of its tokens")
	audience := flag.String("audience", "gatehouse", "the aud of the tokens")
	flag.Parse()

	config := verify.Config{Issuer: *issuer, Audience: *audience}
	if secret := os.Getenv("FEED_TOKEN"); secret != "" {
		config.Revocations = &verify.Feed{Token: secret}
	}
	if err := run(ctx, *address, config, func(url string) { fmt.Println("listening on " + url) }); err != nil {
		slog.Error("the service stopped", "error", err)
		os.Exit(1)
	}
}

// run serves until the context ends, and then lets running requests finish. It calls ready with its URL.
func run(ctx context.Context, address string, config verify.Config, ready func(url string)) error {
	v, err := verify.New(config)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /hello", v.Middleware(http.HandlerFunc(hello)))
	server := http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go v.Run(ctx)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	ready("http://" + listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	shutdown, cancelShutdown := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancelShutdown()
	return errors.Join(server.Shutdown(shutdown), server.Close())
}

// hello returns the caller's id and roles. The middleware has refused requests without a valid token.
func hello(w http.ResponseWriter, r *http.Request) {
	caller, _ := verify.From(r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"userId": caller.UserID, "roles": caller.Roles})
}
