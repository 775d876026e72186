// A client of /graphql for a page of the server's own origin: the refresh token is in a cookie that no script reads, the
// access token in a variable.
export class GatehouseError extends Error {
  constructor(errors) {
    super(errors[0].message);
    this.name = 'GatehouseError';
    this.errors = errors;
  }
}

const renew = `mutation Refresh { refresh(input: {}) { accessToken expiresIn user { id } } }`;
const isOver = (error) => error.errors?.[0].code === 'UNAUTHENTICATED';

export function createGatehouse({ url, stepUp }) {
  const listeners = new Set();
  const tabs = new BroadcastChannel('gatehouse');
  let token;
  let refreshing;
  let state = 'unknown';

  function become(next) {
    if (next === state) return;
    state = next;
    if (next !== 'signed-in') token = undefined;
    for (const listener of listeners) listener();
  }

  async function send(query, variables) {
    let answer;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          accept: 'application/json',
          'content-type': 'application/json',
          ...(token && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ query, variables }),
      });
      answer = await response.json();
    } catch (cause) {
      throw new Error('the server does not answer', { cause });
    }
    if (answer.errors) throw new GatehouseError(answer.errors.map(({ message, extensions }) => ({ message, ...extensions })));
    const payload = Object.values(answer.data)[0];
    if (payload?.accessToken && typeof payload.accessToken === 'string') {
      token = payload.accessToken;
      become('signed-in');
    } else if (answer.data.deleteAccount) over();
    return answer.data;
  }

  // refresh says whether there is a session still. One request at a time is enough for all that wait.
  async function refresh() {
    token = undefined;
    refreshing ??= navigator.locks.request('gatehouse-refresh', () => send(renew)).finally(() => { refreshing = undefined; });
    try {
      await refreshing;
      return true;
    } catch (error) {
      if (error.errors?.[0].code !== 'INVALID_TOKEN') throw error;
      become('signed-out');
      return false;
    }
  }

  async function request(query, variables) {
    try {
      return await send(query, variables);
    } catch (error) {
      if (token && isOver(error) && await refresh()) return send(query, variables);
      if (error.errors?.[0].code === 'REAUTHENTICATION_REQUIRED' && await stepUp(error.errors[0])) return send(query, variables);
      throw error;
    }
  }

  function over() {
    tabs.postMessage('signed-out');
    become('signed-out');
  }

  tabs.onmessage = () => become('signed-out');

  return {
    request,
    session: { get state() { return state; } },
    start: refresh,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async signOut() {
      await send('mutation Logout { logout { success } }').catch((error) => { if (!isOver(error)) throw error; });
      over();
    },
  };
}
