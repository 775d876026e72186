package graph

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/graph/model"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// maxPermissions bounds the places that one field asks about.
const maxPermissions = 100

// permissions asks the guard, and gives its answer in the words of the schema.
func permissions(ctx context.Context, guard *authz.Guard, coordinates []string) ([]*model.Permission, error) {
	if len(coordinates) > maxPermissions {
		return nil, problem.BadInput("coordinates", problem.TooLong,
			fmt.Sprintf("At most %d coordinates can be asked about.", maxPermissions)).Between(0, maxPermissions)
	}
	all, err := guard.Permissions(ctx, coordinates...)
	if unknown, ok := errors.AsType[authz.UnknownCoordinateError](err); ok {
		return nil, problem.BadInput("coordinates", problem.Malformed,
			fmt.Sprintf("The schema has no place %.100q: a coordinate is Type.field, Type.field(argument:) or Input.field.",
				string(unknown)))
	}
	answer := make([]*model.Permission, len(all))
	for i, p := range all {
		answer[i] = permission(p)
	}
	return answer, err
}

func permission(p authz.Permission) *model.Permission {
	answer := &model.Permission{
		Coordinate: p.Coordinate, Allowed: p.Allowed, OwnOnly: p.OwnOnly, Mfa: p.MFA, MissingScopes: p.MissingScopes,
	}
	if answer.MissingScopes == nil {
		answer.MissingScopes = []string{}
	}
	if p.Code != "" {
		code := model.ErrorCode(p.Code)
		answer.Code = &code
	}
	if p.MaxAge > 0 {
		seconds := int32(p.MaxAge)
		answer.MaxAge = &seconds
	}
	return answer
}
