import 'graphiql/setup-workers/vite';
// These are graphiql/style.css without its 34 embedded fonts and its second copy of Monaco's styles.
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import 'graphiql/graphiql.css';
import './playground.css';
import { GraphiQL } from 'graphiql';
import { useState, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { fetcher, signOut } from './fetcher.js';
import { operations } from './operations.js';
import { runAs } from './persona.js';
import { snapshot, subscribe } from './session.js';

// The other pages that this server has, as it names them in the document.
const names = { access: 'Access', account: 'Account', admin: 'Admin', inbox: 'Inbox' };
const pages = document.documentElement.dataset.pages.split(' ').filter((page) => page in names);

function status({ token, name, refusal, lost }) {
  if (lost) return 'Not signed in here; the session could not be ended';
  if (!token) return 'Not signed in';
  if (refusal) return `Token refused: ${refusal}. Sign in again`;
  return name ? `Signed in as ${name}` : 'Signed in';
}

// The server makes administrators up where it shows the inbox.
const personas = { user: 'a user', ...(pages.includes('inbox') && { administrator: 'an administrator' }) };

function Session() {
  const session = useSyncExternalStore(subscribe, snapshot);
  const [fault, setFault] = useState(null);
  const start = (action) => () => {
    setFault(null);
    action().catch(({ message }) => setFault(message));
  };
  return (
    <>
      <span role="status">{fault ?? status(session)}</span>
      {Object.entries(personas).map(([persona, name]) => (
        <button key={persona} type="button" className="graphiql-button" onClick={start(() => runAs(persona))}>
          Run as {name}
        </button>
      ))}
      <button type="button" className="graphiql-button" onClick={start(signOut)} disabled={!session.token}>
        Sign out
      </button>
      {pages.map((page) => (
        <a key={page} href={page} target="_blank">
          {names[page]}
        </a>
      ))}
      <a href="schema.graphql" target="_blank">
        schema.graphql
      </a>
    </>
  );
}

// GraphiQL has Enter go into the editor that has the focus, where Tab is a letter. Esc goes out again, unless the editor
// has closed something by it (WCAG 2.2, 2.1.2: no keyboard trap).
document.addEventListener('keydown', ({ key, target }) => {
  if (key === 'Escape') target.closest('.graphiql-editor')?.focus();
});

// Without storage GraphiQL keeps tabs, variables and headers in memory only; without plugins it has no history.
// The first tab's variables are given twice because GraphiQL fills the editor of the first tab from the prop.
createRoot(document.getElementById('playground')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={null}
    shouldPersistHeaders={false}
    plugins={[]}
    inputValueDeprecation
    schemaDescription
    defaultTabs={operations}
    initialVariables={operations[0].variables}
  >
    <GraphiQL.Logo>
      <span>Gatehouse</span>
    </GraphiQL.Logo>
    <GraphiQL.Footer>
      <Session />
    </GraphiQL.Footer>
  </GraphiQL>,
);
