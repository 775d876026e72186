// The operations of page.mjs. Relay's compiler finds them by their tag, and requires that names begin with the file's.
const graphql = ([text]) => text;

export const register = graphql`
  mutation documentsRegisterMutation($input: RegisterInput!) {
    register(input: $input) { accessToken refreshToken user { id email } }
  }
`;
export const login = graphql`
  mutation documentsLoginMutation($input: LoginInput!) {
    login(input: $input) { accessToken refreshToken user { id email } }
  }
`;
export const refresh = graphql`
  mutation documentsRefreshMutation {
    refresh(input: {}) { accessToken refreshToken user { id email } }
  }
`;
export const logout = graphql`
  mutation documentsLogoutMutation { logout { success } }
`;
export const me = graphql`
  query documentsMeQuery { me { id email } }
`;
export const node = graphql`
  query documentsNodeQuery($id: ID!) { node(id: $id) { id ... on User { email } } }
`;

// For Relay's compiler alone: what is fetched again by its id, and pages in both directions.
graphql`
  fragment documents_user on User @refetchable(queryName: "documentsUserRefetchQuery") { id email name }
`;
graphql`
  fragment documents_session on Session @refetchable(queryName: "documentsSessionRefetchQuery") { id current }
`;
graphql`
  fragment documents_forward on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 10 }, after: { type: "String" })
  @refetchable(queryName: "documentsForwardQuery") {
    users(first: $first, after: $after) @connection(key: "documents_forward_users") { edges { node { ...documents_user } } }
  }
`;
graphql`
  fragment documents_both on Query
  @argumentDefinitions(
    first: { type: "Int" }, after: { type: "String" }, last: { type: "Int" }, before: { type: "String" }
  )
  @refetchable(queryName: "documentsBothQuery") {
    users(first: $first, after: $after, last: $last, before: $before) @connection(key: "documents_both_users") {
      edges { node { ...documents_user } }
    }
  }
`;
