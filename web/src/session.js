// Who this page is signed in as. The access token lives in a variable of this module and nowhere else: not in the
// browser's storage, not in a cookie. It is gone with the page.

const nobody = { token: null, name: null, refusal: null };

let session = nobody;
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

export const forget = () => become(nobody);

// signIn takes the payload of any field that gave an access token.
export const signIn = ({ accessToken, user }) => become({ ...nobody, token: accessToken, name: user?.email ?? null });

// refuse notes why the server did not accept the token; it is kept, so that asking again says the same.
export const refuse = (reason) => become({ ...session, refusal: reason });
