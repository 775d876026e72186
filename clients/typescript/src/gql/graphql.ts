/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocument as DocumentTypeDecoration } from '../client.js';
/** The token of an invitation, and the new account. */
export type AcceptInvitationInput = {
  /**
   * For browsers: keep the refresh token in a cookie that no script can read, and give none in the answer. Refused unless
   * the request's `Origin` is allowed.
   */
  cookie?: boolean | null | undefined;
  /** What the user wants to be called, as in `RegisterInput`. */
  name?: string | null | undefined;
  /** 8 to 128 characters, as in `RegisterInput`. */
  password: string;
  /** What stands behind `#token=` in the link. */
  token: string;
};

/** In which capacity somebody acted. */
export type AuditActor =
  /** An administrator, on what is not their own. */
  | 'ADMINISTRATOR'
  /** A request without a usable access token. */
  | 'ANONYMOUS'
  /** A user of the operating system, by a command. */
  | 'OPERATOR'
  /** The server itself, such as a change of keys that was due. */
  | 'SYSTEM'
  /** A signed-in user, or one who has just proved who they are. */
  | 'USER';

/** Which events: all that is given must hold. */
export type AuditFilter = {
  /** Only what this user did. */
  actorId?: string | null | undefined;
  /** Only events of this kind, such as `roles_changed`. */
  kind?: string | null | undefined;
  /** Only events at this time or later. */
  since?: string | null | undefined;
  /** Only events before this time. */
  until?: string | null | undefined;
  /** Only events that concern this user's account. */
  userId?: string | null | undefined;
};

/** The new address of the caller's account. */
export type ChangeEmailInput = {
  /** E-mail address, as in `RegisterInput`. */
  email: string;
};

/** The old and the new password. */
export type ChangePasswordInput = {
  /** The password as it is. */
  currentPassword: string;
  /** The password as it shall be: 8 to 128 characters, as in `RegisterInput`. */
  newPassword: string;
};

/** The challenge of a sign-in, and the proof that it wants: one of `code`, `recoveryCode` and `passkey`. */
export type CompleteLoginInput = {
  /** The `challenge` of `SECOND_FACTOR_REQUIRED`. */
  challenge: string;
  /** Six digits of the authenticator app. Blanks do not matter. */
  code?: string | null | undefined;
  /**
   * For browsers: keep the refresh token in a cookie that no script can read, and give none in the answer. Refused unless
   * the request's `Origin` is allowed.
   */
  cookie?: boolean | null | undefined;
  /** As in `LoginInput`. */
  device?: string | null | undefined;
  /** What a browser returned for `startPasskeyLogin`. */
  passkey?: unknown;
  /** One of the recovery codes. Blanks, hyphens and case do not matter. */
  recoveryCode?: string | null | undefined;
  /**
   * Ask for no second factor on this device for 30 days, until the password or a factor changes: the answer's `device`
   * then says so. A session that begins without one has not proved it.
   */
  rememberDevice?: boolean | null | undefined;
};

/** What the mail to the new address had: one of the two. */
export type ConfirmEmailChangeInput = {
  /** The eight digits. */
  code?: string | null | undefined;
  /** What stands behind `#token=` in the link. */
  token?: string | null | undefined;
};

/** A code of the app that is being set up. */
export type ConfirmTotpInput = {
  /** Six digits. Blanks do not matter. */
  code: string;
};

/** A new personal access token. */
export type CreateAccessTokenInput = {
  /** When it expires: after a year at the latest. A fraction of a second is dropped. */
  expiresAt: string;
  /** What the caller calls it, such as the program that has it: as `RegisterInput` says of names. */
  name: string;
  /**
   * What it opens, at least one: `account:read`, `account:write`, `users:read`, `users:write`, `audit:read`. A field that
   * names no scope is closed to it. Those of administrators count only while the user is one,
   * and never where `GATEHOUSE_ADMIN_MFA=required` asks administrators for a second factor: a program proves none.
   */
  scopes: Array<string>;
};

/** What the mail had. */
export type DownloadMyDataInput = {
  /** What stands behind `#token=` in the link. */
  token: string;
};

