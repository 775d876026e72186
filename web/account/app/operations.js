// The operations of the page beyond those of web/common. A test holds them against schema.graphql.
const session = 'accessToken expiresIn refreshToken device';

export const register = `mutation Register($email: String!, $password: String!, $name: String) {
  register(input: {email: $email, password: $password, name: $name, cookie: true}) { ${session} }
}`;

export const me = 'query Me { me { id email emailVerified pendingEmail name locale createdAt } }';
export const updateProfile = `mutation UpdateProfile($name: String, $locale: String) {
  updateProfile(input: {name: $name, locale: $locale}) { user { id } }
}`;
export const changeEmail = `mutation ChangeEmail($email: String!) {
  changeEmail(input: {email: $email}) { user { pendingEmail } }
}`;
export const confirmEmailChange = `mutation ConfirmEmailChange($code: String!) {
  confirmEmailChange(input: {code: $code}) { success }
}`;
export const requestEmailVerification = 'mutation RequestEmailVerification { requestEmailVerification { success } }';
export const verifyEmail = 'mutation VerifyEmail($code: String!) { verifyEmail(input: {code: $code}) { success } }';
export const changePassword = `mutation ChangePassword($currentPassword: String!, $newPassword: String!) {
  changePassword(input: {currentPassword: $currentPassword, newPassword: $newPassword}) { ${session} }
}`;

export const factors = `query Factors {
  me {
    email
    factors {
      __typename id createdAt lastUsedAt
      ... on Passkey { name credentialId backedUp }
      ... on RecoveryCodes { remaining }
    }
  }
}`;
export const startTotp = 'mutation StartTotp { startTotp { secret uri qrCode } }';
export const confirmTotp = `mutation ConfirmTotp($code: String!) {
  confirmTotp(input: {code: $code}) { recoveryCodes }
}`;
export const renameFactor = `mutation RenameFactor($id: ID!, $name: String) {
  renameFactor(id: $id, name: $name) { factor { id } }
}`;
export const removeFactor = 'mutation RemoveFactor($id: ID!) { removeFactor(id: $id) { success } }';
export const regenerateRecoveryCodes = 'mutation RegenerateRecoveryCodes { regenerateRecoveryCodes { recoveryCodes } }';

export const sessions = 'query Sessions { me { sessions { id current createdAt lastUsedAt ip userAgent } } }';
export const revokeSession = 'mutation RevokeSession($id: ID!) { revokeSession(id: $id) { session { id } } }';
export const revokeOtherSessions = 'mutation RevokeOtherSessions { revokeOtherSessions { success } }';
export const accessTokens = `query AccessTokens {
  me { accessTokens { id name scopes createdAt expiresAt lastUsedAt } }
  permissions(coordinates: ["Query.users", "Mutation.reinstateUser"]) { allowed }
}`;
export const createAccessToken = `mutation CreateAccessToken($name: String!, $scopes: [String!]!, $expiresAt: Time!) {
  createAccessToken(input: {name: $name, scopes: $scopes, expiresAt: $expiresAt}) { token }
}`;
export const revokeAccessToken = 'mutation RevokeAccessToken($id: ID!) { revokeAccessToken(id: $id) { success } }';

export const activity = `query Activity($after: String) {
  me {
    activity(first: 20, after: $after) {
      edges { node { id occurredAt kind actor ip userAgent } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;
export const exportMyData = 'mutation ExportMyData { exportMyData { success } }';
export const deleteAccount = 'mutation DeleteAccount { deleteAccount { success } }';
