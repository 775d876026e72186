// Walks through a session in a browser with one client library; browser.mjs opens it.
import * as documents from './documents.js';
import { libraries, Refusal } from './libraries.mjs';

const must = (holds, sentence) => {
  if (!holds) throw new Error(sentence);
};

// What Sentry's and OpenTelemetry's browser libraries add to requests.
const tracing = () => ({
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  'sentry-trace': '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1',
  baggage: 'sentry-environment=test',
});

async function refused(promise, wanted) {
  const error = await promise.then(() => undefined, (error) => error);
  must(error instanceof Refusal, `wanted ${JSON.stringify(wanted)}, got ${error ?? 'an answer'}`);
  for (const [name, value] of Object.entries(wanted)) {
    must(error.extensions[name] === value, `wanted ${name} ${value}, got ${error.message}`);
  }
}

window.walk = async (library, url, email) => {
  let token;
  const ask = await libraries[library](url, () => (token ? { ...tracing(), authorization: `Bearer ${token}` } : tracing()));
  const signedIn = async (payload) => {
    must(payload.refreshToken === null && payload.user.email === email, `signed in as ${JSON.stringify(payload)}`);
    token = payload.accessToken;
    must((await ask(documents.me)).me.email === email, 'me is another');
  };
  const input = { email, password: 'correct horse battery', cookie: true };
  await refused(ask(documents.me), { code: 'UNAUTHENTICATED', reason: 'missing' });
  await refused(ask(documents.register, { input: { ...input, password: 'short' } }),
    { code: 'BAD_USER_INPUT', field: 'password', reason: 'TOO_SHORT', min: 8 });
  await signedIn((await ask(documents.register, { input })).register);
  const { id } = (await ask(documents.me)).me;
  must((await ask(documents.node, { id })).node.email === email, 'node is another');
  if (library === 'relay-runtime') { // what its compiler made of @refetchable
    const { node } = await ask('query documentsUserRefetchQuery', { id });
    must(node.__id === id && 'documents_user' in node.__fragments, `fetched again: ${JSON.stringify(node)}`);
  }
  const first = token;
  token = undefined;
  await signedIn((await ask(documents.refresh)).refresh);
  must(token !== first, 'refresh gave the same access token');
  await refused(ask(documents.login, { input: { ...input, password: 'wrong' } }), { code: 'INVALID_CREDENTIALS' });
  await signedIn((await ask(documents.login, { input })).login);
  must((await ask(documents.logout)).logout.success, 'the logout did not succeed');
  await refused(ask(documents.me), { code: 'UNAUTHENTICATED', reason: 'revoked' });
};
