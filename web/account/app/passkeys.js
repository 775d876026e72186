// The browser's part of passkeys. The server says by its options what they are for.
import { gatehouse } from './session.js';
import * as operations from './operations.js';

export const passkeysWork = Boolean(globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON);

// Refused is an error of the browser, in the form of those of the server.
class Refused extends Error {
  errors;

  constructor(code, cause) {
    super(code, { cause });
    this.errors = [{ code }];
  }
}

// run names why a browser makes or uses no passkey.
async function run(ceremony) {
  try {
    return (await ceremony()).toJSON();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refused({ InvalidStateError: 'PASSKEY_EXISTS', SecurityError: 'PASSKEY_HOST' }[error.name] ?? 'PASSKEY_CANCELLED', error);
  }
}

function forget(rpId, credentialId) {
  return globalThis.PublicKeyCredential?.signalUnknownCredential?.({ rpId, credentialId })?.catch(() => {});
}

let waiting; // the conditional request that the browser has

async function get(options, mediation) {
  waiting?.abort();
  waiting = new AbortController();
  const { signal } = waiting;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return run(() => navigator.credentials.get({ publicKey, mediation, signal }));
}

const requestOptions = async () => (await gatehouse.request(operations.startPasskeyLogin)).startPasskeyLogin.options;

// usePasskey gives what proves the user to completeLogin and reauthenticate.
export const usePasskey = async () => get(await requestOptions());

async function signIn(options, mediation) {
  const response = await get(options, mediation);
  try {
    await gatehouse.request(operations.passkeyLogin, { response });
  } catch (error) {
    if (error.errors?.[0].reason === 'unknown') await forget(options.rpId, response.id);
    throw error;
  }
}

export const signInWithPasskey = async () => signIn(await requestOptions());

const isHere = (rpId) => location.hostname === rpId || location.hostname.endsWith(`.${rpId}`);

const renewal = 240_000; // ms: options hold for five minutes

// offerPasskeys has the browser offer passkeys at the field of the address, until stop is called. Without passkeys, or
// where they cannot be used, it offers none.
export function offerPasskeys(refused) {
  let stopped = false;
  async function offer() {
    if (stopped || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    const options = await requestOptions();
    if (!stopped && isHere(options.rpId)) await signIn(options, 'conditional');
  }
  const begin = () => offer().catch((error) => {
    if (error.errors && !error.errors[0].code.startsWith('PASSKEY')) refused(error);
  });
  if (!passkeysWork) return () => {};
  begin();
  const timer = setInterval(begin, renewal);
  return () => {
    stopped = true;
    clearInterval(timer);
    waiting?.abort();
  };
}

// makePasskey adds a passkey to the account. One that the server refuses is taken out of the authenticator.
export async function makePasskey(name) {
  const { options } = (await gatehouse.request(operations.startPasskey)).startPasskey;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const response = await run(() => navigator.credentials.create({ publicKey }));
  try {
    return (await gatehouse.request(operations.addPasskey, { response, name: name || null })).addPasskey;
  } catch (error) {
    await forget(options.rp.id, response.id);
    throw error;
  }
}

// removePasskey takes a passkey from the account and out of the authenticator, if that can be told.
export async function removePasskey({ id, credentialId }) {
  await gatehouse.request(operations.removeFactor, { id });
  await forget(location.hostname, credentialId);
}
