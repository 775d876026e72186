import { GatehouseError, type RawError, readErrors } from "./errors.js";
import { joinTabs, type Platform } from "./tabs.js";
import { type AuthPayload, memory, readToken, type Token, type TokenStorage } from "./tokens.js";

/** Whose session it is. An object that does not change: a new one takes its place. */
export interface Session {
  /** `unknown` until `start` has asked, and while the server cannot be reached. */
  readonly state: "unknown" | "signed-in" | "signed-out";
  /** When it changes, another user has signed in: forget what was fetched for the one before. */
  readonly userId?: string;
  readonly sessionId?: string;
}

/** An answer as it came, and what it says if it is JSON. */
export interface Exchange {
  readonly response: Response;
  readonly answer: Answer | undefined;
}

export interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly RawError[];
}

/** What became of a refresh: there is a token, or there is no session, or the server did not do it now. */
export type Outcome = "fresh" | "ended" | Exchange;

type Message = { readonly token: Token } | { readonly ended: string };

export type SessionStore = ReturnType<typeof createSession>;

const refreshDocument = `mutation Refresh($refreshToken: String) {
  refresh(input: { refreshToken: $refreshToken }) { accessToken expiresIn refreshToken }
}`;

/** A tab that was quicker has the next token by then; later, the server takes the one before for a copy. */
const lateBy = 11_000;

/** How long the news of the tab that has refreshed may take after it has released the lock. */
const newsTimeout = 250;

