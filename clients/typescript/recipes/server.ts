// A server that renders pages: one client for each request, with the browser's cookie. What the API sets goes to the
// browser. In Next.js, where only middleware and route handlers set cookies, call it there; elsewhere before the first
// byte of the page is sent.
import { createGatehouse, type Gatehouse } from "@gatehouse/client";

export interface Visit {
  /** The header of the browser's request. */
  cookie: string | null | undefined;
  /** Of this server's pages: in GATEHOUSE_ALLOWED_ORIGINS. */
  origin: string;
  /** Adds a Set-Cookie header to the answer. */
  setCookie(value: string): void;
}

export function gatehouseFor(url: string, { cookie, origin, setCookie }: Visit): Gatehouse {
  return createGatehouse({
    url,
    tokens: "cookie",
    platform: {
      async fetch(input, init) {
        const headers = new Headers(init?.headers);
        headers.set("Origin", origin);
        if (cookie) headers.set("Cookie", cookie);
        const response = await fetch(input, { ...init, headers });
        response.headers.getSetCookie().forEach(setCookie);
        return response;
      },
    },
  });
}
