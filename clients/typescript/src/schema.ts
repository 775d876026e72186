/** In which capacity somebody acted. */
export const AuditActor = {
  /** An administrator, on what is not their own. */
  ADMINISTRATOR: 'ADMINISTRATOR',
  /** A request without a usable access token. */
  ANONYMOUS: 'ANONYMOUS',
  /** A user of the operating system, by a command. */
  OPERATOR: 'OPERATOR',
  /** The server itself, such as a change of keys that was due. */
  SYSTEM: 'SYSTEM',
  /** A signed-in user, or one who has just proved who they are. */
  USER: 'USER'
} as const;

export type AuditActor = typeof AuditActor[keyof typeof AuditActor];
/** The value of `extensions.code`, which every error carries. */
export const ErrorCode = {
  /**
   * A value is refused. There is one such error for each value: `field` names it, `reason` is an `InputProblem`, and `min`
   * and `max` are its bounds where it has some. A request that is refused as a whole has none of these.
   */
  BAD_USER_INPUT: 'BAD_USER_INPUT',
  /** There is an account with this address, or one that can go back to it. */
  EMAIL_TAKEN: 'EMAIL_TAKEN',
  /** Not allowed: to this caller, or on this server to anybody. */
  FORBIDDEN: 'FORBIDDEN',
  /** The document is not GraphQL. */
  GRAPHQL_PARSE_FAILED: 'GRAPHQL_PARSE_FAILED',
  /** The document does not fit the schema, or a variable its type. */
  GRAPHQL_VALIDATION_FAILED: 'GRAPHQL_VALIDATION_FAILED',
  /** The token lacks scopes, listed in `missingScopes`. */
  INSUFFICIENT_SCOPE: 'INSUFFICIENT_SCOPE',
  /** A fault of the server; `requestId` finds it in the server's log. */
  INTERNAL: 'INTERNAL',
  /**
   * Wrong e-mail address, password, code or passkey; `reason` is `unknown` for a passkey that no account has, which the
   * browser can then delete.
   */
  INVALID_CREDENTIALS: 'INVALID_CREDENTIALS',
  /**
   * There is no refresh token, or it, the token of a link or a challenge is refused; `reason` is `missing`, `unknown`,
   * `used`, `revoked` or `expired`. Without a refresh token the user is signed out, unless another tab has a newer one;
   * instead of the link, ask for another mail.
   */
  INVALID_TOKEN: 'INVALID_TOKEN',
  /** The change would leave no administrator. */
  LAST_ADMIN: 'LAST_ADMIN',
  /** The operation is too deep, wide, costly or long; `limit` names the bound. */
  LIMIT_EXCEEDED: 'LIMIT_EXCEEDED',
  /** This needs mail, and the server sends none. */
  MAIL_OFF: 'MAIL_OFF',
  /** The object is not there, or not for this caller. */
  NOT_FOUND: 'NOT_FOUND',
  /** The request has the hash of a persisted document and no document: send the document in `query`. */
  PERSISTED_QUERY_NOT_SUPPORTED: 'PERSISTED_QUERY_NOT_SUPPORTED',
  /** Too many attempts; `retryAfter` says how many seconds to wait. */
  RATE_LIMITED: 'RATE_LIMITED',
  /** Signed in, but not recently enough; `maxAge` says how recently, in seconds. */
  REAUTHENTICATION_REQUIRED: 'REAUTHENTICATION_REQUIRED',
  /**
   * The password or the token of a reset is right, and the account wants a second factor: go on with `completeLogin`, with
   * the `challenge`. `factors` lists what it can be completed with: values of `FactorKind`.
   */
  SECOND_FACTOR_REQUIRED: 'SECOND_FACTOR_REQUIRED',
  /** A guarded field, and no usable credential; `reason` is `missing`, `expired`, `revoked` or `invalid`. */
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  /** The database does not answer, or a queue is full; `retryAfter` says how many seconds to wait. */
  UNAVAILABLE: 'UNAVAILABLE',
  /**
   * A mail is on its way, which says how to go on. It is the answer of `register` where addresses are confirmed first, for
   * every address, whether an account has it or not.
   */
  VERIFICATION_REQUIRED: 'VERIFICATION_REQUIRED'
} as const;

