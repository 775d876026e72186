import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createGatehouse, ErrorCode, GatehouseError } from "@gatehouse/client";
import { advice } from "./advice.js";
import { graphql } from "./gql/index.js";

const Register = graphql(`
  mutation Register($input: RegisterInput!) {
    register(input: $input) { accessToken expiresIn refreshToken user { id email } }
  }
`);
const Login = graphql(`
  mutation Login($input: LoginInput!) {
    login(input: $input) { accessToken expiresIn refreshToken user { id } }
  }
`);
const Me = graphql(`
  query Me {
    me { id email name roles status createdAt }
  }
`);
const UpdateProfile = graphql(`
  mutation UpdateProfile($input: UpdateProfileInput!) {
    updateProfile(input: $input) { user { name } }
  }
`);
/** The complete visit of a user. It throws at the first unexpected response. */
async function visit(url: string): Promise<void> {
  const email = `ada.${randomUUID()}@example.com`;
  const password = randomUUID();
  const gatehouse = createGatehouse({ url, tokens: "memory" });
  assert(gatehouse.session.state === "signed-out", "somebody is signed in");

  const { register } = await gatehouse.request(Register, { input: { email, password, name: "Ada" } });
  assert(register.user.email === email, `registered ${register.user.email} instead of ${email}`);
  assert(gatehouse.session.userId === register.user.id, "the kit has not taken the session of the answer");
  step("register", register.user.id);
  await gatehouse.signOut();

  const wrong = gatehouse.request(Login, { input: { email, password: "not hers" } });
  await refused(ErrorCode.INVALID_CREDENTIALS, "login", wrong);
  const { login } = await gatehouse.request(Login, { input: { email, password } });
  assert(login.user.id === register.user.id, "login answered another user than register");
  step("login", login.user.id);

  const { me } = await gatehouse.request(Me);
  assert(me?.id === login.user.id, "me is not the user who logged in");
  step("me", `${me.name}, ${me.roles.join(" and ")}, ${me.status}, since ${me.createdAt}`);

  const { updateProfile } = await gatehouse.request(UpdateProfile, { input: { name: "Ada Lovelace" } });
  assert(updateProfile.user.name === "Ada Lovelace", "updateProfile did not change the name");
  step("updateProfile", updateProfile.user.name);

  await gatehouse.signOut();
  step("signOut", gatehouse.session.state);
  await refused(ErrorCode.UNAUTHENTICATED, "me", gatehouse.request(Me));
}

/** Takes the expected error, and throws for an answer or for any other error. */
async function refused(expected: ErrorCode, name: string, answer: Promise<unknown>): Promise<void> {
  const error: unknown = await answer.then(
    () => new Error(`${name} was answered instead of refused`),
    (reason: unknown) => reason,
  );
  const known = error instanceof GatehouseError && error.find(expected);
  if (!known) throw error;
  step(name, `refused with ${known.code}: ${advice(known)}`);
}

function step(name: string, result: string): void {
  console.log(name.padEnd(14) + result);
}

try {
  await visit(process.argv[2] ?? "http://127.0.0.1:8080/graphql");
} catch (error) {
  console.error(`Not as expected: ${error instanceof Error ? error.message : error}`);
  if (error instanceof GatehouseError) console.error(`What to do: ${error.errors.map(advice).join(", ")}`);
  process.exitCode = 1;
}