/** The value of `extensions.code`, which every error carries. */
export type ErrorCode =
  /**
   * A value is refused. There is one such error for each value: `field` names it, `reason` is an `InputProblem`, and `min`
   * and `max` are its bounds where it has some. A request that is refused as a whole has none of these.
   */
  | 'BAD_USER_INPUT'
  /** There is an account with this address, or one that can go back to it. */
  | 'EMAIL_TAKEN'
  /** Not allowed: to this caller, or on this server to anybody. */
  | 'FORBIDDEN'
  /** The document is not GraphQL. */
  | 'GRAPHQL_PARSE_FAILED'
  /** The document does not fit the schema, or a variable its type. */
  | 'GRAPHQL_VALIDATION_FAILED'
  /** The token lacks scopes, listed in `missingScopes`. */
  | 'INSUFFICIENT_SCOPE'
  /** A fault of the server; `requestId` finds it in the server's log. */
  | 'INTERNAL'
  /**
   * Wrong e-mail address, password, code or passkey; `reason` is `unknown` for a passkey that no account has, which the
   * browser can then delete.
   */
  | 'INVALID_CREDENTIALS'
  /**
   * There is no refresh token, or it, the token of a link or a challenge is refused; `reason` is `missing`, `unknown`,
   * `used`, `revoked` or `expired`. Without a refresh token the user is signed out, unless another tab has a newer one;
   * instead of the link, ask for another mail.
   */
  | 'INVALID_TOKEN'
  /** The change would leave no administrator. */
  | 'LAST_ADMIN'
  /** The operation is too deep, wide, costly or long; `limit` names the bound. */
  | 'LIMIT_EXCEEDED'
  /** This needs mail, and the server sends none. */
  | 'MAIL_OFF'
  /** The object is not there, or not for this caller. */
  | 'NOT_FOUND'
  /** The request has the hash of a persisted document and no document: send the document in `query`. */
  | 'PERSISTED_QUERY_NOT_SUPPORTED'
  /** Too many attempts; `retryAfter` says how many seconds to wait. */
  | 'RATE_LIMITED'
  /** Signed in, but not recently enough; `maxAge` says how recently, in seconds. */
  | 'REAUTHENTICATION_REQUIRED'
  /**
   * The password or the token of a reset is right, and the account wants a second factor: go on with `completeLogin`, with
   * the `challenge`. `factors` lists what it can be completed with: values of `FactorKind`.
   */
  | 'SECOND_FACTOR_REQUIRED'
  /** A guarded field, and no usable credential; `reason` is `missing`, `expired`, `revoked` or `invalid`. */
  | 'UNAUTHENTICATED'
  /** The database does not answer, or a queue is full; `retryAfter` says how many seconds to wait. */
  | 'UNAVAILABLE'
  /**
   * A mail is on its way, which says how to go on. It is the answer of `register` where addresses are confirmed first, for
   * every address, whether an account has it or not.
   */
  | 'VERIFICATION_REQUIRED';

/** Who is invited. */
export type InviteUserInput = {
  /** E-mail address, as in `RegisterInput`. */
  email: string;
  /** The language of the mail, and of those to the account: as in `RegisterInput`. */
  locale?: string | null | undefined;
  /** All roles that the account shall have; `USER` is one of them, and the only one when nothing is given. */
  roles?: Array<Role> | null | undefined;
};

/** Who signs in. */
export type LoginInput = {
  /**
   * For browsers: keep the refresh token in a cookie that no script can read, and give none in the answer. Refused unless
   * the request's `Origin` is allowed.
   */
  cookie?: boolean | null | undefined;
  /**
   * The `device` of the last `AuthPayload` that had one, whoever signed in: this client is known then, and is not held up
   * while others guess the password. One that is not known any more counts as none. The cookie's is taken without it.
   */
  device?: string | null | undefined;
  /** E-mail address of the account. */
  email: string;
  /** Its password. */
  password: string;
};

/** Which way a list is sorted. */
export type OrderDirection =
  /** The oldest first; addresses from a to z. */
  | 'ASC'
  /** The newest first; addresses from z to a. */
  | 'DESC';

/** A proof of who the caller is. */
export type ReauthenticateInput = {
  /** Six digits of the account's authenticator app, in place of the password. Blanks do not matter. */
  code?: string | null | undefined;
  /** What a browser returned for `startPasskeyLogin` in this session, in place of the password. */
  passkey?: unknown;
  /** The password of the account. */
  password?: string | null | undefined;
};

/** A new account. */
export type RegisterInput = {
  /**
   * For browsers: keep the refresh token in a cookie that no script can read, and give none in the answer. Refused unless
   * the request's `Origin` is allowed.
   */
  cookie?: boolean | null | undefined;
  /**
   * E-mail address; case, full-width letters and surrounding space do not matter. One account an address. It has a domain
   * that is neither a number nor below localhost, and no `%` or `!` before the @.
   */
  email: string;
  /**
   * The language of mails, as a language tag (BCP 47) such as `de` or `pt-BR`. Without one it is that of the request
   * (`Accept-Language`), or English.
   */
  locale?: string | null | undefined;
  /**
   * What the user wants to be called: 1 to 100 characters, one of them visible. Refused are characters that control text
   * or its direction, and invisible ones that neither the script nor an emoji beside them needs.
   */
  name?: string | null | undefined;
  /** 8 to 128 characters, no rules of composition; not the address, not among the 10,000 commonest passwords. */
  password: string;
};

/** Whose password is forgotten. */
export type RequestPasswordResetInput = {
  /** E-mail address of the account. */
  email: string;
};

/** The token of a mailed link, and the new password. */
export type ResetPasswordInput = {
  /**
   * For browsers: keep the refresh token in a cookie that no script can read, and give none in the answer. Refused unless
   * the request's `Origin` is allowed.
   */
  cookie?: boolean | null | undefined;
  /** The password as it shall be: 8 to 128 characters, as in `RegisterInput`. */
  newPassword: string;
  /** What stands behind `#token=` in the link. */
  token: string;
};

/** What the mail to the former address had. */
export type RevertEmailChangeInput = {
  /** What stands behind `#token=` in the link. */
  token: string;
};

/** What a user may do. */
export type Role =
  /** Manage all accounts. */
  | 'ADMIN'
  /** Use their own account. */
  | 'USER';

/** What the notice had. */
export type SecureAccountInput = {
  /** What stands behind `#token=` in the link. */
  token: string;
};

