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

// Both Apollo Clients name themselves in apollographql-client-name, and send hashes first. Those with React's hooks run
// each document in a component.
function apollo({ core, persisted, awareness, extensionsOf, react }, url, headers) {
  const link = core.ApolloLink.from([
    new core.ApolloLink((operation, forward) => {
      operation.setContext((before) => ({ headers: { ...before.headers, ...headers() } }));
      return forward(operation);
    }),
    persisted.createPersistedQueryLink({ sha256 }),
    new core.HttpLink({ uri: url, credentials: 'include' }),
  ]);
  const client = new core.ApolloClient({ link, cache: new core.InMemoryCache(), ...awareness });
  if (react) {
    return inReact(react.ApolloProvider, { client }, (text, variables) => {
      const document = core.gql(text);
      if (!isMutation(text)) return react.useQuery(document, { variables, fetchPolicy: 'network-only' });
      const [run, result] = react.useMutation(document);
      return { ...result, run: () => run({ variables }) };
    }, extensionsOf);
  }
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

// Runs each document by a hook in a component of its own. It is answered when the component has rendered the answer.
async function inReact(Provider, props, useOperation, extensionsOf) {
  const { createElement, useEffect } = await import('react');
  const { createRoot } = await import('react-dom/client');
  const main = document.body.appendChild(document.createElement('main'));
  const root = createRoot(main);
  function Operation({ text, variables, resolve, reject }) {
    const { data, error, run } = useOperation(text, variables);
    const shown = JSON.stringify(error ? extensionsOf(error) : data) ?? 'waiting';
    useEffect(() => { run?.().catch(() => {}); }, []); // the hook returns the error too
    useEffect(() => {
      if (main.textContent !== shown) reject(new Error(`rendered ${main.textContent}, not ${shown}`));
      else if (error) reject(extensionsOf(error) ? new Refusal(extensionsOf(error)) : error);
      else if (data) resolve(data);
    }, [data, error]);
    return createElement('output', null, shown);
  }
  let key = 0;
  return (text, variables) => new Promise((resolve, reject) => {
    const operation = createElement(Operation, { key: ++key, text, variables, resolve, reject });
    root.render(createElement(Provider, props, operation));
  });
}

const apollo3 = async (react, url, headers) => apollo({
  core: await import('@apollo/client3/core'), // the package's own name exports React
  persisted: await import('@apollo/client3/link/persisted-queries'),
  awareness: { name: 'page', version: '1' },
  extensionsOf: (error) => error.graphQLErrors?.[0]?.extensions,
  react,
}, url, headers);

const apollo4 = async (react, url, headers) => {
  const core = await import('@apollo/client4');
  return apollo({
    core,
    persisted: await import('@apollo/client4/link/persisted-queries'),
    awareness: { clientAwareness: { name: 'page', version: '1' } },
    extensionsOf: (error) => core.CombinedGraphQLErrors.is(error) && error.errors[0].extensions,
    react,
  }, url, headers);
};

async function urqlClient(url, headers) {
  const { Client, fetchExchange } = await import('@urql/core');
  const { persistedExchange } = await import('@urql/exchange-persisted');
  return new Client({
    url, preferGetMethod: false, exchanges: [persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange],
    fetchOptions: () => ({ credentials: 'include', headers: headers() }),
  });
}

export const libraries = {
  '@apollo/client3': (url, headers) => apollo3(undefined, url, headers),
  '@apollo/client3/react': async (url, headers) => apollo3(await import('@apollo/client3/react'), url, headers),
  '@apollo/client4': (url, headers) => apollo4(undefined, url, headers),
  '@apollo/client4/react': async (url, headers) => apollo4(await import('@apollo/client4/react'), url, headers),

  urql: async (url, headers) => {
    const { Provider, useMutation, useQuery } = await import('urql');
    return inReact(Provider, { value: await urqlClient(url, headers) }, (text, variables) => {
      if (!isMutation(text)) return useQuery({ query: text, variables, requestPolicy: 'network-only' })[0];
      const [result, run] = useMutation(text);
      return { ...result, run: () => run(variables) };
    }, (error) => error.graphQLErrors[0]?.extensions);
  },

  '@urql/core': async (url, headers) => {
    const client = await urqlClient(url, headers);
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
