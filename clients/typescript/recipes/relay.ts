// Relay 21. Make a new environment when `gatehouse.session.userId` changes: its store is of one user.
import { Environment, type GraphQLResponse, Network, RecordSource, Store } from "relay-runtime";
import type { Gatehouse } from "@gatehouse/client";

export function relayEnvironment(gatehouse: Gatehouse, url: string): Environment {
  const network = Network.create(async ({ text }, variables): Promise<GraphQLResponse> => {
    const body = JSON.stringify({ query: text, variables });
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    return (await gatehouse.fetch(url, { method: "POST", headers, body })).json();
  });
  return new Environment({ network, store: new Store(new RecordSource()) });
}
