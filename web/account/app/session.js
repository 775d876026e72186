import { useCallback, useEffect, useState } from 'preact/hooks';
import { createGatehouse } from './client.js';
import { stepUp } from './dialog.jsx';

// Both addresses of the page, /account and /account/, have the script below them.
export const base = new URL(/* @vite-ignore */ '..', import.meta.url);

export const gatehouse = createGatehouse({
  url: new URL('../graphql', base).href,
  stepUp: (wanted) => stepUp(wanted),
});

export function useSession() {
  const [state, setState] = useState(gatehouse.session.state);
  useEffect(() => gatehouse.subscribe(() => setState(gatehouse.session.state)), []);
  return state;
}

// useAnswer is what a query answers, and how to ask again.
export function useAnswer(query) {
  const [answer, setAnswer] = useState({});
  const ask = useCallback(async () => {
    try {
      setAnswer({ data: await gatehouse.request(query) });
    } catch (error) {
      setAnswer((before) => ({ ...before, error }));
    }
  }, [query]);
  useEffect(() => { ask(); }, [ask]);
  return [answer.data, ask, answer.error];
}
