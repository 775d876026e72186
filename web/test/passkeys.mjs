// node web/test/passkeys.mjs URL STRICT: uses passkeys in a browser with a virtual authenticator, from a page of another
// origin, as docs/clients.md says. URL is a server with the default issuer. STRICT is one on whose list the page's origin
// is not. It exits 1 with a sentence when anything is not as it should be.
import { createServer } from 'node:http';
import { must, run, watch } from './browser.mjs';

const [url, strict] = process.argv.slice(2);
const password = 'correct horse battery';

// What a front end does. It runs in the page.
const frontEnd = `
async function ask(server, token, query, variables = {}) {
  const response = await fetch(new URL('graphql', server), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: 'Bearer ' + token }) },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}
async function make(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return (await navigator.credentials.create({ publicKey })).toJSON();
}
async function use(options, mediation) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey, mediation })).toJSON();
}`;

const pages = createServer((_, response) => {
  response.setHeader('content-type', 'text/html');
  response.end(`<!doctype html><title>A front end</title><link rel="icon" href="data:,"><input autocomplete="username webauthn"><script>${frontEnd}</script>`);
});
await new Promise((resolve) => { pages.listen(0, '127.0.0.1', resolve); });
const origin = `http://localhost:${pages.address().port}`;

// FrontEnd is the page, with the authenticator of its browser.
class FrontEnd {
  static async open(browser) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const faults = watch(context, origin);
    const devices = await context.newCDPSession(page);
    await devices.send('WebAuthn.enable');
    const { authenticatorId } = await devices.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true,
        hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
      },
    });
    await page.goto(origin);
    await page.bringToFront(); // a page without focus makes and uses no passkey
    return Object.assign(new FrontEnd(), { page, devices, authenticatorId, faults });
  }

  device(method, more = {}) {
    return this.devices.send(`WebAuthn.${method}`, { authenticatorId: this.authenticatorId, ...more });
  }

  async credentials() {
    return (await this.device('getCredentials')).credentials;
  }

  ask(query, variables, server = url) {
    return this.page.evaluate((args) => ask(...args), [server, this.token, query, variables]);
  }

  async must(query, variables, server) {
    const { data, errors } = await this.ask(query, variables, server);
    must(!errors, `${query}: ${JSON.stringify(errors)}`);
    return data;
  }

  async refused(code, query, variables) {
    const { errors } = await this.ask(query, variables);
    must(errors?.[0].extensions.code === code, `${query}: ${JSON.stringify(errors)}, want ${code}`);
    return errors[0];
  }

  make(options) {
    return this.page.evaluate((o) => make(o), options);
  }

  use(options, mediation) {
    return this.page.evaluate((args) => use(...args), [options, mediation]);
  }

  // fails returns the name of the error that the browser gives.
  async fails(what, promise) {
    const outcome = await promise.then(() => 'nothing', (error) => error.message);
    must(outcome !== 'nothing', `${what}: the browser did it`);
    return outcome;
  }

  async start() {
    return (await this.must('mutation { startPasskey { options } }')).startPasskey.options;
  }

  // options are those to use a passkey, as nobody or in the session.
  async options(server) {
    return (await this.must('mutation { startPasskeyLogin { options } }', {}, server)).startPasskeyLogin.options;
  }
}

const add = `mutation($response: JSON!) { addPasskey(input: {response: $response, name: "this computer"}) {
  recoveryCodes factor { id name credentialId backedUp lastUsedAt } } }`;
const passkeyLogin = `mutation($response: JSON!) { passkeyLogin(input: {response: $response}) {
  accessToken user { email sessions { current amr } } } }`;
const login = 'mutation($email: String!, $password: String!) { login(input: {email: $email, password: $password}) { accessToken } }';
const remove = 'mutation($id: ID!) { removeFactor(id: $id) { success } }';

const signedOut = async (front, f) => {
  const { token } = front;
  front.token = undefined;
  try {
    return await f();
  } finally {
    front.token = token;
  }
};

