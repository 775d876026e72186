import { must } from '../browser.mjs';
import { ask, login, markup, password, w } from './visit.mjs';

// Registers, signs out in one tab and so in another, signs in, and is sent on only to where the server allows.
export default async function signin(visit, url) {
  const { page } = visit;
  await visit.goto();
  await visit.titled(w('signIn.title'));
  await visit.look('sign in');
  must(await page.locator('.app').getAttribute('translate') === 'no', 'the name of the product may be translated');
  await visit.press(w('signIn.button'));
  await visit.refuses(w('field.email'), w('problems.REQUIRED'));
  await visit.look('empty');
  await visit.signIn();
  await visit.says(w('problems.wrong.login'));
  await visit.look('wrong');

  await visit.press(w('signIn.register'), 'link');
  await visit.titled(w('register.title'));
  await page.locator('h1:focus').waitFor();
  await visit.type(w('field.email'), visit.email);
  await visit.type(w('field.password'), 'password');
  await visit.press(w('register.button'));
  await visit.refuses(w('field.password'), w('problems.TOO_COMMON'));
  await visit.look('register');
  await visit.type(w('field.password'), password);
  await visit.type(w('field.nameOptional'), markup);
  await visit.press(w('register.button'));
  await visit.titled(w('profile.title'));
  await visit.nothingRuns(markup);
  await page.waitForFunction(() => location.hash !== '#register'); // which would lead there again

  await page.reload();
  await visit.titled(w('profile.title'));
  const other = await visit.context.newPage();
  await other.goto(new URL('account/', url).href); // the other address of the page
  await other.getByRole('heading', { name: w('profile.title') }).waitFor();
  await page.bringToFront();
  await visit.signOut();
  await other.getByRole('heading', { name: w('signIn.title') }).waitFor();
  await other.close();

  await visit.goto('account?redirect=https%3A%2F%2Fevil.example%2F');
  await visit.signIn();
  await visit.titled(w('profile.title'));
  await visit.signOut();
  const target = new URL('account/forgot?from=app', url).href;
  await visit.goto(`account/?redirect=${encodeURIComponent(target)}`);
  await visit.sentTo(target, visit.signIn());
  await visit.goto(`account/?redirect=${encodeURIComponent(target)}`);
  await visit.titled(w('onward.title'));
  await visit.look('onward');
  await visit.sentTo(target, visit.press(w('onward.button'), 'link'));

  const stored = await page.evaluate(() => ({ ...localStorage, ...sessionStorage }));
  must(Object.keys(stored).length === 0, `the page stored ${JSON.stringify(stored)}`);
  const { me } = await ask('{ me { email } }', {}, await login(visit.email));
  must(me.email === visit.email, 'the account is another');
}