export type ErrorCode = typeof ErrorCode[keyof typeof ErrorCode];
/** What a sign-in can be completed with: `factors` of `SECOND_FACTOR_REQUIRED`. */
export const FactorKind = {
  /** A passkey. */
  PASSKEY: 'PASSKEY',
  /** A recovery code. */
  RECOVERY_CODES: 'RECOVERY_CODES',
  /** A code of an authenticator app. */
  TOTP: 'TOTP'
} as const;

export type FactorKind = typeof FactorKind[keyof typeof FactorKind];
/** What is wrong with a value: the `reason` of `BAD_USER_INPUT`. */
export const InputProblem = {
  /** It is not written as such a value is: an address, an ID, a cursor, a line of text. */
  MALFORMED: 'MALFORMED',
  /** This caller, or this request, may not have it. */
  NOT_ALLOWED: 'NOT_ALLOWED',
  /** It is a number below `min` or above `max`. */
  OUT_OF_RANGE: 'OUT_OF_RANGE',
  /** It is empty, or lacks a part that it must have. */
  REQUIRED: 'REQUIRED',
  /** It is the e-mail address of the account. */
  SAME_AS_EMAIL: 'SAME_AS_EMAIL',
  /** It is among the passwords that are guessed first. */
  TOO_COMMON: 'TOO_COMMON',
  /** It has more than `max` characters. */
  TOO_LONG: 'TOO_LONG',
  /** It has fewer than `min` characters. */
  TOO_SHORT: 'TOO_SHORT'
} as const;

export type InputProblem = typeof InputProblem[keyof typeof InputProblem];
/** Which way a list is sorted. */
export const OrderDirection = {
  /** The oldest first; addresses from a to z. */
  ASC: 'ASC',
  /** The newest first; addresses from z to a. */
  DESC: 'DESC'
} as const;

export type OrderDirection = typeof OrderDirection[keyof typeof OrderDirection];
/** How a caller may relate to an object. */
export const Owner = {
  /** The object is the caller's own: the user themselves. */
  SELF: 'SELF'
} as const;

export type Owner = typeof Owner[keyof typeof Owner];
/** What a user may do. */
export const Role = {
  /** Manage all accounts. */
  ADMIN: 'ADMIN',
  /** Use their own account. */
  USER: 'USER'
} as const;

export type Role = typeof Role[keyof typeof Role];
/** What users can be sorted by. */
export const UserOrderField = {
  /** When the account was made. */
  CREATED_AT: 'CREATED_AT',
  /** The e-mail address, by the bytes of its lower-case form. */
  EMAIL: 'EMAIL'
} as const;

export type UserOrderField = typeof UserOrderField[keyof typeof UserOrderField];
/** Whether an account may be used. */
export const UserStatus = {
  /** The account may be used. */
  ACTIVE: 'ACTIVE',
  /**
   * The account was deleted and is not erased yet: its sessions have ended. Its owner has it again by signing in, unless
   * an administrator deleted it.
   */
  DELETED: 'DELETED',
  /** An administrator has suspended the account: it cannot sign in and its sessions have ended. */
  SUSPENDED: 'SUSPENDED'
} as const;

