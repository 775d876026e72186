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