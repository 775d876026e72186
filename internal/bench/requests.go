package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// The operations. No page asks for totalCount: counting takes longer the more there is to count.
const (
	meQuery    = "{me{id email}}"
	loginQuery = "mutation($in:LoginInput!){login(input:$in){accessToken}}"
	usersQuery = "query($after:String){users(first:100,after:$after){" +
		"edges{cursor node{id email name roles status createdAt}}pageInfo{hasNextPage endCursor}}}"
	searchQuery         = "query($search:String){users(search:$search){edges{node{id email}}}}"
	administratorsQuery = "{users(filter:{role:ADMIN}){edges{node{id email}}}}"
	proofQuery          = "mutation($in:ReauthenticateInput!){reauthenticate(input:$in){expiresIn}}"
	suspendQuery        = "mutation($id:ID!){suspendUser(id:$id){user{id}}reinstateUser(id:$id){user{id}}}"
)

// The beginnings of their answers.
var (
	mePrefix     = []byte(`{"data":{"me":{"id":"`)
	deniedPrefix = []byte(`{"errors":[{`)
	loginPrefix  = []byte(`{"data":{"login":{"accessToken":"`)
	usersPrefix  = []byte(`{"data":{"users":{"edges":[{`)

	suspendPrefix = []byte(`{"data":{"suspendUser":{"user":{"id":`)
)

// graphqlRequest is the bytes of one request.
func graphqlRequest(query string, variables map[string]any, token string) []byte {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		panic(err) // strings and maps of strings
	}
	head := "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n" +
		"Accept: application/json\r\nContent-Type: application/json\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

// from says where a request comes from.
func from(address string, request []byte) []byte {
	const before = "User-Agent: "
	return bytes.Replace(request, []byte(before), []byte("X-Forwarded-For: "+address+"\r\n"+before), 1)
}

func loginRequest(user int) []byte {
	input := map[string]any{"email": userEmail(user), "password": userPassword}
	return graphqlRequest(loginQuery, map[string]any{"in": input}, "")
}

// meWorkload is `me` of so many callers, spread over the users.
func meWorkload(ctx context.Context, p *process, callers, users int) (workload, error) {
	w := workload{address: p.address, prefix: mePrefix}
	tokens, err := signIn(ctx, p, callers, users)
	for _, token := range tokens {
		w.requests = append(w.requests, graphqlRequest(meQuery, nil, token))
	}
	return w, err
}

// deniedWorkload is `me` of an anonymous caller.
func deniedWorkload(address string) workload {
	return workload{address: address, requests: [][]byte{graphqlRequest(meQuery, nil, "")}, prefix: deniedPrefix}
}

func loginWorkload(p *process, callers, users int) workload {
	w := workload{address: p.address, prefix: loginPrefix}
	for i := range callers {
		w.requests = append(w.requests, loginRequest(i*(users/callers)))
	}
	return w
}

// usersWorkload is pages all over the list.
func usersWorkload(ctx context.Context, p *process, pages, users int) (workload, error) {
	w := workload{address: p.address, prefix: usersPrefix}
	tokens, err := signIn(ctx, p, 1, users)
	if err != nil {
		return w, err
	}
	first, err := firstCursor(ctx, p, tokens[0])
	if err != nil {
		return w, fmt.Errorf("asking for the first users: %w", err)
	}
	for i := range pages {
		after, wrong := cursor(first, i*(users-101)/pages)
		err = errors.Join(err, wrong)
		w.requests = append(w.requests, graphqlRequest(usersQuery, map[string]any{"after": after}, tokens[0]))
	}
	return w, err
}

// firstCursor asks for the first page of users, and returns the cursor of its first.
func firstCursor(ctx context.Context, p *process, token string) (string, error) {
	w := workload{address: p.address, prefix: usersPrefix, requests: [][]byte{graphqlRequest(usersQuery, nil, token)}}
	var response struct {
		Data struct {
			Users struct{ Edges []struct{ Cursor string } }
		}
	}
	err := w.onEach(ctx, 1, func(_ int, c *client) error {
		if err := c.ask(w, 0); err != nil {
			return err
		}
		return json.Unmarshal(c.body, &response)
	})
	if err == nil && len(response.Data.Users.Edges) == 0 {
		err = errors.New("there are none")
	}
	if err != nil {
		return "", err
	}
	return response.Data.Users.Edges[0].Cursor, nil
}

// administrationWorkloads are a search that finds one user, one that finds many, the filter by role, and suspensions.
func administrationWorkloads(ctx context.Context, p *process, callers, users int) ([]workload, error) {
	tokens, err := signIn(ctx, p, 1, users)
	if err != nil {
		return nil, err
	}
	page := workload{address: p.address, prefix: usersPrefix}
	one, many, filter, suspend := page, page, page, workload{address: p.address, prefix: suspendPrefix}
	suspend.before = graphqlRequest(proofQuery, map[string]any{"in": map[string]any{"password": userPassword}}, tokens[0])
	filter.requests = [][]byte{graphqlRequest(administratorsQuery, nil, tokens[0])}
	for i := range callers {
		n := 1 + i*((users-1)/callers)
		search := map[string]any{"search": userEmail(n)[:9]}
		one.requests = append(one.requests, graphqlRequest(searchQuery, search, tokens[0]))
		search = map[string]any{"search": userEmail(n)[:2]}
		many.requests = append(many.requests, graphqlRequest(searchQuery, search, tokens[0]))
		suspend.requests = append(suspend.requests, graphqlRequest(suspendQuery, map[string]any{"id": userID(n)}, tokens[0]))
	}
	return []workload{one, many, filter, suspend}, nil
}

// signIn returns the access tokens of so many callers, spread over the users; the first is the administrator's.
func signIn(ctx context.Context, p *process, callers, users int) ([]string, error) {
	logins := loginWorkload(p, callers, users)
	tokens := make([]string, callers)
	err := logins.onEach(ctx, min(loginClients, callers), func(i int, c *client) error {
		for ; i < callers; i += loginClients {
			if err := c.askUntilServed(ctx, logins, i); err != nil {
				return fmt.Errorf("signing in as caller %d: %w", i, err)
			}
			var response struct {
				Data struct {
					Login struct{ AccessToken string }
				}
			}
			if err := json.Unmarshal(c.body, &response); err != nil {
				return err
			}
			tokens[i] = response.Data.Login.AccessToken
		}
		return nil
	})
	return tokens, err
}