export type UserStatus = typeof UserStatus[keyof typeof UserStatus];
/** A place of the schema about which `permissions` can be asked. */
export type Coordinate =
  | 'AcceptInvitationInput.cookie'
  | 'AcceptInvitationInput.name'
  | 'AcceptInvitationInput.password'
  | 'AcceptInvitationInput.token'
  | 'AddPasskeyInput.name'
  | 'AddPasskeyInput.response'
  | 'AddPasskeyPayload.factor'
  | 'AddPasskeyPayload.recoveryCodes'
  | 'AuditConnection.edges'
  | 'AuditConnection.pageInfo'
  | 'AuditEdge.cursor'
  | 'AuditEdge.node'
  | 'AuditEvent.actor'
  | 'AuditEvent.actorId'
  | 'AuditEvent.actorSessionId'
  | 'AuditEvent.after'
  | 'AuditEvent.before'
  | 'AuditEvent.detail'
  | 'AuditEvent.id'
  | 'AuditEvent.ip'
  | 'AuditEvent.kind'
  | 'AuditEvent.occurredAt'
  | 'AuditEvent.omitted'
  | 'AuditEvent.operator'
  | 'AuditEvent.requestId'
  | 'AuditEvent.sessionId'
  | 'AuditEvent.userAgent'
  | 'AuditEvent.userId'
  | 'AuditFilter.actorId'
  | 'AuditFilter.kind'
  | 'AuditFilter.since'
  | 'AuditFilter.until'
  | 'AuditFilter.userId'
  | 'AuthPayload.accessToken'
  | 'AuthPayload.device'
  | 'AuthPayload.expiresIn'
  | 'AuthPayload.refreshToken'
  | 'AuthPayload.tokenType'
  | 'AuthPayload.user'
  | 'ChangeEmailInput.email'
  | 'ChangeEmailPayload.user'
  | 'ChangePasswordInput.currentPassword'
  | 'ChangePasswordInput.newPassword'
  | 'CompleteLoginInput.challenge'
  | 'CompleteLoginInput.code'
  | 'CompleteLoginInput.cookie'
  | 'CompleteLoginInput.device'
  | 'CompleteLoginInput.passkey'
  | 'CompleteLoginInput.recoveryCode'
  | 'CompleteLoginInput.rememberDevice'
  | 'ConfirmEmailChangeInput.code'
  | 'ConfirmEmailChangeInput.token'
  | 'ConfirmEmailChangePayload.success'
  | 'ConfirmTotpInput.code'
  | 'ConfirmTotpPayload.factor'
  | 'ConfirmTotpPayload.recoveryCodes'
  | 'CreateAccessTokenInput.expiresAt'
  | 'CreateAccessTokenInput.name'
  | 'CreateAccessTokenInput.scopes'
  | 'CreateAccessTokenPayload.accessToken'
  | 'CreateAccessTokenPayload.token'
  | 'DeleteAccountPayload.success'
  | 'DeleteUserPayload.success'
  | 'DownloadMyDataInput.token'
  | 'DownloadMyDataPayload.json'
  | 'EndSessionsPayload.success'
  | 'ExportMyDataPayload.success'
  | 'InviteUserInput.email'
  | 'InviteUserInput.locale'
  | 'InviteUserInput.roles'
  | 'InviteUserPayload.success'
  | 'LoginInput.cookie'
  | 'LoginInput.device'
  | 'LoginInput.email'
  | 'LoginInput.password'
  | 'LogoutPayload.success'
  | 'Mutation.acceptInvitation'
  | 'Mutation.acceptInvitation(input:)'
  | 'Mutation.addPasskey'
  | 'Mutation.addPasskey(input:)'
  | 'Mutation.changeEmail'
  | 'Mutation.changeEmail(input:)'
  | 'Mutation.changePassword'
  | 'Mutation.changePassword(input:)'
  | 'Mutation.completeLogin'
  | 'Mutation.completeLogin(input:)'
  | 'Mutation.confirmEmailChange'
  | 'Mutation.confirmEmailChange(input:)'
  | 'Mutation.confirmTotp'
  | 'Mutation.confirmTotp(input:)'
  | 'Mutation.createAccessToken'
  | 'Mutation.createAccessToken(input:)'
  | 'Mutation.deleteAccount'
  | 'Mutation.deleteUser'
  | 'Mutation.deleteUser(id:)'
  | 'Mutation.downloadMyData'
  | 'Mutation.downloadMyData(input:)'
  | 'Mutation.endSessions'
  | 'Mutation.endSessions(userId:)'
  | 'Mutation.exportMyData'
  | 'Mutation.inviteUser'
  | 'Mutation.inviteUser(input:)'
  | 'Mutation.login'
  | 'Mutation.login(input:)'
  | 'Mutation.logout'
  | 'Mutation.passkeyLogin'
  | 'Mutation.passkeyLogin(input:)'
  | 'Mutation.reauthenticate'
  | 'Mutation.reauthenticate(input:)'
  | 'Mutation.refresh'
  | 'Mutation.refresh(input:)'
  | 'Mutation.regenerateRecoveryCodes'
  | 'Mutation.register'
  | 'Mutation.register(input:)'
  | 'Mutation.reinstateUser'
  | 'Mutation.reinstateUser(id:)'
  | 'Mutation.removeFactor'
  | 'Mutation.removeFactor(id:)'
  | 'Mutation.renameFactor'
  | 'Mutation.renameFactor(id:)'
  | 'Mutation.renameFactor(name:)'
  | 'Mutation.requestEmailVerification'
  | 'Mutation.requestPasswordReset'
  | 'Mutation.requestPasswordReset(input:)'
  | 'Mutation.resetPassword'
  | 'Mutation.resetPassword(input:)'
  | 'Mutation.revertEmailChange'
  | 'Mutation.revertEmailChange(input:)'
  | 'Mutation.revokeAccessToken'
  | 'Mutation.revokeAccessToken(id:)'
  | 'Mutation.revokeOtherSessions'
  | 'Mutation.revokeSession'
  | 'Mutation.revokeSession(id:)'
  | 'Mutation.secureAccount'
  | 'Mutation.secureAccount(input:)'
  | 'Mutation.sendPasswordReset'
  | 'Mutation.sendPasswordReset(userId:)'
  | 'Mutation.setRoles'
  | 'Mutation.setRoles(input:)'
  | 'Mutation.startPasskey'
  | 'Mutation.startPasskeyLogin'
  | 'Mutation.startTotp'
  | 'Mutation.suspendUser'
  | 'Mutation.suspendUser(id:)'
  | 'Mutation.updateProfile'
  | 'Mutation.updateProfile(input:)'
  | 'Mutation.verifyEmail'
  | 'Mutation.verifyEmail(input:)'
  | 'PageInfo.endCursor'
  | 'PageInfo.hasNextPage'
  | 'PageInfo.hasPreviousPage'
  | 'PageInfo.startCursor'
  | 'Passkey.backedUp'
  | 'Passkey.createdAt'
  | 'Passkey.credentialId'
  | 'Passkey.id'
  | 'Passkey.lastUsedAt'
  | 'Passkey.name'
  | 'PasskeyLoginInput.cookie'
  | 'PasskeyLoginInput.device'
  | 'PasskeyLoginInput.response'
  | 'Permission.allowed'
  | 'Permission.code'
  | 'Permission.coordinate'
  | 'Permission.maxAge'
  | 'Permission.mfa'
  | 'Permission.missingScopes'
  | 'Permission.ownOnly'
  | 'PersonalAccessToken.createdAt'
  | 'PersonalAccessToken.expiresAt'
  | 'PersonalAccessToken.id'
  | 'PersonalAccessToken.lastUsedAt'
  | 'PersonalAccessToken.name'
  | 'PersonalAccessToken.scopes'
  | 'Query.auditLog'
  | 'Query.auditLog(after:)'
  | 'Query.auditLog(before:)'
  | 'Query.auditLog(filter:)'
  | 'Query.auditLog(first:)'
  | 'Query.auditLog(last:)'
  | 'Query.me'
  | 'Query.node'
  | 'Query.node(id:)'
  | 'Query.permissions'
  | 'Query.permissions(coordinates:)'
  | 'Query.user'
  | 'Query.user(id:)'
  | 'Query.users'
  | 'Query.users(after:)'
  | 'Query.users(before:)'
  | 'Query.users(filter:)'
  | 'Query.users(first:)'
  | 'Query.users(last:)'
  | 'Query.users(orderBy:)'
  | 'Query.users(search:)'
  | 'ReauthenticateInput.code'
  | 'ReauthenticateInput.passkey'
  | 'ReauthenticateInput.password'
  | 'RecoveryCodes.createdAt'
  | 'RecoveryCodes.id'
  | 'RecoveryCodes.lastUsedAt'
  | 'RecoveryCodes.remaining'
  | 'RecoveryCodesPayload.factor'
  | 'RecoveryCodesPayload.recoveryCodes'
  | 'RefreshInput.refreshToken'
  | 'RegisterInput.cookie'
  | 'RegisterInput.email'
  | 'RegisterInput.locale'
  | 'RegisterInput.name'
  | 'RegisterInput.password'
  | 'ReinstateUserPayload.user'
  | 'RemoveFactorPayload.success'
  | 'RenameFactorPayload.factor'
  | 'RequestEmailVerificationPayload.success'
  | 'RequestPasswordResetInput.email'
  | 'RequestPasswordResetPayload.success'
  | 'ResetPasswordInput.cookie'
  | 'ResetPasswordInput.newPassword'
  | 'ResetPasswordInput.token'
  | 'RevertEmailChangeInput.token'
  | 'RevertEmailChangePayload.success'
  | 'RevokeAccessTokenPayload.success'
  | 'RevokeOtherSessionsPayload.success'
  | 'RevokeSessionPayload.session'
  | 'SecureAccountInput.token'
  | 'SecureAccountPayload.success'
  | 'SendPasswordResetPayload.success'
  | 'Session.amr'
  | 'Session.authenticatedAt'
  | 'Session.createdAt'
  | 'Session.current'
  | 'Session.expiresAt'
  | 'Session.id'
  | 'Session.ip'
  | 'Session.lastUsedAt'
  | 'Session.userAgent'
  | 'SetRolesInput.allowUnverifiedEmail'
  | 'SetRolesInput.roles'
  | 'SetRolesInput.userId'
  | 'SetRolesPayload.user'
  | 'StartPasskeyLoginPayload.options'
  | 'StartPasskeyPayload.options'
  | 'StartTotpPayload.qrCode'
  | 'StartTotpPayload.secret'
  | 'StartTotpPayload.uri'
  | 'SuspendUserPayload.user'
  | 'TotpFactor.createdAt'
  | 'TotpFactor.id'
  | 'TotpFactor.lastUsedAt'
  | 'UpdateProfileInput.locale'
  | 'UpdateProfileInput.name'
  | 'UpdateProfilePayload.user'
  | 'User.accessTokens'
  | 'User.activity'
  | 'User.activity(after:)'
  | 'User.activity(before:)'
  | 'User.activity(first:)'
  | 'User.activity(last:)'
  | 'User.createdAt'
  | 'User.email'
  | 'User.emailVerified'
  | 'User.factors'
  | 'User.id'
  | 'User.locale'
  | 'User.name'
  | 'User.pendingEmail'
  | 'User.roles'
  | 'User.sessions'
  | 'User.status'
  | 'User.updatedAt'
  | 'UserConnection.edges'
  | 'UserConnection.pageInfo'
  | 'UserConnection.totalCount'
  | 'UserConnection.totalCountIsExact'
  | 'UserEdge.cursor'
  | 'UserEdge.node'
  | 'UserFilter.createdSince'
  | 'UserFilter.createdUntil'
  | 'UserFilter.emailVerified'
  | 'UserFilter.role'
  | 'UserFilter.status'
  | 'UserOrder.direction'
  | 'UserOrder.field'
  | 'VerifyEmailInput.code'
  | 'VerifyEmailInput.name'
  | 'VerifyEmailInput.password'
  | 'VerifyEmailInput.token'
  | 'VerifyEmailPayload.success';
