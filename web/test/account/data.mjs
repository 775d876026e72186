import { must } from '../browser.mjs';
import { ask, login, mailed, w } from './visit.mjs';

// Reads what has happened, page by page, has the data mailed, deletes the account and takes that back.
export default async function data(visit) {
  const { page } = visit;
  await visit.register('Ann');
  const token = await login(visit.email);
  const rename = 'mutation($name: String) { updateProfile(input: {name: $name}) { user { id } } }';
  for (let n = 0; n < 25; n += 1) await ask(rename, { name: `Ann ${n}` }, token);
  await visit.section('activity');
  const events = page.locator('.events > li');
  await events.nth(19).waitFor();
  await visit.look('activity');
  await visit.press(w('activity.more'));
  await page.getByText(w('activity.end')).waitFor();
  must(await events.count() === 28, `there are ${await events.count()} events`);
  const first = await events.last().innerText();
  must(first.includes(w('activity.kinds.account_created')), `the first event is ${first}`);

  await visit.section('data');
  await visit.look('data');
  await visit.press(w('data.exportButton'));
  await visit.says(w('data.mailed'));
  const [link] = (await mailed('export', visit.email)).links;
  must(link.includes('/account/export#token='), `the link is ${link}`);
  await visit.press(w('data.delete'));
  await page.getByRole('dialog').waitFor();
  await visit.look('deleting');
  await visit.press(w('cancel'), 'button', page.getByRole('dialog'));
  await visit.press(w('data.delete'));
  await visit.press(w('data.delete'), 'button', page.getByRole('dialog'));
  await visit.titled(w('signIn.title'));
  must(await ask('{ me { id } }', {}, token).then(() => false, () => true), 'the account is not deleted');
  await visit.signIn();
  await visit.titled(w('data.title'));
}
