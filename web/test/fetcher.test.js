import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { fetcher, signOut } from '../src/fetcher.js';
import { forget, snapshot } from '../src/session.js';

let sent;

// ask sends a document to a server that answers `result`, and gives the Authorization header that went along.
async function ask(query, result, options, operationName) {
  globalThis.fetch = async (url, init) => {
    sent = { url, authorization: new Headers(init.headers).get('authorization') };
    return new Response(typeof result === 'string' ? result : JSON.stringify(result));
  };
  await fetcher({ query, operationName }, options);
  return sent.authorization;
}

const login = (query = 'mutation { login { accessToken } }', key = 'login', user) =>
  ask(query, { data: { [key]: { accessToken: 'T1', user } } });
const me = (options, result = { data: { me: null } }) => ask('{ me { id } }', result, options);
const unauthenticated = (reason) => ({
  data: { me: null },
  errors: [{ message: 'no', extensions: { code: 'UNAUTHENTICATED', reason } }],
});

beforeEach(forget);

test('no token goes along before one was given', async () => {
  assert.equal(await me(), null);
  assert.equal(sent.url, 'graphql');
});

test('the token of an answer goes along with the next request', async () => {
  await login(undefined, 'login', { email: 'ada@example.com' });
  assert.equal(await me(), 'Bearer T1');
  assert.equal(snapshot().name, 'ada@example.com');
});

test('the token is found under an alias and in fragments', async () => {
  for (const query of [
    'mutation { x: login { accessToken } }',
    'mutation { ... on Mutation { x: register { accessToken } } }',
    'mutation { ...F } fragment F on Mutation { x: refresh { accessToken } }',
  ]) {
    forget();
    await login(query, 'x');
    assert.equal(await me(), 'Bearer T1', query);
  }
});

test('only the operation that ran counts', async () => {
  const query = 'mutation A { x: logout { success } } mutation B { x: revokeOtherSessions { success } }';
  await login();
  await ask(query, { data: { x: { success: true } } }, {}, 'B');
  assert.equal(await me(), 'Bearer T1');
  await ask(query, { data: { x: { success: true } } }, {}, 'A');
  assert.equal(await me(), null);
});

test('the name of another tab\'s operation does not go along', async () => {
  const nameOf = async (query, name) => {
    globalThis.fetch = async (url, init) => {
      sent = JSON.parse(init.body);
      return new Response('{"errors": [{"message": "no"}]}');
    };
    await fetcher({ query, operationName: name });
    return sent.operationName;
  };
  assert.equal(await nameOf('query Me { me { id } }', 'Register'), undefined);
  assert.equal(await nameOf('query Me { me { id } }', 'Me'), 'Me');
  assert.equal(await nameOf('query A { me { id } } query B { me { id } }', 'B'), 'B');
  assert.equal(await nameOf('query Me { me {', 'Me'), 'Me');
});

test('a login that is refused keeps the token', async () => {
  await login();
  await ask('mutation { login { accessToken } }', { data: null, errors: [{ message: 'no' }] });
  assert.equal(await me(), 'Bearer T1');
});

test('an Authorization of the headers editor wins, and its session is not ours to end', async () => {
  await login();
  const options = { headers: { AUTHORIZATION: 'Bearer other' } };
  assert.equal(await me(options), 'Bearer other');
  await ask('mutation { logout { success } }', { data: { logout: { success: true } } }, options);
  assert.equal(sent.authorization, 'Bearer other');
  assert.equal(await me(), 'Bearer T1');
});

test('a token that the server refuses says so and is kept', async () => {
  await me({}, unauthenticated('missing'));
  assert.equal(snapshot().refusal, null);
  await login();
  await me({}, unauthenticated('expired'));
  assert.equal(snapshot().refusal, 'expired');
  assert.equal(await me(), 'Bearer T1');
  await login();
  assert.equal(snapshot().refusal, null);
});

test('an answer that is not JSON is shown as such', async () => {
  await assert.rejects(me({}, '<h1>Bad gateway</h1>'), /answered 200 without JSON: <h1>Bad gateway/);
});

test('signing out ends the session of the token, without a cookie', async () => {
  await login();
  globalThis.fetch = async (url, init) => {
    sent = { url, init };
    return new Response('{"data": {"logout": {"success": true}}}');
  };
  await signOut();
  assert.equal(new Headers(sent.init.headers).get('authorization'), 'Bearer T1');
  assert.match(JSON.parse(sent.init.body).query, /logout/);
  assert.equal(sent.init.credentials, 'omit');
  assert.deepEqual(snapshot(), { token: null, name: null, refusal: null, lost: false });
});

test('signing out says when the session may go on', async () => {
  const unanswered = {
    unreachable: () => { throw new TypeError('Failed to fetch'); },
    refused: () => new Response('{"data": null, "errors": [{"message": "later", "extensions": {"code": "RATE_LIMITED"}}]}'),
    'not JSON': () => new Response('<h1>502</h1>', { status: 502 }),
  };
  for (const [how, answer] of Object.entries(unanswered)) {
    await login();
    globalThis.fetch = async () => answer();
    await signOut();
    assert.equal(snapshot().token, null, how);
    assert.equal(snapshot().lost, true, how);
    await login();
    assert.equal(snapshot().lost, false, how);
  }
});

test('who signs in while the sign-out is under way stays signed in', async () => {
  await login();
  let fail;
  globalThis.fetch = () => new Promise((_, reject) => { fail = () => reject(new TypeError('Failed to fetch')); });
  const leaving = signOut();
  await login(undefined, 'login', { email: 'ben@example.com' });
  fail();
  await leaving;
  assert.equal(snapshot().name, 'ben@example.com');
});

test('a session that begins by an answer that was on its way at the sign-out ends at once', async () => {
  await login();
  const ended = [];
  let answer;
  globalThis.fetch = async (url, init) => {
    if (JSON.parse(init.body).query.includes('logout')) {
      ended.push(new Headers(init.headers).get('authorization'));
      return new Response('{"data": {"logout": {"success": true}}}');
    }
    return new Promise((resolve) => { answer = resolve; });
  };
  const asked = fetcher({ query: 'mutation { login { accessToken } }' });
  await signOut();
  answer(new Response('{"data": {"login": {"accessToken": "T2"}}}'));
  assert.equal((await asked).data.login.accessToken, 'T2');
  assert.deepEqual(ended, ['Bearer T1', 'Bearer T2']);
  assert.equal(snapshot().token, null);
  await login();
  assert.equal(await me(), 'Bearer T1');
});
