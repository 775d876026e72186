// The operations of page.mjs. Relay's compiler finds them by their tag, and requires that names begin with the file's.
const graphql = ([text]) => text;

export const register = graphql`
  mutation flowsRegisterMutation($input: RegisterInput!) {
    register(input: $input) { accessToken expiresIn user { id email } }
  }
`;
export const login = graphql`
  mutation flowsLoginMutation($input: LoginInput!) {
    login(input: $input) { accessToken expiresIn user { id email } }
  }
`;
export const me = graphql`
  query flowsMeQuery { me { id email } }
`;
export const rename = graphql`
  mutation flowsRenameMutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id name } } }
`;
export const activity = graphql`
  query flowsActivityQuery($after: String) {
    me { id activity(first: 2, after: $after) { edges { node { id kind } } pageInfo { hasNextPage endCursor } } }
  }
`;
export const startTotp = graphql`
  mutation flowsStartTotpMutation { startTotp { uri } }
`;
