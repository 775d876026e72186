import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { createGatehouse } from '../../clients/typescript/src/index.ts';
import { stepUp } from './dialog.jsx';

// root is where the pages and the API are: scripts are at PAGE/assets.
export const root = new URL(/* @vite-ignore */ '../..', import.meta.url);

export const gatehouse = createGatehouse({
  url: new URL('graphql', root).href,
  tokens: 'cookie',
  stepUp: (wanted) => stepUp(wanted),
});

export function useSession() {
  const [session, setSession] = useState(gatehouse.session);
  useEffect(() => gatehouse.subscribe(() => setSession(gatehouse.session)), []);
  return session;
}

// useAnswer is what a query answers, and how to ask again. An answer that comes after that of a later question is none.
export function useAnswer(query, variables) {
  const [answer, setAnswer] = useState({});
  const turns = useRef(0);
  const ask = useCallback(async () => {
    turns.current += 1;
    const turn = turns.current;
    const take = (next) => turn === turns.current && setAnswer(next);
    try {
      const data = await gatehouse.request(query, variables);
      take({ data });
    } catch (error) {
      take((before) => ({ ...before, error }));
    }
  }, [query, JSON.stringify(variables)]);
  useEffect(() => { ask(); }, [ask]);
  return [answer.data, ask, answer.error];
}
