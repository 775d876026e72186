/** Where refresh tokens are kept, such as localStorage or React Native's AsyncStorage. All tabs must see the same. */
export interface TokenStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): unknown;
  removeItem(key: string): unknown;
}

/** What the kit reads of an AuthPayload. */
export interface AuthPayload {
  readonly accessToken: string;
  readonly expiresIn?: number;
  readonly refreshToken?: string | null;
  readonly device?: string | null;
}

/** An access token, and whose it is. */
export interface Token {
  readonly text: string;
  /** In milliseconds, by the clock of this machine. */
  readonly expires: number;
  /** From when on it is refreshed before it is used. */
  readonly stale: number;
  readonly sessionId: string;
  readonly userId: string;
}

export function readToken({ accessToken, expiresIn }: AuthPayload, now: number): Token {
  const { iat, exp, sid = "", sub = "" } = claims(accessToken);
  const life = 1000 * (expiresIn ?? (exp && iat ? exp - iat : Infinity));
  return {
    text: accessToken,
    expires: now + life,
    stale: now + life - Math.min(30_000, life / 4),
    sessionId: sid,
    userId: sub,
  };
}

// The claims of a JWT (RFC 9068), which are in base64url.
function claims(token: string): { iat?: number; exp?: number; sid?: string; sub?: string } {
  try {
    return JSON.parse(atob(token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return {};
  }
}

export function memory(): TokenStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  };
}
