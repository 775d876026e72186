import { type ApiError, ErrorCode } from "@gatehouse/client";

/** What a user can do about an error. A code that is added to the schema stops the compiler at the last line. */
export function advice(error: ApiError): string {
  switch (error.code) {
    case ErrorCode.UNAUTHENTICATED:
    case ErrorCode.INVALID_TOKEN:
      return "sign in again";
    case ErrorCode.REAUTHENTICATION_REQUIRED:
      return error.mfa ? "give a code of your authenticator app" : "give your password once more";
    case ErrorCode.SECOND_FACTOR_REQUIRED:
      return `complete it by ${error.factors.join(" or ")}`;
    case ErrorCode.INVALID_CREDENTIALS:
      return "check the address and the password";
    case ErrorCode.VERIFICATION_REQUIRED:
      return "read the mail that is on its way";
    case ErrorCode.EMAIL_TAKEN:
      return "sign in, there is an account with this address";
    case ErrorCode.BAD_USER_INPUT:
      return `change ${error.field ?? "the request"}`;
    case ErrorCode.NOT_FOUND:
      return "look elsewhere, it is not here";
    case ErrorCode.FORBIDDEN:
    case ErrorCode.INSUFFICIENT_SCOPE:
      return "ask an administrator, you may not do this";
    case ErrorCode.LAST_ADMIN:
      return "make somebody else an administrator first";
    case ErrorCode.MAIL_OFF:
      return "ask the operator, this needs mail";
    case ErrorCode.RATE_LIMITED:
    case ErrorCode.UNAVAILABLE:
      return `try again in ${error.retryAfter} seconds`;
    case ErrorCode.LIMIT_EXCEEDED:
    case ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED:
    case ErrorCode.GRAPHQL_PARSE_FAILED:
    case ErrorCode.GRAPHQL_VALIDATION_FAILED:
      return "update this program, it asks what the server does not take";
    case ErrorCode.INTERNAL:
      return `tell the operator, with request ${error.requestId}`;
    default:
      return error satisfies never;
  }
}
