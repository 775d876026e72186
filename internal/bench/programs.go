package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

const createTokenQuery = "mutation($in:CreateAccessTokenInput!){createAccessToken(input:$in){token}}"

var createTokenPrefix = []byte(`{"data":{"createAccessToken":{"token":"`)

// programs is `me` with a personal access token, divided by `me` with a session: of the same users, on one server.
func programs(ctx context.Context, b *bench) error {
	_, err := b.alternate(ctx, nil, func(v variant) ([]*subject, error) {
		if v.other { // it may know no such tokens
			return nil, nil
		}
		return b.programsOf(ctx, v)
	})
	return err
}

func (b *bench) programsOf(ctx context.Context, v variant) ([]*subject, error) {
	p, err := b.serve(ctx, v, small)
	if err != nil {
		return nil, err
	}
	sessions, err := signIn(ctx, p, b.size.callers, small.users)
	if err != nil {
		return nil, err
	}
	tokens, err := createTokens(ctx, p, sessions)
	if err != nil {
		return nil, err
	}
	subjectOf := func(name string, tokens []string, against ...comparison) *subject {
		w := workload{address: p.address, prefix: mePrefix}
		for _, token := range tokens {
			w.requests = append(w.requests, graphqlRequest(meQuery, nil, token))
		}
		return &subject{name: name + ", " + v.label, process: p, workload: w, warmUp: len(tokens), against: against}
	}
	session := subjectOf("me with a session", sessions)
	program := subjectOf("me with a personal access token", tokens, comparison{session, v.targets(atLeast(0.90, 0.95))})
	return []*subject{session, program}, nil
}

// createTokens makes a personal access token in each session.
func createTokens(ctx context.Context, p *process, sessions []string) ([]string, error) {
	w := workload{address: p.address, prefix: createTokenPrefix}
	input := map[string]any{"name": "bench", "scopes": []string{"account:read"},
		"expiresAt": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)}
	for _, session := range sessions {
		w.requests = append(w.requests, graphqlRequest(createTokenQuery, map[string]any{"in": input}, session))
	}
	tokens := make([]string, len(sessions))
	err := w.onEach(ctx, 1, func(_ int, c *client) error {
		for i := range sessions {
			if err := c.ask(w, i); err != nil {
				return fmt.Errorf("making the personal access token %d: %w", i, err)
			}
			var response struct {
				Data struct{ CreateAccessToken struct{ Token string } }
			}
			if err := json.Unmarshal(c.body, &response); err != nil {
				return err
			}
			tokens[i] = response.Data.CreateAccessToken.Token
		}
		return nil
	})
	return tokens, err
}