await run('passkeys', 'localhost , EXCLUDE 127.0.0.1', async (browser) => {
  const front = await FrontEnd.open(browser);
  const email = 'ann@example.com';
  front.token = (await front.must(
    'mutation($email: String!, $password: String!) { register(input: {email: $email, password: $password}) { accessToken } }',
    { email, password },
  )).register.accessToken;

  // Registration.
  const { addPasskey } = await front.must(add, { response: await front.make(await front.start()) });
  must(addPasskey.recoveryCodes.length === 10, 'no recovery codes come with the first factor');
  const [stored] = await front.credentials();
  must(stored.isResidentCredential && stored.rpId === 'localhost', `the authenticator has ${JSON.stringify(stored)}`);
  const outcome = await front.fails('a second passkey on one authenticator', front.make(await front.start()));
  must(outcome.includes('InvalidStateError') || outcome.includes('already registered'), outcome);

  // Sign-in without an address, by a button and by the browser's list below an input.
  for (const mediation of ['optional', 'conditional']) {
    await signedOut(front, async () => {
      const response = await front.use(await front.options(), mediation);
      const { user } = (await front.must(passkeyLogin, { response })).passkeyLogin;
      must(user.email === email, `${mediation}: signed in as ${user.email}`);
      const { amr } = user.sessions.find((session) => session.current);
      must(amr.join() === 'hwk,user,mfa', `${mediation}: the session has proved ${amr}`);
      const error = await front.refused('INVALID_TOKEN', passkeyLogin, { response });
      must(error.extensions.reason === 'used', `${mediation}: the response again: ${JSON.stringify(error)}`);
    });
  }

  // The second factor of a password.
  await signedOut(front, async () => {
    const { challenge, factors } = (await front.refused('SECOND_FACTOR_REQUIRED', login, { email, password })).extensions;
    must(factors.join() === 'PASSKEY,RECOVERY_CODES', `asked for ${factors}`);
    await front.must(
      'mutation($challenge: String!, $passkey: JSON!) { completeLogin(input: {challenge: $challenge, passkey: $passkey}) { accessToken } }',
      { challenge, passkey: await front.use(await front.options()) },
    );
  });

  // Step-up: options of a session name its user's passkeys.
  const own = await front.options();
  must(own.allowCredentials?.[0].id === addPasskey.factor.credentialId, `the options are ${JSON.stringify(own)}`);
  await front.must('mutation($passkey: JSON!) { reauthenticate(input: {passkey: $passkey}) { accessToken } }', {
    passkey: await front.use(own),
  });

  // A user who does not show who they are.
  await front.device('setUserVerified', { isUserVerified: false });
  const unverified = await signedOut(front, async () => front.fails('no verification', front.use(await front.options())));
  must(unverified.includes('NotAllowedError') || unverified.includes('not allowed'), unverified);
  await front.device('setUserVerified', { isUserVerified: true });

  // A page that the server does not list. Its browser agrees, since the domain is the same.
  const asked = async (query, variables) => (await fetch(new URL('graphql', strict), {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query, variables }),
  })).json();
  const { options } = (await asked('mutation { startPasskeyLogin { options } }')).data.startPasskeyLogin;
  const { errors } = await asked(passkeyLogin, { response: await front.use(options) });
  must(errors[0].extensions.code === 'INVALID_CREDENTIALS', `a page that is not listed: ${JSON.stringify(errors)}`);

  // A copy whose counter is behind.
  const [credential] = await front.credentials();
  await front.device('removeCredential', { credentialId: credential.credentialId });
  await front.device('addCredential', { credential: { ...credential, signCount: 1 } });
  await signedOut(front, async () => {
    const error = await front.refused('INVALID_CREDENTIALS', passkeyLogin, { response: await front.use(await front.options()) });
    must(error.message.includes('copy') && !error.extensions.reason, `a copy: ${JSON.stringify(error)}`);
  });

  // Removal, and what the authenticator still offers afterwards.
  await front.must(remove, { id: addPasskey.factor.id });
  await signedOut(front, async () => {
    const response = await front.use(await front.options());
    const error = await front.refused('INVALID_CREDENTIALS', passkeyLogin, { response });
    must(error.extensions.reason === 'unknown', `a removed passkey: ${JSON.stringify(error)}`);
    await front.page.evaluate(
      (id) => PublicKeyCredential.signalUnknownCredential({ rpId: 'localhost', credentialId: id }), response.id,
    );
    must((await front.credentials()).length === 0, 'the authenticator still has the removed passkey');
    await front.must(login, { email, password }); // opens the account again
  });

  const wrong = front.faults.filter((fault) => !fault.startsWith(`asked ${new URL('graphql', url)}`));
  must(wrong.length === 0, `the page ${wrong.join('; ')}`);
  console.log('registered, signed in by a button and by conditional mediation, completed, proved again, refused and removed');
});
pages.close();
