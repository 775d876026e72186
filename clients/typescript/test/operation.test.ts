import assert from "node:assert/strict";
import { test } from "node:test";
import { readOperation } from "../src/operation.js";

const read = (query: string, operationName?: string) => {
  const { fields, ...rest } = readOperation(JSON.stringify({ query, operationName }));
  return { ...rest, fields: Object.fromEntries(fields) };
};

test("kinds and root fields are read as GraphQL means them", () => {
  for (const [document, query, single, fields] of [
    ["{ me { id } }", true, true, { me: "me" }],
    ["query { a: me { id logout } b: me { id } }", true, false, { a: "me", b: "me" }],
    ["query Mutation { me { id } }", true, true, { me: "me" }],
    ["mutation { logout { success } }", false, true, { logout: "logout" }],
    ["mutation mutation($in: I = {a: [1], b: \"}\"}) @d(x: {y: 1}) { x: login(input: $in) @include(if: true) { accessToken } }",
      false, true, { x: "login" }],
    ["mutation { a, b }", false, false, { a: "a", b: "b" }],
    ["mutation { a a { id } }", false, true, { a: "a" }],
    ["mutation { a ...F } fragment F on Mutation { b }", false, false, { a: "a" }],
    ["fragment F on Mutation { b } mutation { a ... on Mutation { b } }", false, false, { a: "a" }],
    ["mutation { ... @include(if: true) { b } a }", false, false, { a: "a" }],
    ["# query {\nmutation { a(b: \"\"\"{ \\\"\"\" \" }\"\"\") c(d: \"\\\"{\") }", false, false, { a: "a", c: "c" }],
    ["# note\u2028query X { b }\nmutation M { a b }", false, false, { a: "a", b: "b" }],
    ["# note\rmutation M { a }", false, true, { a: "a" }],
    ["subscription { a }", false, true, { a: "a" }],
  ] as const) {
    assert.deepEqual(read(document), { query, single, fields }, document);
  }
});

test("only the operation that runs counts", () => {
  const two = "mutation A { logout { success } } query B { me { id } }";
  assert.deepEqual(read(two, "A"), { query: false, single: true, fields: { logout: "logout" } });
  assert.deepEqual(read(two, "B"), { query: true, single: true, fields: { me: "me" } });
  assert.deepEqual(read(two, "C"), { query: false, single: false, fields: {} });
});

test("what cannot be read counts as a mutation of unknown fields", () => {
  for (const body of [undefined, new FormData(), "", "[]", "{}", "null", "no JSON", '{"query":1}', '{"query":"}}}("}']) {
    const { query, single } = readOperation(body);
    assert.deepEqual({ query, single }, { query: false, single: false }, String(body));
  }
});
