import { useCallback, useEffect, useState } from 'preact/hooks';
import { createGatehouse } from '../../../clients/typescript/src/index.ts';
import { stepUp } from './dialog.jsx';

// Both addresses of the page, /account and /account/, have the script below them.
export const base = new URL(/* @vite-ignore */ '..', import.meta.url);

export const gatehouse = createGatehouse({
  url: new URL('../graphql', base).href,
  tokens: 'cookie',
  stepUp: (wanted) => stepUp(wanted),
});

export function useSession() {
  const [session, setSession] = useState(gatehouse.session);
  useEffect(() => gatehouse.subscribe(() => setSession(gatehouse.session)), []);
  return session;
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
