import { ErrorCode } from "./gql/enums.js";
import type { TypedDocumentString } from "./gql/graphql.js";

/** An error of the API. Decide by `code`; `message` is for people, and its words may change. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly extensions: Record<string, unknown>,
  ) {
    super(message);
  }
}

/** The shape of every answer, whatever its HTTP status. */
interface Answer<Data> {
  data?: Data | null;
  errors?: { message: string; extensions?: Record<string, unknown> }[];
}

/**
 * Returns a function that runs one operation: for the user of the access token, or anonymously without one.
 * It rejects with a Refusal as soon as an answer holds an error, also when parts of a query could be answered.
 */
export function connect(url: string, accessToken?: string) {
  return async <Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    ...[variables]: Variables extends Record<string, never> ? [] : [Variables]
  ): Promise<Data> => {
    const response = await fetch(url, {
      method: "POST",
      credentials: "include", // in a browser: take and send the cookie, also to an API on another origin
      headers: {
        Accept: "application/graphql-response+json, application/json",
        "Content-Type": "application/json",
        ...(accessToken && { Authorization: `Bearer ${accessToken}` }),
      },
      body: JSON.stringify({ query: document.toString(), variables }),
      signal: AbortSignal.timeout(10_000),
    }).catch((cause: unknown) => {
      throw new Error(`${url} does not answer: is Gatehouse running there?`, { cause });
    });
    if (!response.headers.get("Content-Type")?.includes("json")) {
      throw new Error(`${url} answered ${response.status}, and not with GraphQL: is the address right?`);
    }

    const { data, errors } = (await response.json()) as Answer<Data>;
    const error = errors?.[0];
    if (error) throw new Refusal(errorCode(error.extensions?.["code"]), error.message, error.extensions ?? {});
    if (!data) throw new Error(`${url} answered ${response.status} without data and without errors`);
    return data;
  };
}

/** A newer server may know codes that this client was not generated with. */
function errorCode(code: unknown): ErrorCode {
  return Object.values(ErrorCode).find((known) => known === code) ?? ErrorCode.INTERNAL;
}
