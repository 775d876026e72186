// A row for each client library, unmodified and set up as its documentation says: a function of the server's URL and of
// what makes the headers of each request. It gives a function that runs a document, and returns its data or throws a
// Refusal with the extensions of the first error.
const sha256 = async (text) => {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
};

export class Refusal extends Error {
  constructor(extensions) {
    super(JSON.stringify(extensions));
    this.extensions = extensions;
  }
}

const isMutation = (text) => text.trim().startsWith('mutation');

// Both Apollo Clients name themselves in apollographql-client-name, and send hashes first.
function apollo({ core, persisted, awareness, extensionsOf }, url, headers) {
  const link = core.ApolloLink.from([
    new core.ApolloLink((operation, forward) => {
      operation.setContext((before) => ({ headers: { ...before.headers, ...headers() } }));
      return forward(operation);
    }),
    persisted.createPersistedQueryLink({ sha256 }),
    new core.HttpLink({ uri: url, credentials: 'include' }),
  ]);
  const client = new core.ApolloClient({ link, cache: new core.InMemoryCache(), ...awareness });
  return async (text, variables) => {
    const document = core.gql(text);
    try {
      const { data } = isMutation(text)
        ? await client.mutate({ mutation: document, variables })
        : await client.query({ query: document, variables, fetchPolicy: 'network-only' });
      return data;
    } catch (error) {
      const extensions = extensionsOf(error);
      throw extensions ? new Refusal(extensions) : error;
    }
  };
}

export const libraries = {
  '@apollo/client3': async (url, headers) => apollo({
    core: await import('@apollo/client3/core'), // the package's own name exports React
    persisted: await import('@apollo/client3/link/persisted-queries'),
    awareness: { name: 'page', version: '1' },
    extensionsOf: (error) => error.graphQLErrors?.[0]?.extensions,
  }, url, headers),

  '@apollo/client4': async (url, headers) => {
    const core = await import('@apollo/client4');
    return apollo({
      core,
      persisted: await import('@apollo/client4/link/persisted-queries'),
      awareness: { clientAwareness: { name: 'page', version: '1' } },
      extensionsOf: (error) => core.CombinedGraphQLErrors.is(error) && error.errors[0].extensions,
    }, url, headers);
  },

  '@urql/core': async (url, headers) => {
    const { Client, fetchExchange } = await import('@urql/core');
    const { persistedExchange } = await import('@urql/exchange-persisted');
    const client = new Client({
      url, preferGetMethod: false, exchanges: [persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange],
      fetchOptions: () => ({ credentials: 'include', headers: headers() }),
    });
    return async (text, variables) => {
      const { data, error } = isMutation(text)
        ? await client.mutation(text, variables).toPromise()
        : await client.query(text, variables, { requestPolicy: 'network-only' }).toPromise();
      if (!error) return data;
      const extensions = error.graphQLErrors[0]?.extensions;
      throw extensions ? new Refusal(extensions) : error;
    };
  },

  'graphql-request': async (url, headers) => {
    const { ClientError, GraphQLClient } = await import('graphql-request');
    const client = new GraphQLClient(url, { credentials: 'include', headers });
    return async (text, variables) => {
      try {
        return await client.request(text, variables);
      } catch (error) {
        throw error instanceof ClientError ? new Refusal(error.response.errors[0].extensions) : error;
      }
    };
  },

  // Relay runs what its compiler made of a document of the same name.
  'relay-runtime': async (url, headers) => {
    const { Environment, Network, RecordSource, Store, commitMutation, fetchQuery } = await import('relay-runtime');
    const network = Network.create(async ({ text }, variables) => {
      const response = await fetch(url, {
        method: 'POST', credentials: 'include', headers: { ...headers(), 'content-type': 'application/json' },
        body: JSON.stringify({ query: text, variables }),
      });
      return response.json();
    });
    const environment = new Environment({ network, store: new Store(new RecordSource()) });
    const artifacts = import.meta.glob('relay-artifacts/*.js', { import: 'default', eager: true });
    return async (text, variables = {}) => {
      const [, name] = /(?:mutation|query) (\w+)/.exec(text);
      const [, compiled] = Object.entries(artifacts).find(([path]) => path.endsWith(`/${name}.graphql.js`));
      const refusal = (error) => (error.source ? new Refusal(error.source.errors[0].extensions) : error);
      if (!isMutation(text)) {
        return fetchQuery(environment, compiled, variables).toPromise().catch((error) => { throw refusal(error); });
      }
      return new Promise((resolve, reject) => commitMutation(environment, {
        mutation: compiled, variables, onCompleted: resolve, onError: (error) => reject(refusal(error)),
      }));
    };
  },
};
