import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { advice } from "./advice.js";
import { connect, Refusal } from "./gatehouse.js";
import { ErrorCode } from "./gql/enums.js";
import { graphql } from "./gql/index.js";

const Register = graphql(`
  mutation Register($input: RegisterInput!) {
    register(input: $input) { user { id email } }
  }
`);
const Login = graphql(`
  mutation Login($input: LoginInput!) {
    login(input: $input) { accessToken refreshToken user { id } }
  }
`);
const Refresh = graphql(`
  mutation Refresh($input: RefreshInput!) {
    refresh(input: $input) { accessToken expiresIn }
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
const Logout = graphql(`
  mutation Logout {
    logout { success }
  }
`);

/** The complete visit of a user. It throws at the first unexpected response. */
async function visit(url: string): Promise<void> {
  const email = `ada.${randomUUID()}@example.com`;
  const password = randomUUID();
  const anonymous = connect(url);

  const { register } = await anonymous(Register, { input: { email, password, name: "Ada" } });
  assert(register.user.email === email, `registered ${register.user.email} instead of ${email}`);
  step("register", register.user.id);

  await refused(ErrorCode.INVALID_CREDENTIALS, "login", anonymous(Login, { input: { email, password: "not hers" } }));
  const { login } = await anonymous(Login, { input: { email, password } });
  assert(login.user.id === register.user.id, "login answered another user than register");
  step("login", login.user.id);

  let ada = connect(url, login.accessToken);
  const { me } = await ada(Me);
  assert(me?.id === login.user.id, "me is not the user who logged in");
  step("me", `${me.name}, ${me.roles.join(" and ")}, ${me.status}, since ${me.createdAt}`);

  const { refresh } = await anonymous(Refresh, { input: { refreshToken: login.refreshToken } });
  ada = connect(url, refresh.accessToken);
  step("refresh", `for ${refresh.expiresIn} seconds`);
  assert((await ada(Me)).me?.id === me.id, "me is another user after refresh");
  step("me", "the same");

  const { updateProfile } = await ada(UpdateProfile, { input: { name: "Ada Lovelace" } });
  assert(updateProfile.user.name === "Ada Lovelace", "updateProfile did not change the name");
  step("updateProfile", updateProfile.user.name);

  const { logout } = await ada(Logout);
  assert(logout.success, "logout did not succeed");
  step("logout", "done");
  await refused(ErrorCode.UNAUTHENTICATED, "me", ada(Me));
}

/** Takes the expected refusal, and throws for an answer or for any other error. */
async function refused(expected: ErrorCode, name: string, answer: Promise<unknown>): Promise<void> {
  const error: unknown = await answer.then(
    () => new Error(`${name} was answered instead of refused`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Refusal) || error.code !== expected) throw error;
  step(name, `refused with ${error.code}: ${advice(error)}`);
}

function step(name: string, result: string): void {
  console.log(name.padEnd(14) + result);
}

try {
  await visit(process.argv[2] ?? "http://127.0.0.1:8080/graphql");
} catch (error) {
  const sentence = error instanceof Refusal ? `${error.code}, ${error.message} (${advice(error)})` : error;
  console.error(`Not as expected: ${sentence instanceof Error ? sentence.message : sentence}`);
  process.exitCode = 1;
}
