// Asks a running server by unmodified clients that send the hash of a document first, and fall back to the document:
//
//   node test/e2e/clients/persisted.mjs FOLDER URL
//
// FOLDER has the packages: graphql16 or graphql17. It prints what each client sent, and exits 1 when one has no answer.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [folder, url] = process.argv.slice(2);
const require = createRequire(resolve(folder, 'package.json'));
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

// recorder is a fetch that remembers what was sent: whether there was a hash, whether there was a document.
function recorder() {
  const sent = [];
  const record = (target, init) => {
    const parameters = init.method === 'GET' ? new URL(target, url).searchParams : new Map(Object.entries(JSON.parse(init.body)));
    sent.push(`${init.method} ${parameters.get('extensions') ? 'hash' : ''}${parameters.get('query') ? 'document' : ''}`);
    return fetch(target, init);
  };
  return { sent, record };
}

async function apollo(name, useGETForHashedQueries) {
  const { ApolloClient, HttpLink, InMemoryCache, gql } = require(name.endsWith('3') ? `${name}/core` : name); // 3 exports React by its name
  const { createPersistedQueryLink } = require(`${name}/link/persisted-queries`);
  const { sent, record } = recorder();
  const link = createPersistedQueryLink({ sha256, useGETForHashedQueries })
    .concat(new HttpLink({ uri: url, fetch: record }));
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  for (const query of [gql`query A { __typename }`, gql`query B { a: __typename }`]) {
    const { data, error } = await client.query({ query, fetchPolicy: 'no-cache' });
    assert.equal(error, undefined);
    assert.equal(Object.values(data)[0], 'Query');
  }
  client.stop();
  return sent;
}

async function urql(preferGetForPersistedQueries) {
  const { Client, fetchExchange } = require('@urql/core');
  const { persistedExchange } = require('@urql/exchange-persisted');
  const { sent, record } = recorder();
  const client = new Client({
    url, fetch: record, preferGetMethod: false,
    exchanges: [persistedExchange({ generateHash: async (text) => sha256(text), preferGetForPersistedQueries }), fetchExchange],
  });
  for (const query of ['query A { __typename }', 'query B { a: __typename }']) {
    const { data, error } = await client.query(query, {}, { requestPolicy: 'network-only' }).toPromise();
    assert.equal(error, undefined);
    assert.equal(Object.values(data)[0], 'Query');
  }
  return sent;
}

const { dependencies } = require('./package.json');
const clients = Object.keys(dependencies).filter((name) => name.startsWith('@apollo/client'))
  .flatMap((name) => [false, true].map((get) => [name, get, apollo(name, get)]));
for (const get of [false, true]) {
  clients.push(['@urql/exchange-persisted', get, urql(get)]);
}
for (const [name, get, run] of clients) {
  const sent = await run;
  console.log(`${name}, GET ${get}: ${sent.join(', ')}`);
  assert.ok(sent[0].endsWith(' hash'), `${name} sent no hash first`);
  assert.equal(sent.filter((request) => request.endsWith('document')).length, 2, `${name} did not send both documents`);
}