/** Whose roles, and which. */
export type SetRolesInput = {
  /**
   * Give `ADMIN` although whoever has the account's password has not shown that they read the mail of its address, so that
   * anybody may have registered it. They show it by `resetPassword`, or by the code or the link of a mail in a session of
   * the account; a link that is followed without one confirms the address and shows nothing of them. The caller vouches
   * for them; all sessions of the account end. Without this, such an account is refused: `BAD_USER_INPUT`, with this
   * `field`.
   */
  allowUnverifiedEmail?: boolean | null | undefined;
  /** All roles that the user shall have; `USER` is one of them. */
  roles: Array<Role>;
  /** The user's id. */
  userId: string;
};

/** What the caller changes of themselves. */
export type UpdateProfileInput = {
  /** The language of mails, as `RegisterInput` says; `null` takes it away. */
  locale?: string | null | undefined;
  /** What the user wants to be called, as `RegisterInput` says; `null` takes the name away. */
  name?: string | null | undefined;
};

/** Which users: all that is given must hold. */
export type UserFilter = {
  /** Only users whose account was made at this time or later. */
  createdSince?: string | null | undefined;
  /** Only users whose account was made before this time. */
  createdUntil?: string | null | undefined;
  /** Only users whose e-mail address is confirmed, or only those whose is not. */
  emailVerified?: boolean | null | undefined;
  /** Only users with this role. */
  role?: Role | null | undefined;
  /** Only users of this status. */
  status?: UserStatus | null | undefined;
};

/** In which order users are listed. */
export type UserOrder = {
  /** Which way. */
  direction?: OrderDirection;
  /** What they are sorted by. */
  field?: UserOrderField;
};

/** What users can be sorted by. */
export type UserOrderField =
  /** When the account was made. */
  | 'CREATED_AT'
  /** The e-mail address, by the bytes of its lower-case form. */
  | 'EMAIL';

/** Whether an account may be used. */
export type UserStatus =
  /** The account may be used. */
  | 'ACTIVE'
  /**
   * The account was deleted and is not erased yet: its sessions have ended. Its owner has it again by signing in, unless
   * an administrator deleted it.
   */
  | 'DELETED'
  /** An administrator has suspended the account: it cannot sign in and its sessions have ended. */
  | 'SUSPENDED';

/** What a mail had: one of the two. */
export type VerifyEmailInput = {
  /** The eight digits. */
  code?: string | null | undefined;
  /** What the user of that account wants to be called, as in `RegisterInput`. */
  name?: string | null | undefined;
  /**
   * Of the account that the token of a registration makes, as in `RegisterInput`. It is chosen here, and the one that was
   * sent to `register` is not kept, so that nobody gets an account with a password of somebody else. Other tokens need
   * none.
   */
  password?: string | null | undefined;
  /** What stands behind `#token=` in the link. */
  token?: string | null | undefined;
};

export type AcceptInvitationMutationVariables = Exact<{
  input: AcceptInvitationInput;
}>;


export type AcceptInvitationMutation = { acceptInvitation: { accessToken: string, expiresIn: number, refreshToken: string | null, device: string | null, user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } } };

export type AccessTokensQueryVariables = Exact<{ [key: string]: never; }>;


export type AccessTokensQuery = { me: { id: string, accessTokens: Array<{ id: string, name: string, scopes: Array<string>, createdAt: string, expiresAt: string, lastUsedAt: string | null }> | null } | null };

export type ActivityQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type ActivityQuery = { me: { id: string, activity: { edges: Array<{ cursor: string, node: { id: string, occurredAt: string, kind: string, userId: string | null, sessionId: string | null, actor: AuditActor, actorId: string | null, actorSessionId: string | null, operator: string | null, ip: string | null, userAgent: string | null, requestId: string | null, before: string | null, after: string | null, detail: string | null, omitted: number } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } | null } | null };

export type AuditLogQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  filter?: AuditFilter | null | undefined;
}>;


export type AuditLogQuery = { auditLog: { edges: Array<{ cursor: string, node: { id: string, occurredAt: string, kind: string, userId: string | null, sessionId: string | null, actor: AuditActor, actorId: string | null, actorSessionId: string | null, operator: string | null, ip: string | null, userAgent: string | null, requestId: string | null, before: string | null, after: string | null, detail: string | null, omitted: number } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } | null };

export type ChangeEmailMutationVariables = Exact<{
  input: ChangeEmailInput;
}>;


export type ChangeEmailMutation = { changeEmail: { user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } } };

export type ChangePasswordMutationVariables = Exact<{
  input: ChangePasswordInput;
}>;


export type ChangePasswordMutation = { changePassword: { accessToken: string, expiresIn: number, refreshToken: string | null, device: string | null, user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } } };

export type CompleteLoginMutationVariables = Exact<{
  input: CompleteLoginInput;
}>;


export type CompleteLoginMutation = { completeLogin: { accessToken: string, expiresIn: number, refreshToken: string | null, device: string | null, user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } } };

export type ConfirmEmailChangeMutationVariables = Exact<{
  input: ConfirmEmailChangeInput;
}>;


export type ConfirmEmailChangeMutation = { confirmEmailChange: { success: boolean } };

export type ConfirmTotpMutationVariables = Exact<{
  input: ConfirmTotpInput;
}>;


export type ConfirmTotpMutation = { confirmTotp: { recoveryCodes: Array<string> | null, factor: { __typename: 'TotpFactor', id: string, createdAt: string, lastUsedAt: string | null } } };

export type CreateAccessTokenMutationVariables = Exact<{
  input: CreateAccessTokenInput;
}>;


