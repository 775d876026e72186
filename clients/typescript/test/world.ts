// A browser with tabs, its cookie jar, and a server that keeps the rules of refresh tokens: all on a clock of their own,
// whose order of events a seed decides.
import { createGatehouse, type Gatehouse, type Options, type Platform } from "../src/index.js";

export type Answer = { data?: unknown; errors?: { message: string; path?: string[]; extensions: Record<string, unknown> }[] };

export class Clock {
  time = 1_000_000;
  #timers: { at: number; order: number; run: () => void }[] = [];
  #order = 0;

  sleep = (milliseconds: number): Promise<void> =>
    new Promise((run) => {
      this.#timers.push({ at: this.time + milliseconds, order: this.#order++, run });
    });

  /** Lets time pass until something is so. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    promise.then(() => (settled = true), () => (settled = true));
    for (let n = 0; n < 100_000; n += 1) {
      for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve)); // bodies are streams
      if (settled) return promise;
      this.#timers.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#timers.shift();
      if (!next) break;
      this.time = Math.max(this.time, next.at);
      next.run();
    }
    throw new Error("nothing more happens, and it is not done");
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Web Locks of one origin, for one name at a time; exclusive locks alone. */
export class Locks {
  #held = new Map<string, Promise<unknown>>();
  #busy = new Map<string, number>();

