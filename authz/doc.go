// Package authz makes a GraphQL schema its own access policy.
//
// It compiles the rules that a schema's @auth and @public directives state into a table and refuses a schema that
// leaves a question open; it turns each operation, once, into a plan of what has to be asked; and it decides the plan
// for a viewer before anything runs. It knows gqlparser and gqlgen's graphql package, and nothing of users, tokens or
// databases: a server tells it who is calling (Viewer) and what an owner is (Owner).
//
//	guard, err := authz.New(schema.Schema(), authz.Config{
//		Viewer: func(ctx context.Context) authz.Viewer { … },
//		Owners: map[string]authz.Owner{"SELF": …},
//	})
//	server.SetQueryCache(guard.QueryCache(1000))
//	server.Use(guard)
//
// The directives mean, in the order in which a request meets them:
//
//   - a field may be asked for when the rule of its type and its own rule hold; @public widens nothing;
//   - an argument or input field with a rule counts when the client supplied it, null included;
//   - what is selected through an interface or union is decided by each concrete type's own rules;
//   - a mutation or subscription with one forbidden part does nothing at all; a query's forbidden fields are null with
//     one error a coordinate; when nothing is left to run the operation is refused before execution;
//   - an owner rule is decided on the object before any of its fields resolves; an object that is not the viewer's, one
//     of a forbidden type behind an interface or union, and one that is not there answer alike;
//   - what cannot be decided is denied.
//
// An operation that is refused before execution has errors and no data. gqlgen's own transports answer that with 200
// and "data": null; a server that wants 401 and 403 for it reads extensions.code of the errors in its transport.
package authz
