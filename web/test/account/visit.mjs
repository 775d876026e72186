// What the flows through the page at /account have in common.
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { audit, devices, fits, hangGuard, must, tabTo, watch } from '../browser.mjs';

const [url] = process.argv.slice(2);
// control changes what is around the page: "age" makes the proofs of all sessions old, "stop" and "start" the server.
export const control = async (what) => must((await fetch(`${process.env.CONTROL}/${what}`)).ok, `${what} failed`);
export const pictures = process.env.SCREENSHOTS;
const origin = new URL(url).origin;
export const password = 'correct horse battery';
export const languages = ['en', 'de', 'fr', 'es'];
const read = async (path) => JSON.parse(await readFile(new URL(`../../${path}.json`, import.meta.url), 'utf8'));
const folders = ['common/texts', 'account/app/texts', 'admin/app/texts'];
const texts = Object.fromEntries(await Promise.all(languages.map(async (language) => [
  language,
  Object.assign({}, ...await Promise.all(folders.map((folder) => read(`${folder}/${language}`)))),
])));
let words = texts.en; // of the visit that goes on

// w is a text of the page by its path.
export const w = (name) => name.split('.').reduce((node, key) => node[key], words);
export const markup = '<img src=x onerror=alert(1)><b>Ann</b>';

// ask asks the server as another program does.
export async function ask(query, variables = {}, token = undefined) {
  const response = await fetch(new URL('graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  must(!errors, `${query}: ${JSON.stringify(errors)}`);
  return data;
}

export async function login(email) {
  const query = `mutation($email: String!, $password: String!) {
    login(input: {email: $email, password: $password}) { accessToken }
  }`;
  return (await ask(query, { email, password })).login.accessToken;
}

const pause = () => new Promise((resolve) => { setTimeout(resolve, 20); });

// mailed waits for a mail of a kind to an address.
export async function mailed(kind, to) {
  for (const until = Date.now() + hangGuard; Date.now() < until; await pause()) {
    const mails = await (await fetch(new URL('inbox', url), { headers: { accept: 'application/json' } })).json();
    const found = mails.find((mail) => mail.kind === kind && mail.to === to);
    if (found) return found;
  }
  throw new Error(`no mail ${kind} to ${to} comes`);
}
export const codeOf = (mail) => mail.text.match(/^\d{8}$/m)[0];

const steps = () => Math.floor(Date.now() / 30_000);

// totp is the code of an app, some steps of 30 s from now.
export function totp(secret, step = 0) {
  const five = (letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0');
  const bits = [...secret].map(five).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(steps() + step));
  const mac = createHmac('sha1', key).update(counter).digest();
  return String((mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

let people = 0;

// Visit is a reader at the page, who has a keyboard.
export class Visit {
  static async open(browser, name, screen, language) {
    words = texts[language];
    const context = await browser.newContext({ ...devices[screen], locale: language, reducedMotion: 'reduce' });
    const visit = Object.assign(new Visit(), { context, name, screen, step: 0, faults: watch(context, origin) });
    people += 1;
    visit.email = `${name}${people}@example.com`;
    visit.page = await context.newPage();
    return visit;
  }

  async goto(path = 'account') {
    await this.page.goto(new URL(path, url).href);
    await this.page.locator('h1:not(:empty)').waitFor();
  }

  async look(what) {
    this.step += 1;
    await fits(this.page, what);
    const picture = `account-${this.name}-${this.step}-${what.replaceAll(' ', '-')}-${this.screen}.png`;
    if (pictures) await this.page.screenshot({ path: `${pictures}/${picture}`, fullPage: true });
    await audit(this.page, what);
  }

  // excuse is for requests that nobody answers: the browser says so of each, and nothing else may have been said.
  excuse(why) {
    const [said] = this.faults;
    must(said, `no request has failed by ${why}`);
    const line = new RegExp(`^wrote to the console: Failed to load resource: net::${why}$`);
    must(this.faults.every((fault) => line.test(fault)), `beside ${why}: ${this.faults.join('; ')}`);
    this.faults.length = 0;
  }

  // authenticator makes one that answers at once, and gives what it has stored.
  async authenticator() {
    const device = await this.context.newCDPSession(this.page);
    await device.send('WebAuthn.enable');
    const { authenticatorId } = await device.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true,
        hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
      },
    });
    return async () => (await device.send('WebAuthn.getCredentials', { authenticatorId })).credentials.length;
  }

  // offers says whether the browser offers passkeys by itself: its authenticator then answers before anything is pressed.
  async offers(on) {
    await this.page.evaluate((is) => {
      globalThis.PublicKeyCredential.isConditionalMediationAvailable = async () => is;
    }, on);
  }

  get main() {
    return this.page.locator('dialog[open], main').last();
  }

  async type(label, text) {
    await tabTo(this.page, this.main.getByLabel(label, { exact: true }).first());
    await this.page.keyboard.press('Control+A');
    await this.page.keyboard.type(text);
  }

  // press waits for a button that is busy: until the browser tells that a dialog is closed, the one that opened it is.
  async press(name, role = 'button', within = this.page) {
    const element = within.getByRole(role, { name, exact: true }).first();
    await tabTo(this.page, element);
    await element.and(this.page.locator(':not([aria-disabled=true])')).waitFor();
    await this.page.keyboard.press('Enter');
  }

  async titled(title) {
    await this.page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
  }

  // says waits until the keyboard's focus is on what is said.
  async says(text) {
    await this.page.locator('.said').filter({ hasText: text }).waitFor();
    await this.page.waitForFunction((wanted) => document.activeElement?.textContent.includes(wanted), text);
  }

  // focused waits until the keyboard's focus is on a text.
  async focused(text) {
    await this.page.waitForFunction((wanted) => document.activeElement?.textContent === wanted, text);
  }

  // refuses waits for what is wrong with a field, which has the keyboard's focus.
  async refuses(label, text) {
    const field = this.main.getByLabel(label, { exact: true }).first();
    await this.page.waitForFunction((wanted) => {
      const { activeElement } = document;
      const describes = activeElement.getAttribute('aria-describedby')?.split(' ') ?? [];
      const says = (id) => document.getElementById(id).textContent.includes(wanted);
      return activeElement.ariaInvalid === 'true' && describes.some(says);
    }, text);
    must(await field.evaluate((e) => e === document.activeElement), `the focus is not on ${label}`);
  }

  // sentTo waits until what is being done leads to an address, of which the page there may take a part away.
  async sentTo(address, doing) {
    await Promise.all([this.page.waitForURL(address), doing]);
  }

  async section(name) {
    await this.press(w(`${name}.title`), 'link');
    await this.titled(w(`${name}.title`));
  }

  async register(name) {
    await this.goto('account#register');
    await this.type(w('field.email'), this.email);
    await this.type(w('field.password'), password);
    if (name) await this.type(w('field.nameOptional'), name);
    await this.press(w('register.button'));
    await this.titled(w('profile.title'));
  }

  // newcomer makes an account where addresses are confirmed first, without the page.
  async newcomer(email = this.email) {
    const register = 'mutation($in: RegisterInput!) { register(input: $in) { tokenType } }';
    await ask(register, { in: { email, password } }).catch(() => undefined); // VERIFICATION_REQUIRED
    const token = (await mailed('register', email)).links[0].split('#token=')[1];
    await ask('mutation($in: VerifyEmailInput!) { verifyEmail(input: $in) { success } }', { in: { token, password } });
  }

  // confirmTotp gives the code of the step before, so that two newer ones are left; on a busy machine it may be too old
  // when it comes, and then the next one is given.
  async confirmTotp(secret) {
    const confirms = (response) => response.request().postData()?.includes('mutation ConfirmTotp');
    for (let at, refused = true; refused && at !== steps();) {
      at = steps();
      await this.type(w('field.code'), totp(secret, -1));
      const [response] = await Promise.all([this.page.waitForResponse(confirms), this.press(w('totp.confirm'))]);
      refused = Boolean((await response.json()).errors);
    }
    await this.page.locator('#codes:focus').waitFor();
  }

  async signIn() {
    await this.titled(w('signIn.title'));
    await this.type(w('field.email'), this.email);
    await this.type(w('field.password'), password);
    await this.press(w('signIn.button'));
  }

  async signOut() {
    await this.press(w('home.signOut'));
    await this.titled(w('signIn.title'));
  }

  // nothingRuns: what users write is text, wherever it is shown.
  async nothingRuns(text) {
    await this.page.getByText(text).first().waitFor();
    must(await this.page.locator('img:not(.qr), main b').count() === 0, 'the page has elements of what a user wrote');
  }
}