export type CreateAccessTokenMutation = { createAccessToken: { token: string, accessToken: { id: string, name: string, scopes: Array<string>, createdAt: string, expiresAt: string, lastUsedAt: string | null } } };

export type DeleteAccountMutationVariables = Exact<{ [key: string]: never; }>;


export type DeleteAccountMutation = { deleteAccount: { success: boolean } };

export type DeleteUserMutationVariables = Exact<{
  id: string;
}>;


export type DeleteUserMutation = { deleteUser: { success: boolean } };

export type DownloadMyDataMutationVariables = Exact<{
  input: DownloadMyDataInput;
}>;


export type DownloadMyDataMutation = { downloadMyData: { json: string } };

export type EndSessionsMutationVariables = Exact<{
  userId: string;
}>;


export type EndSessionsMutation = { endSessions: { success: boolean } };

export type ExportMyDataMutationVariables = Exact<{ [key: string]: never; }>;


export type ExportMyDataMutation = { exportMyData: { success: boolean } };

export type FactorsQueryVariables = Exact<{ [key: string]: never; }>;


export type FactorsQuery = { me: { id: string, factors: Array<
      | { __typename: 'Passkey', name: string | null, credentialId: string, backedUp: boolean, id: string, createdAt: string, lastUsedAt: string | null }
      | { __typename: 'RecoveryCodes', remaining: number, id: string, createdAt: string, lastUsedAt: string | null }
      | { __typename: 'TotpFactor', id: string, createdAt: string, lastUsedAt: string | null }
    > | null } | null };

export type AccessTokenFieldsFragment = { id: string, name: string, scopes: Array<string>, createdAt: string, expiresAt: string, lastUsedAt: string | null };

export type AccountFragment = { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string };

type FactorFields_Passkey_Fragment = { __typename: 'Passkey', name: string | null, credentialId: string, backedUp: boolean, id: string, createdAt: string, lastUsedAt: string | null };

type FactorFields_RecoveryCodes_Fragment = { __typename: 'RecoveryCodes', remaining: number, id: string, createdAt: string, lastUsedAt: string | null };

type FactorFields_TotpFactor_Fragment = { __typename: 'TotpFactor', id: string, createdAt: string, lastUsedAt: string | null };

export type FactorFieldsFragment =
  | FactorFields_Passkey_Fragment
  | FactorFields_RecoveryCodes_Fragment
  | FactorFields_TotpFactor_Fragment
;

export type EventsFragment = { edges: Array<{ cursor: string, node: { id: string, occurredAt: string, kind: string, userId: string | null, sessionId: string | null, actor: AuditActor, actorId: string | null, actorSessionId: string | null, operator: string | null, ip: string | null, userAgent: string | null, requestId: string | null, before: string | null, after: string | null, detail: string | null, omitted: number } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } };

export type PageFragment = { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null };

export type SignedInFragment = { accessToken: string, expiresIn: number, refreshToken: string | null, device: string | null, user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } };

export type InviteUserMutationVariables = Exact<{
  input: InviteUserInput;
}>;


export type InviteUserMutation = { inviteUser: { success: boolean } };

export type LoginMutationVariables = Exact<{
  input: LoginInput;
}>;


export type LoginMutation = { login: { accessToken: string, expiresIn: number, refreshToken: string | null, device: string | null, user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } } };

export type MeQueryVariables = Exact<{ [key: string]: never; }>;


export type MeQuery = { me: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } | null };

export type PermissionsQueryVariables = Exact<{
  coordinates: Array<string> | string;
}>;


export type PermissionsQuery = { permissions: Array<{ coordinate: string, allowed: boolean, ownOnly: boolean, code: ErrorCode | null, maxAge: number | null, mfa: boolean, missingScopes: Array<string> }> };

export type ReauthenticateMutationVariables = Exact<{
  input: ReauthenticateInput;
}>;


export type ReauthenticateMutation = { reauthenticate: { accessToken: string, expiresIn: number } };

export type RegenerateRecoveryCodesMutationVariables = Exact<{ [key: string]: never; }>;


export type RegenerateRecoveryCodesMutation = { regenerateRecoveryCodes: { recoveryCodes: Array<string>, factor: { __typename: 'RecoveryCodes', remaining: number, id: string, createdAt: string, lastUsedAt: string | null } } };

export type RegisterMutationVariables = Exact<{
  input: RegisterInput;
}>;


export type RegisterMutation = { register: { accessToken: string, expiresIn: number, refreshToken: string | null, device: string | null, user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } } };

export type ReinstateUserMutationVariables = Exact<{
  id: string;
}>;


export type ReinstateUserMutation = { reinstateUser: { user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } } };

export type RemoveFactorMutationVariables = Exact<{
  id: string;
}>;


export type RemoveFactorMutation = { removeFactor: { success: boolean } };

export type RenameFactorMutationVariables = Exact<{
  id: string;
  name?: string | null | undefined;
}>;


export type RenameFactorMutation = { renameFactor: { factor: { __typename: 'Passkey', name: string | null, credentialId: string, backedUp: boolean, id: string, createdAt: string, lastUsedAt: string | null } } };

export type RequestEmailVerificationMutationVariables = Exact<{ [key: string]: never; }>;


export type RequestEmailVerificationMutation = { requestEmailVerification: { success: boolean } };

