// The browser's side: the refresh token is in a cookie that no script can read, the access token in the kit's memory. A
// reload forgets it, and the cookie brings a new one. What one tab does, all of them show.
import { createGatehouse, ErrorCode, GatehouseError } from "@gatehouse/client";
import { advice } from "./advice.js";
import { graphql } from "./gql/index.js";

const RegisterHere = graphql(`
  mutation RegisterHere($input: RegisterInput!) {
    register(input: $input) { accessToken expiresIn }
  }
`);
const LoginHere = graphql(`
  mutation LoginHere($input: LoginInput!) {
    login(input: $input) { accessToken expiresIn }
  }
`);
const WhoIsHere = graphql(`
  query WhoIsHere {
    me { email }
  }
`);

const signInForm = document.querySelector<HTMLFormElement>("#sign-in")!;
const exit = document.querySelector<HTMLButtonElement>("#logout")!;
const status = document.querySelector("[role=status]")!;

const gatehouse = createGatehouse({ url: document.documentElement.dataset["api"]!, tokens: "cookie" });

async function show(): Promise<void> {
  const { state } = gatehouse.session;
  signInForm.hidden = state !== "signed-out";
  exit.hidden = state !== "signed-in";
  if (state === "signed-out") status.textContent = "Not signed in";
  if (state === "signed-in") status.textContent = `Signed in as ${(await gatehouse.request(WhoIsHere)).me?.email}`;
}

/** Shows an error, which is the API's or the network's. */
function explain(error: unknown): void {
  const errors = error instanceof GatehouseError ? error.errors : [];
  if (errors[0]?.code === ErrorCode.UNAUTHENTICATED) return; // signed out meanwhile, which is shown
  status.textContent = errors.length ? errors.map((one) => `${one.message} (${advice(one)})`).join(" ") : String(error);
}

signInForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = new FormData(signInForm);
  const input = { email: String(fields.get("email")), password: String(fields.get("password")), cookie: true };
  const document = (event.submitter as HTMLButtonElement).value === "register" ? RegisterHere : LoginHere;
  gatehouse.request<unknown, { input: typeof input }>(document, { input }).then(() => signInForm.reset(), explain);
});
exit.addEventListener("click", () => {
  gatehouse.signOut().catch(explain);
});
gatehouse.subscribe(() => {
  show().catch(explain);
});
gatehouse.start().catch(explain);
