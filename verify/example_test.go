package verify_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/gatehouse/gatehouse/verify"
)

// A service that lets in signed-in users of a Gatehouse, and refuses tokens whose session has ended.
func Example() {
	v, err := verify.New(verify.Config{
		Issuer:      "https://id.example.org",
		Revocations: &verify.Feed{Token: "one of the tokens in GATEHOUSE_REVOCATIONS_TOKEN"},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go v.Run(ctx) // reads the feed, until the service stops

	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := verify.From(r.Context())
		fmt.Fprintf(w, "hello, %s of %v\n", t.UserID, t.Roles)
	})
	http.Handle("/hello", v.Middleware(hello))
	// log.Fatal(http.ListenAndServe("127.0.0.1:8082", nil))
}
