package main

import (
	"context"

	"github.com/Khan/genqlient/graphql"

	gatehouse "github.com/gatehouse/gatehouse/clients/go"
)

//go:generate go tool genqlient

// client sends what genqlient generates. Errors are then those of clients/go, and the session is kept there.
type client struct{ *gatehouse.Client }

// MakeRequest implements graphql.Client.
func (c client) MakeRequest(ctx context.Context, request *graphql.Request, response *graphql.Response) error {
	return c.Do(ctx, request.Query, request.Variables, response.Data)
}
