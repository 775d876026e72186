// Apollo Client 4.
import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import type { Gatehouse } from "@gatehouse/client";

export function apolloClient(gatehouse: Gatehouse, uri: string): ApolloClient {
  const link = new HttpLink({ uri, fetch: gatehouse.fetch });
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  let { userId } = gatehouse.session;
  gatehouse.subscribe(() => {
    if (userId && userId !== gatehouse.session.userId) void client.cache.reset(); // it is of another user
    ({ userId } = gatehouse.session);
  });
  return client;
}