/** Keeps the tokens of one session, in all tabs. Only `post` asks the server. */
export function createSession(
  name: string,
  tokens: "cookie" | "memory" | TokenStorage,
  platform: Platform,
  post: (body: unknown, token?: Token) => Promise<Exchange>,
) {
  const cookie = tokens === "cookie";
  const storage = typeof tokens === "string" ? memory() : tokens;
  const [key, deviceKey] = [`${name} refresh`, `${name} device`];
  const listeners = new Set<() => void>();
  const waiting = new Set<() => void>();
  let session: Session = { state: tokens === "memory" ? "signed-out" : "unknown" };
  let current: Token | undefined;
  let ended: string | undefined; // the last session that has ended: its token may still be on its way
  let refreshing: Promise<Outcome> | undefined;

  const tabs = joinTabs<Message>(name, platform, (message) => {
    if ("token" in message) become(message.token);
    else if (current?.sessionId === message.ended) leave(message.ended);
    else ended = message.ended;
  });

  function change(token: Token | undefined): void {
    current = token;
    const { sessionId, userId } = token ?? {};
    const state = token ? "signed-in" : "signed-out";
    const told = session.state === state && session.sessionId === sessionId;
    if (!told) session = Object.freeze({ state, ...(token && { userId, sessionId }) }) as Session;
    for (const resume of [...waiting, ...(told ? [] : listeners)]) resume();
  }

  function become(token: Token): void {
    if (!token.sessionId || token.sessionId !== ended) change(token);
  }

  function leave(sessionId: string | undefined): void {
    ended = sessionId;
    change(undefined);
  }

  /** Takes the session of an answer. */
  async function signIn(payload: AuthPayload): Promise<void> {
    if (payload.refreshToken) await storage.setItem(key, payload.refreshToken);
    if (payload.device) await storage.setItem(deviceKey, payload.device);
    const token = readToken(payload, platform.now());
    become(token);
    if (current === token) tabs.publish({ token });
  }

  /** Ends the session of a token in all tabs, unless another one has begun. */
  async function end(token: Token | undefined): Promise<void> {
    if (current && current.sessionId !== token?.sessionId) return;
    if (!cookie) await storage.removeItem(key);
    leave(token?.sessionId);
    if (token) tabs.publish({ ended: token.sessionId });
  }

  /** Waits until there is another token than one, for a time. */
  async function newsAfter(stale: Token | undefined, milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const listener = () => {
        if (current === stale) return;
        waiting.delete(listener);
        resolve();
      };
      waiting.add(listener);
      void platform.sleep(milliseconds).then(() => {
        waiting.delete(listener);
        resolve();
      });
      listener();
    });
  }

  /** Does one thing at a time over all tabs, when the news of the tab before is there. */
  function exclusively<T>(work: () => Promise<T>): Promise<T> {
    const before = current;
    return tabs.exclusively(async (waited) => {
      if (waited) await newsAfter(before, newsTimeout);
      return work();
    });
  }

  const settled = (): Outcome => (current ? "fresh" : "ended");

  /** Gets a token in place of one, unless another tab has. Runs in one tab at a time. */
  async function exchange(stale: Token | undefined, waited: boolean): Promise<Outcome> {
    if (waited) await newsAfter(stale, newsTimeout);
    for (let late = false; current === stale; ) {
      const sent = cookie ? undefined : await storage.getItem(key);
      if (!cookie && !sent) {
        await end(stale);
        return "ended";
      }
      const done = await post({ query: refreshDocument, variables: sent ? { refreshToken: sent } : {} });
      if (current !== stale || (!cookie && (await storage.getItem(key)) !== sent)) continue; // somebody signed in
      const payload = done.answer?.data?.["refresh"];
      if (payload) {
        await signIn(payload as AuthPayload);
        break;
      }
      const { code, reason } = done.answer?.errors?.[0]?.extensions ?? {};
      if (code !== "INVALID_TOKEN") return done;
      if (reason !== "used" || late) {
        await end(stale);
        break;
      }
      late = true;
      await newsAfter(stale, lateBy);
    }
    return settled();
  }

  /** Gets a token in place of one that is stale, once for all who ask meanwhile. */
  function refresh(stale: Token | undefined): Promise<Outcome> {
    if (current !== stale) return Promise.resolve(settled());
    refreshing ??= tabs.exclusively((waited) => exchange(stale, waited)).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  /** Ends the session on the server, and then in all tabs. */
  function signOut(): Promise<void> {
    const asked = current?.userId;
    return exclusively(async () => {
      if (!current || platform.now() >= current.stale) { // one that has expired names no session
        const outcome = await exchange(current, false);
        if (typeof outcome === "object") throw errorOf(outcome);
      }
      const token = current;
      if (!token) return;
      if (asked !== undefined && asked !== token.userId) throw errorOf(superseded());
      const done = await post({ query: "mutation Logout { logout { success } }" }, token);
      const ended = done.answer?.errors?.[0]?.extensions?.["code"] === "UNAUTHENTICATED"; // before, and elsewhere
      if (!ended && !done.answer?.data?.["logout"]) throw errorOf(done);
      await end(token);
    });
  }

  return {
    cookie,
    snapshot: () => session,
    token: () => current,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    signIn,
    end,
    refresh,
    signOut,
    exclusively,
    device: async () => (await storage.getItem(deviceKey)) ?? undefined,
    close: tabs.close,
  };
}

/** The answer to what a user has asked in whose place another is, or nobody. */
export function superseded(): Exchange {
  const extensions = { code: "UNAUTHENTICATED", reason: "revoked" };
  const answer = { errors: [{ message: "who asked this is not signed in any more", extensions }] };
  return { response: Response.json(answer), answer };
}

/** What an answer without data means to the caller. */
export function errorOf({ response, answer }: Exchange): Error {
  if (answer?.errors) return new GatehouseError(readErrors(answer.errors), answer.data ?? undefined);
  const { status, url } = response;
  // A proxy answers so for a server that is away.
  if (status === 502 || status === 503 || status === 504) {
    const retryAfter = Number(response.headers.get("retry-after")) || 1;
    return new GatehouseError([{ code: "UNAVAILABLE", message: `the proxy answered ${status}`, retryAfter }]);
  }
  return new Error(`${url} answered ${status}, and not as GraphQL does: is the address right?`);
}