export type RequestPasswordResetMutationVariables = Exact<{
  input: RequestPasswordResetInput;
}>;


export type RequestPasswordResetMutation = { requestPasswordReset: { success: boolean } };

export type ResetPasswordMutationVariables = Exact<{
  input: ResetPasswordInput;
}>;


export type ResetPasswordMutation = { resetPassword: { accessToken: string, expiresIn: number, refreshToken: string | null, device: string | null, user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } } };

export type RevertEmailChangeMutationVariables = Exact<{
  input: RevertEmailChangeInput;
}>;


export type RevertEmailChangeMutation = { revertEmailChange: { success: boolean } };

export type RevokeAccessTokenMutationVariables = Exact<{
  id: string;
}>;


export type RevokeAccessTokenMutation = { revokeAccessToken: { success: boolean } };

export type RevokeOtherSessionsMutationVariables = Exact<{ [key: string]: never; }>;


export type RevokeOtherSessionsMutation = { revokeOtherSessions: { success: boolean } };

export type RevokeSessionMutationVariables = Exact<{
  id: string;
}>;


export type RevokeSessionMutation = { revokeSession: { session: { id: string } } };

export type SecureAccountMutationVariables = Exact<{
  input: SecureAccountInput;
}>;


export type SecureAccountMutation = { secureAccount: { success: boolean } };

export type SendPasswordResetMutationVariables = Exact<{
  userId: string;
}>;


export type SendPasswordResetMutation = { sendPasswordReset: { success: boolean } };

export type SessionsQueryVariables = Exact<{ [key: string]: never; }>;


export type SessionsQuery = { me: { id: string, sessions: Array<{ id: string, current: boolean, createdAt: string, lastUsedAt: string, authenticatedAt: string, amr: Array<string>, expiresAt: string, userAgent: string | null, ip: string | null }> | null } | null };

export type SetRolesMutationVariables = Exact<{
  input: SetRolesInput;
}>;


export type SetRolesMutation = { setRoles: { user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } } };

export type StartTotpMutationVariables = Exact<{ [key: string]: never; }>;


export type StartTotpMutation = { startTotp: { secret: string, uri: string, qrCode: string } };

export type SuspendUserMutationVariables = Exact<{
  id: string;
}>;


export type SuspendUserMutation = { suspendUser: { user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } } };

export type UpdateProfileMutationVariables = Exact<{
  input: UpdateProfileInput;
}>;


export type UpdateProfileMutation = { updateProfile: { user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } } };

export type UserQueryVariables = Exact<{
  id: string;
}>;


export type UserQuery = { user: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } | null };

export type UsersQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  search?: string | null | undefined;
  filter?: UserFilter | null | undefined;
  orderBy?: UserOrder | null | undefined;
}>;


