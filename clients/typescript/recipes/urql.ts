// urql 6. Make a new client when `gatehouse.session.userId` changes: its cache is of one user.
import { cacheExchange, Client, fetchExchange } from "@urql/core";
import type { Gatehouse } from "@gatehouse/client";

export function urqlClient(gatehouse: Gatehouse, url: string): Client {
  return new Client({ url, fetch: gatehouse.fetch, preferGetMethod: false, exchanges: [cacheExchange, fetchExchange] });
}
