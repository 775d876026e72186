import type { StepUp } from "./errors.js";
import { type Operation, readOperation } from "./operation.js";
import { createSession, errorOf, type Exchange, type Answer, type Session, superseded } from "./session.js";
import { type Platform, platform } from "./tabs.js";
import type { AuthPayload, Token, TokenStorage } from "./tokens.js";

export interface Options {
  /** Of the API: `/graphql`, or `https://api.example.com/graphql`. */
  url: string;
  /**
   * Where the refresh token is. `cookie`: in one that no script can read; sign in with `cookie: true`. `memory`: gone
   * with the page. A storage: stays, for every script of the origin to read.
   */
  tokens: "cookie" | "memory" | TokenStorage;
  /**
   * Lets the user prove again who they are, by `reauthenticate`, and says whether they did: then the request is sent
   * again. It is asked once for all requests that wait. Without it they are refused with REAUTHENTICATION_REQUIRED.
   */
  stepUp?: (need: StepUp) => Promise<boolean>;
  /** In place of what the environment has. */
  platform?: Partial<Platform>;
}

/** A document with its types: graphql-codegen's TypedDocumentString (`documentMode: "string"`). */
export interface TypedDocument<Data, Variables> {
  readonly __apiType?: (variables: Variables) => Data;
  toString(): string;
}

export interface RequestOptions {
  signal?: AbortSignal;
}

/** The variables may be left out where none is required. */
export type Arguments<Variables> = {} extends Variables
  ? [variables?: Variables, options?: RequestOptions]
  : [variables: Variables, options?: RequestOptions];

export interface Gatehouse {
  /** Resolves to the data of an answer without errors. Rejects with GatehouseError, or as `fetch` does. */
  request<Data = unknown, Variables = unknown>(
    document: TypedDocument<Data, Variables>,
    ...rest: Arguments<Variables>
  ): Promise<Data>;
  /**
   * `fetch` of the API alone, with the access token; for Apollo Client, urql and Relay. It takes the session of each
   * answer whose root field has an `accessToken`. What one user has asked is never sent for another who has signed in
   * meanwhile: it is answered by UNAUTHENTICATED.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  readonly session: Session;
  /** Calls the listener whenever `session` has changed, in whichever tab. Returns what ends that. */
  subscribe(listener: () => void): () => void;
  /** Resolves once it is known whether somebody is signed in. Rejects while the server cannot be reached. */
  start(): Promise<void>;
  /** Ends the session, in every tab. Rejects, and ends nothing, while the server cannot be reached. */
  signOut(): Promise<void>;
  /** An access token that can be used, for other services. */
  accessToken(): Promise<string | undefined>;
  /** For `login`: the `device` that the server gave. Not in cookie mode, where the browser sends it. */
  device(): Promise<string | undefined>;
  /** Whether the mode is `cookie`: for the input of that name. */
  readonly cookie: boolean;
  /** Leaves the other tabs: for tests. */
  close(): void;
}

/** How long the server may take for what other tabs wait for. */
const lockTimeout = 30_000;

// What sets the cookie: one at a time, or a refresh that was sent before it would set it back.
export const exclusive = new Set([
  "register", "login", "completeLogin", "passkeyLogin", "acceptInvitation", "resetPassword", "changePassword",
  "refresh", "logout", "deleteAccount",
]);

// What ends the session, of the cookie where there is no token.
const ending = new Set(["logout", "deleteAccount"]);

