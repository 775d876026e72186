import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Coordinate, createGatehouse, type Permission, permissions } from "../src/index.js";

const common = { ownOnly: false, maxAge: null, mfa: false, missingScopes: [] };

/** A server that allows what is asked in the query type. */
const gatehouse = createGatehouse({
  url: "https://api.example/graphql",
  tokens: "memory",
  platform: {
    fetch: async (_, init) => {
      const { coordinates } = JSON.parse(init!.body as string).variables as { coordinates: string[] };
      const all = coordinates.map((coordinate) => {
        const allowed = coordinate.startsWith("Query.");
        return { coordinate, ...common, allowed, code: allowed ? null : "FORBIDDEN" };
      });
      return Response.json({ data: { permissions: all.reverse() } });
    },
  },
});

test("permissions are told by the coordinates that were asked, whatever their order", async () => {
  const may = await permissions(gatehouse, ["Query.users", "Mutation.revokeSession(id:)", "LoginInput.email"]);
  const no = { ...common, allowed: false, code: "FORBIDDEN" };
  const want: unknown = {
    "Query.users": { ...common, allowed: true, code: null }, "Mutation.revokeSession(id:)": no, "LoginInput.email": no,
  };
  assert.deepEqual(may, want);
  assert.equal(may["Query.users"].code === "REAUTHENTICATION_REQUIRED", false);
  // @ts-expect-error it was not asked
  assert.equal(may["Query.me"], undefined);
  // @ts-expect-error no error has this code
  assert.equal(may["Query.users"].code === "NO_CODE", false);
});

test("the compiler knows the places of the schema", async () => {
  // @ts-expect-error a field that is not there
  await permissions(gatehouse, ["Query.user", "Query.nobody"]);
  // @ts-expect-error an argument that is not there
  await permissions(gatehouse, ["Mutation.revokeSession(session:)"]);
  const some: Coordinate[] = ["Query.users"];
  const may = await permissions(gatehouse, some);
  const told: Permission | undefined = may["Query.me"];
  assert.equal(told, undefined);
  // @ts-expect-error of an array, each may be missing
  assert.equal(may["Query.users"].allowed, true);
});

// That a server takes each of them, test/e2e shows.
test("no place of the access table is missing", () => {
  const generated = readFileSync("src/schema.ts", "utf8").matchAll(/^ {2}\| '(.+)'/gm);
  const table = readFileSync("../../ACCESS.md", "utf8").matchAll(/^\| `(\w+\..+?)` \|/gm);
  const known = new Set([...generated].map(([, coordinate]) => coordinate));
  const stated = [...table].map(([, coordinate]) => coordinate!);
  assert.ok(stated.length > 100);
  assert.deepEqual(stated.filter((coordinate) => !known.has(coordinate)), []);
});
