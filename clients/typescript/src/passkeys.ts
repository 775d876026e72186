import type { Gatehouse, RequestOptions } from "./client.js";
import { GatehouseError } from "./errors.js";

/** What a browser's credential is as JSON: for `completeLogin` and `reauthenticate`. */
export type PasskeyProof = AuthenticationResponseJSON;

export interface NewPasskey {
  factor: { id: string; name: string | null; credentialId: string; backedUp: boolean; createdAt: string };
  /** With the first second factor: show them once. */
  recoveryCodes: string[] | null;
}

/** Options hold for five minutes: those of a form that waits are replaced before. */
const optionsLife = 240_000;

/** Whether this browser makes and uses passkeys, and speaks of them in JSON. */
export const passkeysWork = () =>
  typeof PublicKeyCredential === "function" && "parseRequestOptionsFromJSON" in PublicKeyCredential;

/** Makes a passkey for the user who is signed in. Rejects with a DOMException when the user or the browser does not. */
export async function createPasskey(
  gatehouse: Gatehouse,
  { name, signal }: { name?: string } & RequestOptions = {},
): Promise<NewPasskey> {
  const { options } = (await gatehouse.request<{ startPasskey: { options: PublicKeyCredentialCreationOptionsJSON } }>(
    "mutation StartPasskey { startPasskey { options } }", {}, pass(signal))).startPasskey;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const response = asJSON(await navigator.credentials.create({ publicKey, ...pass(signal) }));
  try {
    return (await gatehouse.request<{ addPasskey: NewPasskey }>(
      `mutation AddPasskey($input: AddPasskeyInput!) {
        addPasskey(input: $input) { factor { id name credentialId backedUp createdAt } recoveryCodes }
      }`, { input: { response, ...(name !== undefined && { name }) } }, pass(signal))).addPasskey;
  } catch (error) {
    // Refused, it would stay in the authenticator. Where no answer came, it may have been added.
    const kept = !(error instanceof GatehouseError) || error.find("UNAVAILABLE") || error.find("INTERNAL");
    if (!kept) await forgetPasskey({ rpId: options.rp.id ?? location.hostname, credentialId: response.id });
    throw error;
  }
}

export interface PasskeyOptions extends RequestOptions {
  /** `conditional`: below `<input autocomplete="username webauthn">`, for as long as the page is there. */
  mediation?: CredentialMediationRequirement;
}

/** Lets the user use a passkey: for `completeLogin(input: { passkey })` and `reauthenticate(input: { passkey })`. */
export async function passkeyProof(gatehouse: Gatehouse, options: PasskeyOptions = {}): Promise<PasskeyProof> {
  return (await use(gatehouse, options)).response;
}

/** Signs in with a passkey, without address and password. */
export async function signInWithPasskey(
  gatehouse: Gatehouse,
  options: PasskeyOptions = {},
): Promise<{ user: { id: string; email: string; name: string | null } }> {
  const { response, rpId } = await use(gatehouse, options);
  const device = gatehouse.cookie ? undefined : await gatehouse.device();
  try {
    return (await gatehouse.request<{ passkeyLogin: { user: { id: string; email: string; name: string | null } } }>(
      `mutation PasskeyLogin($input: PasskeyLoginInput!) {
        passkeyLogin(input: $input) { accessToken expiresIn refreshToken device user { id email name } }
      }`, { input: { response, device, cookie: gatehouse.cookie } }, pass(options.signal))).passkeyLogin;
  } catch (error) {
    const unknown = error instanceof GatehouseError && error.find("INVALID_CREDENTIALS")?.reason === "unknown";
    if (unknown) await forgetPasskey({ rpId, credentialId: response.id });
    throw error;
  }
}

/** Tells the authenticators that no account has a passkey, such as after `removeFactor`: by its `credentialId`. */
export async function forgetPasskey({ rpId, credentialId }: { rpId: string; credentialId: string }): Promise<void> {
  // Older browsers have no such function, and others refuse to say whether they know the passkey.
  if (!("signalUnknownCredential" in PublicKeyCredential)) return;
  await PublicKeyCredential.signalUnknownCredential({ rpId, credentialId }).catch(() => {});
}

async function use(
  gatehouse: Gatehouse,
  { mediation, signal }: PasskeyOptions,
): Promise<{ response: PasskeyProof; rpId: string }> {
  for (;;) {
    const { options } = (await gatehouse.request<{ startPasskeyLogin: { options: PublicKeyCredentialRequestOptionsJSON } }>(
      "mutation StartPasskeyLogin { startPasskeyLogin { options } }", {}, pass(signal))).startPasskeyLogin;
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    const over = mediation === "conditional" ? AbortSignal.timeout(optionsLife) : undefined;
    const either = over && signal ? AbortSignal.any([over, signal]) : (over ?? signal);
    try {
      const credential = await navigator.credentials.get({ publicKey, ...(mediation && { mediation }), ...pass(either) });
      return { response: asJSON(credential), rpId: options.rpId ?? location.hostname };
    } catch (error) {
      if (!over?.aborted || signal?.aborted) throw error;
    }
  }
}

const asJSON = (credential: Credential | null) => (credential as PublicKeyCredential).toJSON() as PasskeyProof;

const pass = (signal: AbortSignal | undefined): RequestOptions => (signal ? { signal } : {});
