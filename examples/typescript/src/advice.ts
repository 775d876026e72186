import type { Refusal } from "./gatehouse.js";
import { ErrorCode } from "./gql/enums.js";

/** What a user can do about a refusal. A code that is added to the schema stops the compiler at the last line. */
export function advice({ code, extensions }: Refusal): string {
  switch (code) {
    case ErrorCode.UNAUTHENTICATED:
    case ErrorCode.INVALID_TOKEN:
      return "sign in again";
    case ErrorCode.REAUTHENTICATION_REQUIRED:
      return "give your password once more";
    case ErrorCode.SECOND_FACTOR_REQUIRED:
      return "give a code of your authenticator app";
    case ErrorCode.INVALID_CREDENTIALS:
      return "check the address and the password";
    case ErrorCode.VERIFICATION_REQUIRED:
      return "read the mail that is on its way";
    case ErrorCode.EMAIL_TAKEN:
      return "sign in, there is an account with this address";
    case ErrorCode.BAD_USER_INPUT:
      return `change ${extensions["field"]}`;
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
      return `try again in ${extensions["retryAfter"]} seconds`;
    case ErrorCode.LIMIT_EXCEEDED:
    case ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED:
    case ErrorCode.GRAPHQL_PARSE_FAILED:
    case ErrorCode.GRAPHQL_VALIDATION_FAILED:
      return "update this program, it asks what the server does not take";
    case ErrorCode.INTERNAL:
      return `tell the operator, with request ${extensions["requestId"]}`;
    default:
      return code satisfies never;
  }
}