export type UsersQuery = { users: { totalCount: number, totalCountIsExact: boolean, edges: Array<{ cursor: string, node: { id: string, email: string, emailVerified: boolean, pendingEmail: string | null, name: string | null, locale: string | null, roles: Array<Role>, status: UserStatus, createdAt: string, updatedAt: string } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } | null };

export type VerifyEmailMutationVariables = Exact<{
  input: VerifyEmailInput;
}>;


export type VerifyEmailMutation = { verifyEmail: { success: boolean } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const AccessTokenFieldsFragmentDoc = new TypedDocumentString(`
    fragment AccessTokenFields on PersonalAccessToken {
  id
  name
  scopes
  createdAt
  expiresAt
  lastUsedAt
}
    `, {"fragmentName":"AccessTokenFields"}) as unknown as TypedDocumentString<AccessTokenFieldsFragment, unknown>;
export const FactorFieldsFragmentDoc = new TypedDocumentString(`
    fragment FactorFields on Factor {
  __typename
  id
  createdAt
  lastUsedAt
  ... on Passkey {
    name
    credentialId
    backedUp
  }
  ... on RecoveryCodes {
    remaining
  }
}
    `, {"fragmentName":"FactorFields"}) as unknown as TypedDocumentString<FactorFieldsFragment, unknown>;
export const PageFragmentDoc = new TypedDocumentString(`
    fragment Page on PageInfo {
  hasNextPage
  hasPreviousPage
  startCursor
  endCursor
}
    `, {"fragmentName":"Page"}) as unknown as TypedDocumentString<PageFragment, unknown>;
export const EventsFragmentDoc = new TypedDocumentString(`
    fragment Events on AuditConnection {
  edges {
    cursor
    node {
      id
      occurredAt
      kind
      userId
      sessionId
      actor
      actorId
      actorSessionId
      operator
      ip
      userAgent
      requestId
      before
      after
      detail
      omitted
    }
  }
  pageInfo {
    ...Page
  }
}
    fragment Page on PageInfo {
  hasNextPage
  hasPreviousPage
  startCursor
  endCursor
}`, {"fragmentName":"Events"}) as unknown as TypedDocumentString<EventsFragment, unknown>;
export const AccountFragmentDoc = new TypedDocumentString(`
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}
    `, {"fragmentName":"Account"}) as unknown as TypedDocumentString<AccountFragment, unknown>;
export const SignedInFragmentDoc = new TypedDocumentString(`
    fragment SignedIn on AuthPayload {
  accessToken
  expiresIn
  refreshToken
  device
  user {
    ...Account
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}`, {"fragmentName":"SignedIn"}) as unknown as TypedDocumentString<SignedInFragment, unknown>;
export const AcceptInvitationDocument = new TypedDocumentString(`
    mutation AcceptInvitation($input: AcceptInvitationInput!) {
  acceptInvitation(input: $input) {
    ...SignedIn
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}
fragment SignedIn on AuthPayload {
  accessToken
  expiresIn
  refreshToken
  device
  user {
    ...Account
  }
}`) as unknown as TypedDocumentString<AcceptInvitationMutation, AcceptInvitationMutationVariables>;
export const AccessTokensDocument = new TypedDocumentString(`
    query AccessTokens {
  me {
    id
    accessTokens {
      ...AccessTokenFields
    }
  }
}
    fragment AccessTokenFields on PersonalAccessToken {
  id
  name
  scopes
  createdAt
  expiresAt
  lastUsedAt
}`) as unknown as TypedDocumentString<AccessTokensQuery, AccessTokensQueryVariables>;
export const ActivityDocument = new TypedDocumentString(`
    query Activity($first: Int, $after: String, $last: Int, $before: String) {
  me {
    id
    activity(first: $first, after: $after, last: $last, before: $before) {
      ...Events
    }
  }
}
    fragment Events on AuditConnection {
  edges {
    cursor
    node {
      id
      occurredAt
      kind
      userId
      sessionId
      actor
      actorId
      actorSessionId
      operator
      ip
      userAgent
      requestId
      before
      after
      detail
      omitted
    }
  }
  pageInfo {
    ...Page
  }
}
fragment Page on PageInfo {
  hasNextPage
  hasPreviousPage
  startCursor
  endCursor
}`) as unknown as TypedDocumentString<ActivityQuery, ActivityQueryVariables>;
export const AuditLogDocument = new TypedDocumentString(`
    query AuditLog($first: Int, $after: String, $last: Int, $before: String, $filter: AuditFilter) {
  auditLog(
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
  ) {
    ...Events
  }
}
    fragment Events on AuditConnection {
  edges {
    cursor
    node {
      id
      occurredAt
      kind
      userId
      sessionId
      actor
      actorId
      actorSessionId
      operator
      ip
      userAgent
      requestId
      before
      after
      detail
      omitted
    }
  }
  pageInfo {
    ...Page
  }
}
fragment Page on PageInfo {
  hasNextPage
  hasPreviousPage
  startCursor
  endCursor
}`) as unknown as TypedDocumentString<AuditLogQuery, AuditLogQueryVariables>;
export const ChangeEmailDocument = new TypedDocumentString(`
    mutation ChangeEmail($input: ChangeEmailInput!) {
  changeEmail(input: $input) {
    user {
      ...Account
    }
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}`) as unknown as TypedDocumentString<ChangeEmailMutation, ChangeEmailMutationVariables>;
export const ChangePasswordDocument = new TypedDocumentString(`
    mutation ChangePassword($input: ChangePasswordInput!) {
  changePassword(input: $input) {
    ...SignedIn
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}
fragment SignedIn on AuthPayload {
  accessToken
  expiresIn
  refreshToken
  device
  user {
    ...Account
  }
}`) as unknown as TypedDocumentString<ChangePasswordMutation, ChangePasswordMutationVariables>;
export const CompleteLoginDocument = new TypedDocumentString(`
    mutation CompleteLogin($input: CompleteLoginInput!) {
  completeLogin(input: $input) {
    ...SignedIn
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}
fragment SignedIn on AuthPayload {
  accessToken
  expiresIn
  refreshToken
  device
  user {
    ...Account
  }
}`) as unknown as TypedDocumentString<CompleteLoginMutation, CompleteLoginMutationVariables>;
export const ConfirmEmailChangeDocument = new TypedDocumentString(`
    mutation ConfirmEmailChange($input: ConfirmEmailChangeInput!) {
  confirmEmailChange(input: $input) {
    success
  }
}
    `) as unknown as TypedDocumentString<ConfirmEmailChangeMutation, ConfirmEmailChangeMutationVariables>;
export const ConfirmTotpDocument = new TypedDocumentString(`
    mutation ConfirmTotp($input: ConfirmTotpInput!) {
  confirmTotp(input: $input) {
    factor {
      ...FactorFields
    }
    recoveryCodes
  }
}
    fragment FactorFields on Factor {
  __typename
  id
  createdAt
  lastUsedAt
  ... on Passkey {
    name
    credentialId
    backedUp
  }
  ... on RecoveryCodes {
    remaining
  }
}`) as unknown as TypedDocumentString<ConfirmTotpMutation, ConfirmTotpMutationVariables>;
export const CreateAccessTokenDocument = new TypedDocumentString(`
    mutation CreateAccessToken($input: CreateAccessTokenInput!) {
  createAccessToken(input: $input) {
    token
    accessToken {
      ...AccessTokenFields
    }
  }
}
    fragment AccessTokenFields on PersonalAccessToken {
  id
  name
  scopes
  createdAt
  expiresAt
  lastUsedAt
}`) as unknown as TypedDocumentString<CreateAccessTokenMutation, CreateAccessTokenMutationVariables>;
export const DeleteAccountDocument = new TypedDocumentString(`
    mutation DeleteAccount {
  deleteAccount {
    success
  }
}
    `) as unknown as TypedDocumentString<DeleteAccountMutation, DeleteAccountMutationVariables>;
export const DeleteUserDocument = new TypedDocumentString(`
    mutation DeleteUser($id: ID!) {
  deleteUser(id: $id) {
    success
  }
}
    `) as unknown as TypedDocumentString<DeleteUserMutation, DeleteUserMutationVariables>;
export const DownloadMyDataDocument = new TypedDocumentString(`
    mutation DownloadMyData($input: DownloadMyDataInput!) {
  downloadMyData(input: $input) {
    json
  }
}
    `) as unknown as TypedDocumentString<DownloadMyDataMutation, DownloadMyDataMutationVariables>;
export const EndSessionsDocument = new TypedDocumentString(`
    mutation EndSessions($userId: ID!) {
  endSessions(userId: $userId) {
    success
  }
}
    `) as unknown as TypedDocumentString<EndSessionsMutation, EndSessionsMutationVariables>;
export const ExportMyDataDocument = new TypedDocumentString(`
    mutation ExportMyData {
  exportMyData {
    success
  }
}
    `) as unknown as TypedDocumentString<ExportMyDataMutation, ExportMyDataMutationVariables>;
export const FactorsDocument = new TypedDocumentString(`
    query Factors {
  me {
    id
    factors {
      ...FactorFields
    }
  }
}
    fragment FactorFields on Factor {
  __typename
  id
  createdAt
  lastUsedAt
  ... on Passkey {
    name
    credentialId
    backedUp
  }
  ... on RecoveryCodes {
    remaining
  }
}`) as unknown as TypedDocumentString<FactorsQuery, FactorsQueryVariables>;
export const InviteUserDocument = new TypedDocumentString(`
    mutation InviteUser($input: InviteUserInput!) {
  inviteUser(input: $input) {
    success
  }
}
    `) as unknown as TypedDocumentString<InviteUserMutation, InviteUserMutationVariables>;
export const LoginDocument = new TypedDocumentString(`
    mutation Login($input: LoginInput!) {
  login(input: $input) {
    ...SignedIn
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}
fragment SignedIn on AuthPayload {
  accessToken
  expiresIn
  refreshToken
  device
  user {
    ...Account
  }
}`) as unknown as TypedDocumentString<LoginMutation, LoginMutationVariables>;
export const MeDocument = new TypedDocumentString(`
    query Me {
  me {
    ...Account
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}`) as unknown as TypedDocumentString<MeQuery, MeQueryVariables>;
export const PermissionsDocument = new TypedDocumentString(`
    query Permissions($coordinates: [String!]!) {
  permissions(coordinates: $coordinates) {
    coordinate
    allowed
    ownOnly
    code
    maxAge
    mfa
    missingScopes
  }
}
    `) as unknown as TypedDocumentString<PermissionsQuery, PermissionsQueryVariables>;
export const ReauthenticateDocument = new TypedDocumentString(`
    mutation Reauthenticate($input: ReauthenticateInput!) {
  reauthenticate(input: $input) {
    accessToken
    expiresIn
  }
}
    `) as unknown as TypedDocumentString<ReauthenticateMutation, ReauthenticateMutationVariables>;
export const RegenerateRecoveryCodesDocument = new TypedDocumentString(`
    mutation RegenerateRecoveryCodes {
  regenerateRecoveryCodes {
    recoveryCodes
    factor {
      ...FactorFields
    }
  }
}
    fragment FactorFields on Factor {
  __typename
  id
  createdAt
  lastUsedAt
  ... on Passkey {
    name
    credentialId
    backedUp
  }
  ... on RecoveryCodes {
    remaining
  }
}`) as unknown as TypedDocumentString<RegenerateRecoveryCodesMutation, RegenerateRecoveryCodesMutationVariables>;
export const RegisterDocument = new TypedDocumentString(`
    mutation Register($input: RegisterInput!) {
  register(input: $input) {
    ...SignedIn
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}
fragment SignedIn on AuthPayload {
  accessToken
  expiresIn
  refreshToken
  device
  user {
    ...Account
  }
}`) as unknown as TypedDocumentString<RegisterMutation, RegisterMutationVariables>;
export const ReinstateUserDocument = new TypedDocumentString(`
    mutation ReinstateUser($id: ID!) {
  reinstateUser(id: $id) {
    user {
      ...Account
    }
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}`) as unknown as TypedDocumentString<ReinstateUserMutation, ReinstateUserMutationVariables>;
export const RemoveFactorDocument = new TypedDocumentString(`
    mutation RemoveFactor($id: ID!) {
  removeFactor(id: $id) {
    success
  }
}
    `) as unknown as TypedDocumentString<RemoveFactorMutation, RemoveFactorMutationVariables>;
export const RenameFactorDocument = new TypedDocumentString(`
    mutation RenameFactor($id: ID!, $name: String) {
  renameFactor(id: $id, name: $name) {
    factor {
      ...FactorFields
    }
  }
}
    fragment FactorFields on Factor {
  __typename
  id
  createdAt
  lastUsedAt
  ... on Passkey {
    name
    credentialId
    backedUp
  }
  ... on RecoveryCodes {
    remaining
  }
}`) as unknown as TypedDocumentString<RenameFactorMutation, RenameFactorMutationVariables>;
export const RequestEmailVerificationDocument = new TypedDocumentString(`
    mutation RequestEmailVerification {
  requestEmailVerification {
    success
  }
}
    `) as unknown as TypedDocumentString<RequestEmailVerificationMutation, RequestEmailVerificationMutationVariables>;
export const RequestPasswordResetDocument = new TypedDocumentString(`
    mutation RequestPasswordReset($input: RequestPasswordResetInput!) {
  requestPasswordReset(input: $input) {
    success
  }
}
    `) as unknown as TypedDocumentString<RequestPasswordResetMutation, RequestPasswordResetMutationVariables>;
export const ResetPasswordDocument = new TypedDocumentString(`
    mutation ResetPassword($input: ResetPasswordInput!) {
  resetPassword(input: $input) {
    ...SignedIn
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}
fragment SignedIn on AuthPayload {
  accessToken
  expiresIn
  refreshToken
  device
  user {
    ...Account
  }
}`) as unknown as TypedDocumentString<ResetPasswordMutation, ResetPasswordMutationVariables>;
export const RevertEmailChangeDocument = new TypedDocumentString(`
    mutation RevertEmailChange($input: RevertEmailChangeInput!) {
  revertEmailChange(input: $input) {
    success
  }
}
    `) as unknown as TypedDocumentString<RevertEmailChangeMutation, RevertEmailChangeMutationVariables>;
export const RevokeAccessTokenDocument = new TypedDocumentString(`
    mutation RevokeAccessToken($id: ID!) {
  revokeAccessToken(id: $id) {
    success
  }
}
    `) as unknown as TypedDocumentString<RevokeAccessTokenMutation, RevokeAccessTokenMutationVariables>;
export const RevokeOtherSessionsDocument = new TypedDocumentString(`
    mutation RevokeOtherSessions {
  revokeOtherSessions {
    success
  }
}
    `) as unknown as TypedDocumentString<RevokeOtherSessionsMutation, RevokeOtherSessionsMutationVariables>;
export const RevokeSessionDocument = new TypedDocumentString(`
    mutation RevokeSession($id: ID!) {
  revokeSession(id: $id) {
    session {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<RevokeSessionMutation, RevokeSessionMutationVariables>;
export const SecureAccountDocument = new TypedDocumentString(`
    mutation SecureAccount($input: SecureAccountInput!) {
  secureAccount(input: $input) {
    success
  }
}
    `) as unknown as TypedDocumentString<SecureAccountMutation, SecureAccountMutationVariables>;
export const SendPasswordResetDocument = new TypedDocumentString(`
    mutation SendPasswordReset($userId: ID!) {
  sendPasswordReset(userId: $userId) {
    success
  }
}
    `) as unknown as TypedDocumentString<SendPasswordResetMutation, SendPasswordResetMutationVariables>;
export const SessionsDocument = new TypedDocumentString(`
    query Sessions {
  me {
    id
    sessions {
      id
      current
      createdAt
      lastUsedAt
      authenticatedAt
      amr
      expiresAt
      userAgent
      ip
    }
  }
}
    `) as unknown as TypedDocumentString<SessionsQuery, SessionsQueryVariables>;
export const SetRolesDocument = new TypedDocumentString(`
    mutation SetRoles($input: SetRolesInput!) {
  setRoles(input: $input) {
    user {
      ...Account
    }
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}`) as unknown as TypedDocumentString<SetRolesMutation, SetRolesMutationVariables>;
export const StartTotpDocument = new TypedDocumentString(`
    mutation StartTotp {
  startTotp {
    secret
    uri
    qrCode
  }
}
    `) as unknown as TypedDocumentString<StartTotpMutation, StartTotpMutationVariables>;
export const SuspendUserDocument = new TypedDocumentString(`
    mutation SuspendUser($id: ID!) {
  suspendUser(id: $id) {
    user {
      ...Account
    }
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}`) as unknown as TypedDocumentString<SuspendUserMutation, SuspendUserMutationVariables>;
export const UpdateProfileDocument = new TypedDocumentString(`
    mutation UpdateProfile($input: UpdateProfileInput!) {
  updateProfile(input: $input) {
    user {
      ...Account
    }
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}`) as unknown as TypedDocumentString<UpdateProfileMutation, UpdateProfileMutationVariables>;
export const UserDocument = new TypedDocumentString(`
    query User($id: ID!) {
  user(id: $id) {
    ...Account
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}`) as unknown as TypedDocumentString<UserQuery, UserQueryVariables>;
export const UsersDocument = new TypedDocumentString(`
    query Users($first: Int, $after: String, $last: Int, $before: String, $search: String, $filter: UserFilter, $orderBy: UserOrder) {
  users(
    first: $first
    after: $after
    last: $last
    before: $before
    search: $search
    filter: $filter
    orderBy: $orderBy
  ) {
    edges {
      cursor
      node {
        ...Account
      }
    }
    pageInfo {
      ...Page
    }
    totalCount
    totalCountIsExact
  }
}
    fragment Account on User {
  id
  email
  emailVerified
  pendingEmail
  name
  locale
  roles
  status
  createdAt
  updatedAt
}
fragment Page on PageInfo {
  hasNextPage
  hasPreviousPage
  startCursor
  endCursor
}`) as unknown as TypedDocumentString<UsersQuery, UsersQueryVariables>;
export const VerifyEmailDocument = new TypedDocumentString(`
    mutation VerifyEmail($input: VerifyEmailInput!) {
  verifyEmail(input: $input) {
    success
  }
}
    `) as unknown as TypedDocumentString<VerifyEmailMutation, VerifyEmailMutationVariables>;