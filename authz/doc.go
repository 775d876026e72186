// Package authz makes a GraphQL schema its own access policy.
//
// It compiles the rules that a schema's @auth and @public directives state into a table and rejects a schema that
// leaves a place without a rule. It turns each operation, once, into a plan of the rules that apply to it, and decides
// the plan for a viewer before anything runs. It knows gqlparser and gqlgen's graphql package, and nothing of users,
// tokens or databases: the server supplies the caller (Viewer) and the meaning of ownership (OwnerOf).
//
// README.md leads from an empty folder to a first answer. These are its ten lines; gqlgen.yml lists directives.graphql
// under schema, and says skip_runtime: true for the three directives.
//
//	guard, err := authz.New(schema.Schema(), authz.Config{
//		Viewer: func(ctx context.Context) (authz.Viewer, error) { return callerFrom(ctx), nil },
//		Owners: map[string][]authz.Owner{"AUTHOR": {authz.OwnerOf(isAuthor)}},
//	})
//	if err != nil {
//		log.Fatal(err) // it names each place of the schema that does not say who may use it
//	}
//	server := handler.New(schema)
//	server.AddTransport(transport.POST{})
//	server.Use(guard)
//
// The directives mean, in the order in which a request meets them:
//
//   - a field needs the rule of its type and its own rule; @public widens nothing;
//   - a rule on an argument or input field counts when the client supplied it, null included;
//   - a caller whom scopes restrict (RestrictedViewer) satisfies only alternatives that name scopes, on the type and on
//     the field; @public stays open to it;
//   - mfa asks for a caller who has proved a second factor (MultiFactorViewer), and maxAge for a recent proof: a caller
//     who lacks nothing else is asked to authenticate again (REAUTHENTICATION_REQUIRED);
//   - what is selected through an interface or union is decided by each concrete type's own rules;
//   - a mutation or subscription with one forbidden part does nothing at all; a query's forbidden fields are null with
//     one error a coordinate; when nothing is left to run the operation is rejected before execution;
//   - an owner rule is decided on the object before any of its fields resolves; an object of another owner, one of a
//     forbidden type behind an interface or union, and a missing one get the same answer;
//   - a subscription is decided again before each event, and a lost right ends it; so does an event whose context
//     (@subscriptionContext) is not derived from the subscription's; a batch resolver is asked only about the objects
//     whose field the viewer may see;
//   - an ID that a mutation acts on says whose object it may name: @auth(owner: …), or @public for any. The object is
//     loaded before anything runs (Config.Objects), and a foreign and a missing one are refused alike. Null names none
//     and passes. What is refused for another reason loads nothing, and so does not say NOT_FOUND;
//   - a field that is narrower than its type, and a guarded one of the query type, is nullable, so that a denial takes
//     nothing else with it;
//   - what cannot be decided is denied.
//
// An operation that is rejected before execution has errors and no data. gqlgen's own transports answer that with 200
// and "data": null; a server that wants 401 and 403 for it reads extensions.code of the errors in its transport.
//
// # Limits
//
// The guard decides who may use a field, which objects a mutation may name, and what is shown. It cannot decide
//
//   - who the caller is: Config.Viewer says so, and checks the credential;
//   - what a resolver looks for: a hidden object of a list leaves a null or takes the list with it, so its presence
//     shows, and a count, filter, order or cursor tells what it reads; a resolver selects what the caller may know of;
//   - what a resolver writes beyond the objects that its ID arguments name (another scalar than ID names none), and what
//     changes between that check and the write: the resolver's own transaction names the owner again;
//   - what stands within a scalar: a map or JSON is one value;
//   - what a resolver's error says, but for NOT_FOUND where the object could be another's;
//   - what an operation costs, how often it is sent, and how long its answer takes: limits and time-outs stand before;
//   - what does not pass it: other routes, and a server of the same resolvers that does not Use it.
package authz

import _ "embed"

// Directives is the SDL of @auth, @public and @signsIn: directives.graphql, which belongs in the list schema of
// gqlgen.yml. The schema itself defines enum Role and enum Owner.
//
//go:embed directives.graphql
var Directives string
