import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { exclusive } from "../src/client.js";
import { type ApiError, apiErrors, ErrorCode, GatehouseError } from "../src/index.js";

const schema = readFileSync("../../schema.graphql", "utf8");

/** By its code alone an error has its members; this compiles or not. */
function advice(error: ApiError): string {
  switch (error.code) {
    case "RATE_LIMITED":
    case "UNAVAILABLE":
      return `in ${error.retryAfter.toFixed()} s`;
    case "BAD_USER_INPUT":
      return `${error.field ?? "the request"}: ${error.reason} ${error.min ?? ""}`;
    case "REAUTHENTICATION_REQUIRED":
      return error.mfa ? "a code" : `the password, ${error.maxAge}`;
    case "SECOND_FACTOR_REQUIRED":
      return `${error.challenge} by ${error.factors.join()}`;
    case "INTERNAL":
      return error.requestId;
    default:
      // @ts-expect-error no other error has it
      return String(error.retryAfter);
  }
}

test("errors have their members by their code", () => {
  const error = new GatehouseError([
    { code: "BAD_USER_INPUT", message: "too short", field: "password", reason: "TOO_SHORT", min: 8, max: 128 },
    { code: "RATE_LIMITED", message: "wait", retryAfter: 30 },
  ]);
  assert.equal(error.find("RATE_LIMITED")?.retryAfter, 30);
  assert.equal(error.find("FORBIDDEN"), undefined);
  assert.deepEqual(error.errors.map(advice), ["password: TOO_SHORT 8", "in 30 s"]);
  assert.equal(error.message, "BAD_USER_INPUT: too short; RATE_LIMITED: wait");
});

test("what client libraries throw has the same errors", () => {
  const raw = [{ message: "wait", path: ["login"], extensions: { code: "RATE_LIMITED", retryAfter: 30 } }];
  const want = [{ code: "RATE_LIMITED", message: "wait", path: ["login"], retryAfter: 30 }];
  for (const thrown of [{ errors: raw }, { graphQLErrors: raw }, { source: { errors: raw } }, new GatehouseError(want as ApiError[])]) {
    assert.deepEqual(apiErrors(thrown), want);
  }
  for (const thrown of [new TypeError("Failed to fetch"), undefined, null, "no", { errors: "no" }]) {
    assert.deepEqual(apiErrors(thrown), []);
  }
});

test("the codes are those of the schema", () => {
  const values = /enum ErrorCode \{([^}]*)\}/.exec(schema)![1]!.replaceAll(/"""[^]*?"""|".*"/g, "").match(/\w+/g);
  assert.deepEqual(Object.keys(ErrorCode).sort(), values!.sort());
});

test("what sets or clears the cookie is sent alone", () => {
  const mutations = /^type Mutation \{([^]*?)^\}/m.exec(schema)![1]!.replaceAll(/"""[^]*?"""|".*?"/g, "");
  const plain = mutations.replaceAll(/@auth\([^()]*\)/g, "").replaceAll(/\([^()]*\)/g, "");
  const signIns = [...plain.matchAll(/^ {2}(\w+): (\w+)/gm)].filter(([, , type]) => type === "AuthPayload");
  const names = signIns.map(([, name]) => name!).filter((name) => name !== "reauthenticate");
  assert.deepEqual([...exclusive].sort(), [...names, "logout", "deleteAccount"].sort());
});