  request(name: string, optionsOrWork: unknown, maybeWork?: unknown): Promise<any> {
    const work = (maybeWork ?? optionsOrWork) as (lock: unknown) => unknown;
    const { ifAvailable = false } = maybeWork ? (optionsOrWork as { ifAvailable?: boolean }) : {};
    if (ifAvailable && this.#busy.get(name)) return Promise.resolve(work(null));
    this.#busy.set(name, (this.#busy.get(name) ?? 0) + 1);
    const turn = (this.#held.get(name) ?? Promise.resolve()).then(() => work({ name }));
    const over = turn.then(() => {}, () => {}).then(() => {
      this.#busy.set(name, this.#busy.get(name)! - 1);
    });
    this.#held.set(name, over);
    return turn;
  }
}

export interface ServerSession {
  id: string;
  user: string;
  generation: number;
  advanced: number;
  ended: boolean;
  proved: number;
}

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

export const claimsOf = (authorization: string) =>
  JSON.parse(Buffer.from(authorization.split(".")[1]!, "base64url").toString());

/** What goes wrong with a request: before the server has done it, or after. */
export type Fault = "none" | "lost request" | "lost answer" | "unavailable" | "limited";

export class World {
  readonly clock = new Clock();
  readonly locks = new Locks();
  readonly sessions = new Map<string, ServerSession>();
  /** The cookie of the browser. */
  cookie: string | undefined;
  /** How often each mutation was done, by its text. */
  readonly done = new Map<string, number>();
  refreshes = 0;
  mostRefreshes = 0;
  requests: string[] = [];
  /** For whom each document was sent. */
  readonly sentFor: { query: string; user: string }[] = [];
  accessLife = 600_000;
  online = true;
  latency = () => 1 + Math.floor(this.random() * 300);
  fault: (kind: string) => Fault = () => "none";
  #running = 0;
  #channels = new Map<string, Set<{ onmessage: ((event: MessageEvent) => void) | null }>>();
  #sessionCount = 0;

  constructor(readonly random: () => number) {}

  tab(options: Partial<Options> = {}, without: Partial<Platform> = {}): Gatehouse {
    return createGatehouse({
      url: "https://api.example/graphql",
      tokens: "cookie",
      ...options,
      platform: {
        fetch: (_, init) => this.serve(init!, options.tokens ?? "cookie"),
        now: () => this.clock.time,
        sleep: this.clock.sleep,
        locks: this.locks as unknown as LockManager,
        channel: (name) => this.channel(name),
        ...without,
      },
    });
  }

  channel(name: string) {
    const all = this.#channels.get(name) ?? new Set();
    this.#channels.set(name, all);
    const one = {
      onmessage: null as ((event: MessageEvent) => void) | null,
      postMessage: (data: unknown) => {
        for (const other of [...all].filter((it) => it !== one)) {
          const copy = structuredClone(data);
          void this.clock.sleep(this.random() * 5).then(() => other.onmessage?.({ data: copy } as MessageEvent));
        }
      },
      close: () => all.delete(one),
    };
    all.add(one);
    return one;
  }

  /** Begins a session, as if its user had signed in elsewhere in the browser. */
  begin(user = "ann"): ServerSession {
    const session = {
      id: `session ${this.#sessionCount++}`, user, generation: 0, advanced: -Infinity, ended: false,
      proved: this.clock.time,
    };
    this.sessions.set(session.id, session);
    this.cookie = this.#refreshToken(session);
    return session;
  }

  #refreshToken = ({ id, generation }: ServerSession) => `${id}/${generation}`;

  #payload(session: ServerSession, mode: Options["tokens"]) {
    const exp = (this.clock.time + this.accessLife) / 1000;
    const accessToken = ["{}", { sid: session.id, sub: session.user, iat: this.clock.time / 1000, exp, n: Math.random() }, ""]
      .map((part) => base64url(part)).join(".");
    const inCookie = mode === "cookie";
    if (inCookie) this.#setCookie = this.#refreshToken(session);
    return {
      accessToken, expiresIn: this.accessLife / 1000, device: null,
      refreshToken: inCookie ? null : this.#refreshToken(session),
    };
  }

  #setCookie: string | undefined; // of the answer that is being made

  async serve(init: RequestInit, mode: Options["tokens"]): Promise<Response> {
    const body = JSON.parse(init.body as string) as { query: string; variables?: Record<string, string> };
    const kind = /(?:mutation|query) (\w+)/.exec(body.query)![1]!;
    const sentCookie = mode === "cookie" ? this.cookie : undefined;
    this.requests.push(kind);
    const token = new Headers(init.headers).get("Authorization");
    if (token) this.sentFor.push({ query: body.query, user: claimsOf(token).sub });
    if (!this.online) throw new TypeError("Failed to fetch");
    const fault = this.fault(kind);
    const refresh = kind === "Refresh";
    if (refresh) {
      this.refreshes += 1;
      this.#running += 1;
      this.mostRefreshes = Math.max(this.mostRefreshes, this.#running);
    }
    try {
      await this.clock.sleep(this.latency());
      init.signal?.throwIfAborted();
      if (fault === "lost request") throw new TypeError("Failed to fetch");
      let answer: Answer;
      let setCookie: string | undefined;
      if (fault === "unavailable" || fault === "limited") {
        answer = refused(fault === "limited" ? "RATE_LIMITED" : "UNAVAILABLE", { retryAfter: 1 });
      } else {
        this.#setCookie = undefined;
        answer = this.#answer(kind, body, new Headers(init.headers).get("Authorization"), sentCookie, mode);
        setCookie = this.#setCookie;
      }
      await this.clock.sleep(this.latency());
      if (fault === "lost answer") throw new TypeError("Failed to fetch");
      if (setCookie !== undefined) this.cookie = setCookie || undefined;
      return Response.json(answer);
    } finally {
      if (refresh) this.#running -= 1;
    }
  }

  /** The session of an access token, or why it cannot be used. */
  #authenticate(authorization: string | null): ServerSession | string {
    if (!authorization) return "missing";
    const claims = claimsOf(authorization);
    if (claims.exp * 1000 <= this.clock.time) return "expired";
    const session = this.sessions.get(claims.sid)!;
    return session.ended ? "revoked" : session;
  }

  #answer(
    kind: string, { query, variables }: { query: string; variables?: Record<string, string> },
    authorization: string | null, cookie: string | undefined, mode: Options["tokens"],
  ): Answer {
    if (kind === "Refresh") return this.#refresh(variables?.["refreshToken"] ?? cookie, mode);
    if (kind === "Login") return { data: { login: this.#payload(this.begin2(variables!["user"]!), mode) } };
    const session = this.#authenticate(authorization);
    if (kind === "Logout") {
      const ends = typeof session === "object" ? session : this.sessions.get(cookie?.split("/")[0] ?? "");
      if (!ends) return refused("UNAUTHENTICATED", { reason: session }, "logout");
      ends.ended = true;
      this.#setCookie = "";
      return { data: { [/(\w+): (?:logout|deleteAccount)/.exec(query)?.[1] ?? "logout"]: { success: true } } };
    }
    if (typeof session === "string") return refused("UNAUTHENTICATED", { reason: session });
    if (kind === "Prove") {
      session.proved = this.clock.time;
      const { refreshToken, ...payload } = this.#payload(session, "memory");
      return { data: { reauthenticate: { ...payload, refreshToken: null } } };
    }
    if (kind === "Careful" && this.clock.time - session.proved > 300_000) {
      return refused("REAUTHENTICATION_REQUIRED", { maxAge: 300 });
    }
    this.done.set(query, (this.done.get(query) ?? 0) + 1);
    return { data: { me: { id: session.user } } };
  }

  begin2(user: string): ServerSession {
    const before = this.cookie;
    const session = this.begin(user);
    this.cookie = before; // the answer sets it
    return session;
  }

  #refresh(token: string | undefined, mode: Options["tokens"]): Answer {
    const invalid = (reason: string) => refused("INVALID_TOKEN", { reason }, "refresh");
    if (!token) return invalid("missing");
    const [id, generation] = token.split("/");
    const session = this.sessions.get(id!);
    if (!session) return invalid("unknown");
    if (session.ended) return invalid("revoked");
    const behind = session.generation - Number(generation);
    if (behind === 0) {
      session.generation += 1;
      session.advanced = this.clock.time;
    } else if (behind > 1) {
      if (behind > 2 || this.clock.time - session.advanced > 10_000) session.ended = true;
      return invalid("used");
    }
    return { data: { refresh: this.#payload(session, mode) } };
  }
}

const refused = (code: string, extensions: object, path?: string): Answer => ({
  ...(path && { data: null }),
  errors: [{ message: "no", ...(path && { path: [path] }), extensions: { code, ...extensions } }],
});
