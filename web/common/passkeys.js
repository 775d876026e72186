// What the page does with passkeys. The kit has the ceremonies; a browser's refusals become errors as those of the
// server.
import * as kit from '../../clients/typescript/src/index.ts';
import { gatehouse } from './session.js';

export const passkeysWork = kit.passkeysWork();

const codes = { InvalidStateError: 'PASSKEY_EXISTS', SecurityError: 'PASSKEY_HOST' };

let offered; // aborts the browser's own offer, since it can do one thing at a time

// run names why a browser makes or uses no passkey.
async function run(ceremony) {
  offered?.abort();
  try {
    return await ceremony();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw Object.assign(new Error(error.message), { errors: [{ code: codes[error.name] ?? 'PASSKEY_CANCELLED' }] });
  }
}

// usePasskey gives what proves the user to completeLogin and reauthenticate.
export const usePasskey = () => run(() => kit.passkeyProof(gatehouse));

export const signInWithPasskey = () => run(() => kit.signInWithPasskey(gatehouse));

export const makePasskey = (name) => run(() => kit.createPasskey(gatehouse, name ? { name } : {}));

// offerPasskeys has the browser offer passkeys at the field of the address, until stop is called. Where none can be
// used, nothing is offered. What the server refuses is given to refused.
export function offerPasskeys(refused) {
  const stop = new AbortController();
  async function offer() {
    const can = passkeysWork && await PublicKeyCredential.isConditionalMediationAvailable?.();
    if (!can || stop.signal.aborted) return;
    await kit.signInWithPasskey(gatehouse, { mediation: 'conditional', signal: stop.signal });
  }
  offered = stop;
  offer().catch((error) => {
    const [{ code }] = error.errors ?? [{}];
    if (code && code !== 'FORBIDDEN') refused(error); // FORBIDDEN: the issuer is an IP address
  });
  return () => stop.abort();
}

// forgetPasskey takes a passkey that was removed out of the authenticator, if that can be told.
export const forgetPasskey = (credentialId) => kit.forgetPasskey({ rpId: location.hostname, credentialId });
