// The operations of the page beyond those of web/common. A test holds them against schema.graphql.
export const permitted = `query Permitted($coordinates: [String!]!) {
  me { id email name }
  permissions(coordinates: $coordinates) { coordinate allowed code }
}`;

export const users = `query Users(
  $first: Int, $after: String, $last: Int, $before: String, $search: String, $filter: UserFilter, $orderBy: UserOrder
) {
  users(
    first: $first, after: $after, last: $last, before: $before, search: $search, filter: $filter, orderBy: $orderBy
  ) {
    edges { node { id email emailVerified name roles status createdAt } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
    totalCountIsExact
  }
}`;
export const user = `query User($id: ID!) {
  user(id: $id) { id email emailVerified pendingEmail name locale roles status createdAt updatedAt }
}`;

export const audit = `query Audit($first: Int, $after: String, $last: Int, $before: String, $filter: AuditFilter) {
  auditLog(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    edges {
      node {
        id occurredAt kind userId sessionId actor actorId actorSessionId operator ip userAgent requestId before after
        detail omitted
      }
    }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

export const inviteUser = `mutation InviteUser($email: String!, $roles: [Role!], $locale: String) {
  inviteUser(input: {email: $email, roles: $roles, locale: $locale}) { success }
}`;
export const setRoles = `mutation SetRoles($id: ID!, $roles: [Role!]!, $allowUnverifiedEmail: Boolean) {
  setRoles(input: {userId: $id, roles: $roles, allowUnverifiedEmail: $allowUnverifiedEmail}) { user { id } }
}`;
export const suspendUser = 'mutation SuspendUser($id: ID!) { suspendUser(id: $id) { user { id } } }';
export const reinstateUser = 'mutation ReinstateUser($id: ID!) { reinstateUser(id: $id) { user { id } } }';
export const endSessions = 'mutation EndSessions($id: ID!) { endSessions(userId: $id) { success } }';
export const deleteUser = 'mutation DeleteUser($id: ID!) { deleteUser(id: $id) { success } }';
export const sendPasswordReset = 'mutation SendPasswordReset($id: ID!) { sendPasswordReset(userId: $id) { success } }';
