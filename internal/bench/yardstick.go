package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/bench/baregqlgen"
)

const (
	plainCommand = "plain"
	bareCommand  = "bare"
)

// becomeYardstick serves one of the servers that others are compared with when the arguments are its name and an
// address. It returns when they are not.
func becomeYardstick() {
	if len(os.Args) != 3 {
		return
	}
	debug.SetGCPercent(175) // as gatehouse serve does while little is live
	mux := http.NewServeMux()
	switch os.Args[1] {
	case plainCommand:
		mux.HandleFunc("/graphql", answerPlainly)
	case bareCommand:
		mux.Handle("/graphql", baregqlgen.NewHandler(bareUsers()))
	default:
		return
	}
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Fprintln(w, allocatedBytes, m.TotalAlloc)
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Args[2], mux))
	os.Exit(1)
}

// plainRequest is a GraphQL request as any JSON server would read it.
type plainRequest struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
}

type plainUser struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

type plainAnswer struct {
	Data struct {
		Me plainUser `json:"me"`
	} `json:"data"`
}

// answerPlainly reads the same requests and writes answers of the same size as `me`, and does nothing between.
func answerPlainly(w http.ResponseWriter, r *http.Request) {
	var request plainRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var answer plainAnswer
	answer.Data.Me = plainUser{ID: userID(1), Email: userEmail(1)}
	text, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Write(text)
}

// bareUsers are a page of users as insertUsers writes them.
func bareUsers() []*baregqlgen.User {
	users := make([]*baregqlgen.User, 100)
	for n := range users {
		users[n] = &baregqlgen.User{ID: uuid.MustParse(userID(n)), Email: userEmail(n),
			Roles: []baregqlgen.Role{baregqlgen.RoleUser}, Status: baregqlgen.UserStatusActive,
			CreatedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	}
	return users
}
