// The browser's side: the refresh token is in a cookie that no script can read, the access token in this variable and
// nowhere else. A reload forgets it, and the cookie brings a new one.
import { advice } from "./advice.js";
import { connect, Refusal } from "./gatehouse.js";
import { ErrorCode } from "./gql/enums.js";
import { graphql } from "./gql/index.js";

const RegisterHere = graphql(`
  mutation RegisterHere($input: RegisterInput!) {
    register(input: $input) { accessToken user { email } }
  }
`);
const LoginHere = graphql(`
  mutation LoginHere($input: LoginInput!) {
    login(input: $input) { accessToken user { email } }
  }
`);
const RefreshByCookie = graphql(`
  mutation RefreshByCookie {
    refresh(input: {}) { accessToken user { email } }
  }
`);
const LogoutHere = graphql(`
  mutation LogoutHere {
    logout { success }
  }
`);

const url = document.documentElement.dataset["api"]!;
const signInForm = document.querySelector<HTMLFormElement>("#sign-in")!;
const exit = document.querySelector<HTMLButtonElement>("#logout")!;
const status = document.querySelector("[role=status]")!;

let accessToken: string | undefined;

function enter(payload: { accessToken: string; user: { email: string } }): void {
  accessToken = payload.accessToken;
  show(`Signed in as ${payload.user.email}`);
}

function leave(): void {
  accessToken = undefined;
  show("Not signed in");
}

function show(sentence: string): void {
  signInForm.hidden = accessToken !== undefined;
  exit.hidden = accessToken === undefined;
  status.textContent = sentence;
}

/**
 * Exchanges the cookie. A token of which the successor was just used is refused, and the session goes on: either another
 * tab was quicker, whose cookie is there the next time, or a copy was, and then the second attempt ends the session.
 */
async function refresh(attempts = 2): Promise<void> {
  try {
    enter((await connect(url)(RefreshByCookie)).refresh);
  } catch (error) {
    if (attempts === 1 || !(error instanceof Refusal) || error.extensions["reason"] !== "used") throw error;
    await new Promise((resolve) => setTimeout(resolve, 11_000));
    await refresh(attempts - 1);
  }
}

/** Runs what needs a user; an access token that cannot be used any more is replaced, once. */
async function asUser<Data>(run: (ask: ReturnType<typeof connect>) => Promise<Data>): Promise<Data> {
  try {
    return await run(connect(url, accessToken));
  } catch (error) {
    if (!is(error, ErrorCode.UNAUTHENTICATED)) throw error;
    await refresh();
    return run(connect(url, accessToken));
  }
}

function is(error: unknown, ...codes: ErrorCode[]): boolean {
  return error instanceof Refusal && codes.includes(error.code);
}

/** Shows an error. Without a valid cookie there is none: the user is signed out. */
function explain(error: unknown): void {
  if (is(error, ErrorCode.INVALID_TOKEN)) return leave();
  show(error instanceof Refusal ? `${error.message} (${advice(error)})` : String(error));
}

async function signIn(action: string, email: string, password: string): Promise<void> {
  const input = { email, password, cookie: true };
  const ask = connect(url);
  enter(action === "register" ? (await ask(RegisterHere, { input })).register : (await ask(LoginHere, { input })).login);
  signInForm.reset();
}

signInForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = new FormData(signInForm);
  const action = (event.submitter as HTMLButtonElement).value;
  signIn(action, String(fields.get("email")), String(fields.get("password"))).catch(explain);
});
exit.addEventListener("click", () => {
  asUser((ask) => ask(LogoutHere)).then(leave).catch(explain);
});
refresh().catch(explain);
