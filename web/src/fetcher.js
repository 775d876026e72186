import { getOperationAST, Kind, parse } from 'graphql';
import { forget, lose, refuse, signIn, snapshot } from './session.js';

// fetcher sends an operation to the server of this page, with the page's token unless the headers editor has an
// Authorization of its own. It updates the session from the response.
export async function fetcher(asked, options) {
  const params = withItsName(asked);
  const headers = new Headers(options?.headers);
  const token = headers.has('authorization') ? null : snapshot().token;
  if (token) headers.set('authorization', `Bearer ${token}`);
  // With this type the status is 200 even for GraphQL errors: those belong in the response and not in the browser's
  // console.
  if (!headers.has('accept')) headers.set('accept', 'application/json');
  headers.set('content-type', 'application/json');
  const before = signOuts;

  const response = await fetch('graphql', { method: 'POST', headers, body: JSON.stringify(params) });
  const result = await read(response);
  await updateSession(result, params, token, before);
  return result;
}

// withItsName leaves out a name that is another document's: GraphiQL reads the name of an operation 100 ms after its tab
// is opened, and sends the former tab's until then.
function withItsName({ operationName, ...params }) {
  const document = operationName && parsed(params.query);
  return document && !getOperationAST(document, operationName) ? params : { ...params, operationName };
}

function parsed(query) {
  try {
    return parse(query);
  } catch {
    return undefined; // the server says what is wrong with it
  }
}

let signOuts = 0;

// signOut forgets the token and ends its session, and says when that has not ended. The cookie is another page's.
export async function signOut() {
  const { token } = snapshot();
  signOuts += 1;
  forget();
  await end(token);
}

async function end(token) {
  const headers = { accept: 'application/json', authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ query: 'mutation SignOut { logout { success } }', operationName: 'SignOut' });
  const request = { method: 'POST', headers, body, credentials: 'omit' };
  const answer = await fetch('graphql', request).then(read).catch(() => undefined);
  if (!answer?.data?.logout && !snapshot().token) lose();
}

async function read(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`The server answered ${response.status} without JSON: ${text.slice(0, 200)}`);
  }
}

// The fields whose success ends the session of the token that was sent.
const endings = new Set(['logout', 'deleteAccount']);

// A session that begins after the user has signed out, by a request from before, ends at once.
async function updateSession(result, params, token, before) {
  const current = token && token === snapshot().token;
  const late = [];
  if (result.data) {
    for (const [key, field] of rootFields(params)) {
      const value = result.data[key];
      if (typeof value?.accessToken === 'string') {
        if (before === signOuts) signIn(value);
        else late.push(end(value.accessToken));
      } else if (value && current && endings.has(field)) forget();
    }
  }
  const refusal = result.errors?.find(({ extensions }) => extensions?.code === 'UNAUTHENTICATED');
  if (refusal && current) refuse(refusal.extensions.reason);
  await Promise.all(late);
}

// rootFields maps the keys of an answer, which an alias makes differ, to the names of the operation's root fields. The
// server gave data for the operation, hence it is valid: every fragment is there and none spreads itself.
function rootFields({ query, operationName }) {
  const document = parse(query);
  const fields = new Map();
  const collect = ({ selections }) => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        fields.set((selection.alias ?? selection.name).value, selection.name.value);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        collect(selection.selectionSet);
      } else {
        collect(fragmentNamed(document, selection.name.value).selectionSet);
      }
    }
  };
  collect(getOperationAST(document, operationName).selectionSet);
  return fields;
}

const fragmentNamed = ({ definitions }, name) =>
  definitions.find((definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name);
