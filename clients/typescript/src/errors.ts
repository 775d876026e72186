import type { ErrorCode, FactorKind, InputProblem } from "./schema.js";

/**
 * What each code has beside its message. A code that is new in schema.graphql stops the compiler at ApiError until it
 * has its members here; test/e2e holds them against what the server sends.
 */
interface Members {
  UNAUTHENTICATED: Refused & { readonly reason: "missing" | "expired" | "revoked" | "invalid" };
  REAUTHENTICATION_REQUIRED: Refused & StepUp;
  INSUFFICIENT_SCOPE: Refused & { readonly missingScopes: readonly string[] };
  FORBIDDEN: Refused;
  SECOND_FACTOR_REQUIRED: { readonly challenge: string; readonly factors: readonly FactorKind[] };
  /** `unknown`: a passkey that no account has. */
  INVALID_CREDENTIALS: { readonly reason?: "unknown" };
  INVALID_TOKEN: { readonly reason: "missing" | "unknown" | "used" | "revoked" | "expired" };
  VERIFICATION_REQUIRED: Nothing;
  EMAIL_TAKEN: Nothing;
  /** Without members when the request is refused as a whole. */
  BAD_USER_INPUT: {
    readonly field?: string;
    readonly reason?: InputProblem;
    readonly min?: number;
    readonly max?: number;
  };
  NOT_FOUND: Refused;
  LAST_ADMIN: Nothing;
  MAIL_OFF: Nothing;
  /** Seconds to wait. */
  RATE_LIMITED: { readonly retryAfter: number };
  LIMIT_EXCEEDED: { readonly limit: string };
  PERSISTED_QUERY_NOT_SUPPORTED: Nothing;
  GRAPHQL_PARSE_FAILED: Nothing;
  GRAPHQL_VALIDATION_FAILED: Nothing;
  /** Seconds to wait. */
  UNAVAILABLE: { readonly retryAfter: number };
  INTERNAL: { readonly requestId: string };
}

type Nothing = Record<never, never>;

/** By the rules of the schema. */
interface Refused {
  /** The field, such as `Query.users`. */
  readonly coordinate?: string;
}

/** What a step-up must prove: the user, at most `maxAge` seconds ago, or a second factor. */
export interface StepUp {
  readonly maxAge?: number;
  readonly mfa?: boolean;
}

/**
 * An error of the API. Decide by `code`; `message` is for developers, and its words may change. A newer server may send
 * codes that this version does not know: let `switch (error.code)` have a default.
 */
export type ApiError = {
  [Code in ErrorCode]: {
    readonly code: Code;
    readonly message: string;
    /** Where in the answer; without it, the operation was refused as a whole. */
    readonly path?: readonly (string | number)[];
  } & Members[Code];
}[ErrorCode];

/** The errors of one answer. */
export class GatehouseError extends Error {
  override readonly name = "GatehouseError";

  constructor(
    readonly errors: readonly ApiError[],
    /** What could be answered all the same: parts of a query. */
    readonly data?: unknown,
  ) {
    super(errors.map(({ code, message }) => `${code}: ${message}`).join("; "));
  }

  /** The first error with a code: `error.find("RATE_LIMITED")?.retryAfter`. */
  find<Code extends ErrorCode>(code: Code): Extract<ApiError, { code: Code }> | undefined {
    return this.errors.find((error) => error.code === code) as Extract<ApiError, { code: Code }> | undefined;
  }
}

/** An error as it is in an answer. */
export interface RawError {
  message: string;
  path?: readonly (string | number)[];
  extensions?: Record<string, unknown>;
}

export function readErrors(errors: readonly RawError[]): ApiError[] {
  return errors.map(({ message, path, extensions }) =>
    ({ code: "INTERNAL", ...extensions, message, ...(path && { path }) }) as ApiError);
}

/**
 * The errors of the API in what a client library threw: this one's GatehouseError, Apollo Client's and urql's combined
 * errors, Relay's. Empty for all else, such as a server that was not reached.
 */
export function apiErrors(thrown: unknown): readonly ApiError[] {
  if (thrown instanceof GatehouseError) return thrown.errors;
  const error = thrown as { errors?: RawError[]; graphQLErrors?: RawError[]; source?: { errors?: RawError[] } } | null;
  const raw = error?.graphQLErrors ?? error?.errors ?? error?.source?.errors;
  return Array.isArray(raw) ? readErrors(raw) : [];
}
