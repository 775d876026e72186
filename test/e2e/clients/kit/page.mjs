// A front end with one client library and the kit; flows.mjs opens and drives it.
import { apolloClient } from '../../../../clients/typescript/recipes/apollo.ts';
import { relayEnvironment } from '../../../../clients/typescript/recipes/relay.ts';
import { urqlClient } from '../../../../clients/typescript/recipes/urql.ts';
import { apiErrors, createGatehouse } from '../../../../clients/typescript/src/index.ts';
import { ReauthenticateDocument } from '../../../../clients/typescript/src/gql/graphql.ts';
import { gql } from '@apollo/client';
import { commitMutation, fetchQuery } from 'relay-runtime';
import * as flows from './flows.js';

const isMutation = (text) => text.trim().startsWith('mutation');

// A row for each library: a function that runs a document, and returns its data or throws as the library does.
const libraries = {
  kit: (gatehouse) => (text, variables) => gatehouse.request(text, variables),
  apollo(gatehouse, url) {
    const client = apolloClient(gatehouse, url);
    return async (text, variables) => (isMutation(text)
      ? await client.mutate({ mutation: gql(text), variables })
      : await client.query({ query: gql(text), variables, fetchPolicy: 'network-only' })).data;
  },
  urql(gatehouse, url) {
    const client = urqlClient(gatehouse, url);
    return async (text, variables) => {
      const { data, error } = isMutation(text)
        ? await client.mutation(text, variables).toPromise()
        : await client.query(text, variables, { requestPolicy: 'network-only' }).toPromise();
      if (error) throw error;
      return data;
    };
  },
  // Relay runs what its compiler made of a document of the same name.
  relay(gatehouse, url) {
    const environment = relayEnvironment(gatehouse, url);
    const artifacts = import.meta.glob('relay-artifacts/*.js', { import: 'default', eager: true });
    return (text, variables = {}) => {
      const [, name] = /(?:mutation|query) (\w+)/.exec(text);
      const [, mutation] = Object.entries(artifacts).find(([path]) => path.endsWith(`/${name}.graphql.js`));
      if (!isMutation(text)) return fetchQuery(environment, mutation, variables, { fetchPolicy: 'network-only' }).toPromise();
      return new Promise((onCompleted, onError) => commitMutation(environment, { mutation, variables, onCompleted, onError }));
    };
  },
};

// The page's clock may be put forward.
const now = Date.now.bind(Date);
window.ahead = 0;
Date.now = () => now() + window.ahead;

window.open = (library, url, without = []) => {
  if (without.includes('locks')) Object.defineProperty(navigator, 'locks', { value: undefined });
  if (without.includes('channel')) delete window.BroadcastChannel;
  const page = { prompts: [], changes: [] };
  const gatehouse = createGatehouse({
    url,
    tokens: 'cookie',
    async stepUp(need) {
      page.prompts.push(need);
      if (!page.password) return false;
      await gatehouse.request(ReauthenticateDocument, { input: { password: page.password } });
      return true;
    },
  });
  gatehouse.subscribe(() => page.changes.push(gatehouse.session.state));
  const run = libraries[library](gatehouse, url);
  // ask gives the data, or the errors that the API sent; without any, the server was not reached.
  page.ask = (name, variables) => run(flows[name], variables).then(
    (data) => ({ data }), (error) => ({ errors: apiErrors(error), thrown: String(error) }));
  page.start = () => gatehouse.start().then(() => gatehouse.session.state, (error) => String(error));
  page.signOut = () => gatehouse.signOut();
  page.state = () => gatehouse.session.state;
  window.page = page;
};
