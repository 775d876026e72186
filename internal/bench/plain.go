package main

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// plainCommand makes this program the server that the others are compared with, in a process of its own.
const plainCommand = "plain"

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

// servePlain reads the same requests and writes answers of the same size as `me`, and does nothing between.
func servePlain(address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	}))
}
