import type { Gatehouse, RequestOptions } from "./client.js";
import type { PermissionsQuery } from "./gql/graphql.js";
import type { Coordinate } from "./schema.js";

/** What a place of the schema is to the user: whether it is `allowed`, or the `code` by which it would be refused. */
export type Permission = Omit<PermissionsQuery["permissions"][number], "coordinate">;

/** By the coordinates that were asked; of an array whose length the compiler does not know, each may be missing. */
export type Permissions<Asked extends readonly Coordinate[]> = number extends Asked["length"]
  ? { readonly [C in Asked[number]]?: Permission }
  : { readonly [C in Asked[number]]: Permission };

/**
 * What the user may use, by the rules of the schema and without using it: `permissions(gatehouse, ["Query.users"])`
 * resolves to `{ "Query.users": { allowed, … } }`. At most 100 coordinates; the compiler knows those of the schema that
 * this version was generated from. Rejects as `request` does: with BAD_USER_INPUT when a server does not know one.
 */
export async function permissions<const Asked extends readonly Coordinate[]>(
  gatehouse: Pick<Gatehouse, "request">,
  coordinates: Asked,
  options?: RequestOptions,
): Promise<Permissions<Asked>> {
  const answer = await gatehouse.request<PermissionsQuery>(
    `query Permissions($coordinates: [String!]!) {
      permissions(coordinates: $coordinates) { coordinate allowed ownOnly code maxAge mfa missingScopes }
    }`, { coordinates }, options);
  const all = answer.permissions.map(({ coordinate, ...permission }) => [coordinate, permission]);
  return Object.fromEntries(all) as Permissions<Asked>;
}
