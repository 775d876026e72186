import { must, tabTo } from '../browser.mjs';
import { ask, login, markup, w } from './visit.mjs';

const me = '{ me { email } }';
const isOver = (token) => ask(me, {}, token).then(() => false, () => true);

// Ends another session, and all others, and makes and revokes an access token.
export default async function sessions(visit) {
  const { page } = visit;
  await visit.register('Ann');
  const others = [await login(visit.email), await login(visit.email), await login(visit.email)];
  await visit.section('sessions');
  const entries = page.locator('.entries > li');
  await entries.nth(3).waitFor();
  await visit.look('devices');
  must((await entries.first().innerText()).includes(w('sessions.current')), 'the own session is not the first');
  await tabTo(page, page.getByRole('button', { name: `${w('sessions.end')}: ` }).first());
  await page.keyboard.press('Enter');
  await visit.says(w('done.sessionEnded'));
  must(await entries.count() === 3, `there are ${await entries.count()} sessions`);
  await visit.press(w('sessions.endOthers'));
  await visit.look('ending others');
  await visit.press(w('sessions.endOthers'), 'button', page.getByRole('dialog'));
  await visit.says(w('sessions.othersEnded'));
  must(await entries.count() === 1, `there are ${await entries.count()} sessions`);
  for (const token of others) must(await isOver(token), 'a session has not ended');

  await visit.section('tokens');
  await visit.look('no token');
  must(await page.getByLabel('users:read').count() === 0, 'a user is offered what administrators may do');
  await visit.press(w('tokens.create'));
  await visit.refuses(w('tokens.name'), w('problems.REQUIRED'));
  await visit.type(w('tokens.name'), markup);
  await tabTo(page, page.getByLabel('account:read'));
  await page.keyboard.press('Space');
  await visit.press(w('tokens.create'));
  const token = await page.locator('.once .secret').innerText();
  must((await ask(me, {}, token)).me.email === visit.email, 'the token is of another account');
  await visit.look('new token');
  await visit.nothingRuns(markup);
  await visit.press(w('tokens.kept'));
  must(!(await page.content()).includes(token), 'the page still has the token');
  await visit.press(`${w('tokens.revoke')}: ${markup}`);
  await visit.press(w('tokens.revoke'), 'button', page.getByRole('dialog'));
  await visit.says(w('done.revoked'));
  must(await isOver(token), 'the token has not ended');
  await visit.signOut();
  visit.email = 'root@example.com'; // an administrator, whom the caller has made
  await visit.signIn();
  await page.getByLabel('users:read').waitFor();
}