/** Makes the client of one API. A page has one; a server has one for each request. */
export function createGatehouse({ url, tokens, stepUp, platform: own }: Options): Gatehouse {
  const shared = tokens !== "memory";
  const env = { ...platform(shared), ...own };
  const place = (input: string | URL) => new URL(input, globalThis.location?.href);
  const name = `gatehouse ${tokens === "cookie" ? tokens : "storage"} ${place(url)}`; // of the tabs of one session
  const environment = shared ? env : { ...env, locks: undefined, channel: undefined };
  const session = createSession(name, tokens, environment, (body, token) =>
    send(url, { ...json(body), signal: AbortSignal.timeout(lockTimeout) }, token));
  let asking: Promise<boolean> | undefined;

  async function send(input: RequestInfo | URL, init: RequestInit, token?: Token): Promise<Exchange> {
    const headers = new Headers(init.headers);
    if (token) headers.set("Authorization", `Bearer ${token.text}`);
    const credentials = init.credentials ?? (tokens === "cookie" ? "include" : "same-origin");
    const response = await env.fetch(input, { ...init, headers, credentials });
    if (!response.headers.get("Content-Type")?.includes("json")) return { response, answer: undefined };
    return { response, answer: (await response.clone().json()) as Answer };
  }

  /** Sends a request, and takes the session that its answer begins or ends. */
  async function perform(input: RequestInfo | URL, init: RequestInit, { fields }: Operation): Promise<[Exchange, Token?]> {
    const token = session.token();
    const done = await send(input, init, token);
    for (const [key, value] of Object.entries(done.answer?.data ?? {})) {
      const payload = value as AuthPayload | null;
      if (typeof payload?.accessToken === "string") await session.signIn(payload);
      else if (payload && ending.has(fields.get(key) ?? "")) await session.end(token);
    }
    return token ? [done, token] : [done];
  }

  /** Waits until the token, if there is one, can be used. Returns what the server said when there will be none now. */
  async function ready(): Promise<Exchange | undefined> {
    const token = session.token();
    if (token ? env.now() < token.stale : session.snapshot().state !== "unknown") return undefined;
    try {
      const outcome = await session.refresh(token);
      if (typeof outcome !== "object") return undefined;
      if (!token || env.now() >= token.expires) return outcome;
    } catch (error) {
      if (!token || env.now() >= token.expires) throw error;
    }
    return undefined; // it can be used for a moment yet
  }

  /** Asks the user once for all who wait. */
  function prove(need: StepUp): Promise<boolean> {
    asking ??= Promise.resolve(stepUp?.(need) ?? false).finally(() => {
      asking = undefined;
    });
    return asking;
  }

  /** Sends a request until it is answered, or refused for good. */
  async function run(input: RequestInfo | URL, init: RequestInit): Promise<Exchange> {
    const operation = (init.method ?? "GET") === "GET" ? anyQuery : readOperation(init.body);
    const fields = [...operation.fields.values()];
    const [alone, ends] = [exclusive, ending].map((some) => fields.some((field) => some.has(field)));
    let asked = session.token()?.userId;
    let refreshed = false;
    let newer = false;
    for (let proofs = 0; ; ) {
      const refused = await ready();
      if (refused) return refused;
      init.signal?.throwIfAborted();
      const work = async (): Promise<[Exchange, Token?]> => {
        const user = session.token()?.userId;
        asked ??= user;
        return user === asked || (!user && !ends) ? perform(input, init, operation) : [superseded()];
      };
      const [done, token] = await (alone ? session.exclusively(work) : work());
      const need = refusal(done, operation);
      if (!need || !token) return done;
      if (session.token() === token && !refreshed && !(newer && need !== "UNAUTHENTICATED")) {
        refreshed = true;
        const outcome = await session.refresh(token);
        if (typeof outcome === "object") return outcome;
      }
      const next = session.token();
      if (next?.userId !== token.userId) return done; // nobody, or somebody who has not asked for this
      if (next !== token) {
        newer = true;
        continue;
      }
      if (need === "UNAUTHENTICATED" || proofs === 3 || !(await prove(need))) return done;
      proofs += 1;
    }
  }

  async function fetchAs(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    const request = input instanceof Request ? new Request(input, init) : undefined;
    const [asked, api] = [place(request?.url ?? (input as string | URL)), place(url)];
    if (asked.origin + asked.pathname !== api.origin + api.pathname) {
      throw new TypeError(`this asks ${api} alone: use fetch for ${asked}`);
    }
    if (new Headers(request?.headers ?? init.headers).has("Authorization")) return env.fetch(request ?? input, init);
    if (!request) return (await run(input, init)).response;
    const { method, headers, signal, credentials, mode, cache, redirect, keepalive } = request;
    const body = method === "GET" ? null : await request.text();
    return (await run(asked, { method, headers, signal, credentials, mode, cache, redirect, keepalive, body })).response;
  }

  return {
    async request<Data>(document: TypedDocument<Data, never>, variables?: unknown, { signal }: RequestOptions = {}) {
      const done = await run(url, { ...json({ query: document.toString(), variables }), ...(signal && { signal }) });
      const { data, errors } = done.answer ?? {};
      if (!data || errors) throw errorOf(done);
      return data as Data;
    },
    fetch: fetchAs,
    get session() {
      return session.snapshot();
    },
    subscribe: session.subscribe,
    async start() {
      const refused = await ready();
      if (refused) throw errorOf(refused);
    },
    signOut: session.signOut,
    async accessToken() {
      const asked = session.token()?.userId;
      const refused = await ready();
      if (refused) throw errorOf(refused);
      const token = session.token();
      if (asked !== undefined && token && token.userId !== asked) throw errorOf(superseded());
      return token?.text;
    },
    device: session.device,
    cookie: session.cookie,
    close: session.close,
  };
}

const anyQuery: Operation = { query: true, fields: new Map(), single: false };

// With application/json every answer has the status 200, and the browser's console stays empty.
const json = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "Content-Type": "application/json", Accept: "application/json" },
  body: JSON.stringify(body),
});

/**
 * What the server wants before it does an operation, of which it has done nothing: a query may be asked again. A
 * mutation was refused as a whole when its answer has no `data`, or when its only field was.
 */
function refusal({ answer }: Exchange, { query, single }: Operation): "UNAUTHENTICATED" | StepUp | undefined {
  if (!answer?.errors) return undefined;
  const whole = !("data" in answer) || (single && answer.data === null);
  if (!query && !whole) return undefined;
  let need: StepUp | undefined;
  for (const { extensions, path = [] } of answer.errors) {
    if (!query && path.length > 1) return undefined;
    if (extensions?.["code"] === "UNAUTHENTICATED") return "UNAUTHENTICATED";
    if (extensions?.["code"] !== "REAUTHENTICATION_REQUIRED") continue;
    const { maxAge, mfa } = extensions as StepUp;
    const least = Math.min(maxAge ?? Infinity, need?.maxAge ?? Infinity);
    need = { ...(least < Infinity && { maxAge: least }), ...((mfa || need?.mfa) && { mfa: true }) };
  }
  return need;
}
