// The operations by which users of every page prove who they are, but for those of passkeys, which are the kit's. A test
// holds them against schema.graphql.
const session = 'accessToken expiresIn refreshToken device';

export const login = `mutation Login($email: String!, $password: String!) {
  login(input: {email: $email, password: $password, cookie: true}) { ${session} }
}`;
export const completeLogin = `mutation CompleteLogin($input: CompleteLoginInput!) {
  completeLogin(input: $input) { ${session} }
}`;
export const reauthenticate = `mutation Reauthenticate($input: ReauthenticateInput!) {
  reauthenticate(input: $input) { ${session} }
}`;
export const ways = 'query Ways { me { email factors { __typename } } }';
