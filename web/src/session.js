// The session of this page. The access token lives in a variable of this module and nowhere else: not in the
// browser's storage, not in a cookie. It is gone with the page.

const signedOut = { token: null, name: null, refusal: null, lost: false };

let session = signedOut;
const listeners = new Set();

function become(next) {
  session = next;
  for (const listener of listeners) listener();
}

export const snapshot = () => session;

export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const forget = () => become(signedOut);

// lose stores that the token is forgotten and its session goes on.
export const lose = () => become({ ...signedOut, lost: true });

// signIn takes the payload of any field that returned an access token.
export const signIn = ({ accessToken, user }) => become({ ...signedOut, token: accessToken, name: user?.email ?? null });

// refuse stores why the server did not accept the token. The token stays, so that the next request shows the same.
export const refuse = (reason) => become({ ...session, refusal: reason });
