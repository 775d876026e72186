import { must } from '../browser.mjs';
import { ask, codeOf, login, mailed, markup, password, w } from './visit.mjs';

// Changes the name, confirms the address, changes it and takes that back, and changes the password.
export default async function profile(visit) {
  const { page } = visit;
  await visit.register();
  await visit.look('profile');
  await visit.type(w('field.name'), ' ');
  await visit.press(w('save'));
  await visit.refuses(w('field.name'), '');
  await visit.type(w('field.name'), markup);
  await page.keyboard.press('Tab');
  await page.keyboard.press('D'); // Deutsch
  await visit.press(w('save'));
  await visit.says(w('profile.saved'));
  await visit.nothingRuns(markup);
  const { me } = await ask('{ me { name locale } }', {}, await login(visit.email));
  must(me.name === markup && me.locale === 'de', `the profile is ${JSON.stringify(me)}`);

  await visit.press(w('address.ask'));
  await visit.says(w('address.mailed'));
  await visit.type(w('field.mailCode'), '00000000');
  await visit.press(w('address.confirm'));
  await visit.refuses(w('field.mailCode'), w('problems.wrong.mailCode'));
  await visit.look('wrong code');
  await visit.type(w('field.mailCode'), codeOf(await mailed('verify', visit.email)));
  await visit.press(w('address.confirm'));
  await visit.says(w('done.emailVerified'));

  const next = `new.${visit.email}`;
  for (const end of ['cancel', 'confirm']) {
    await visit.type(w('address.new'), next);
    await visit.press(w('address.change'));
    await visit.says(w('done.emailPending'));
    await visit.look('pending');
    if (end === 'cancel') {
      await visit.press(w('address.cancel'));
      await visit.says(w('done.emailKept'));
    }
  }
  await visit.type(w('field.mailCode'), codeOf(await mailed('change-email', next)));
  await visit.press(w('address.confirm'));
  await visit.says(w('done.emailChanged'));
  await page.getByText(next, { exact: true }).first().waitFor();

  await visit.section('security');
  await visit.type(w('password.current'), 'not the password');
  await visit.type(w('password.new'), 'another of my passwords');
  await visit.press(w('password.button'));
  await visit.refuses(w('password.current'), w('problems.wrong.password'));
  await visit.type(w('password.current'), password);
  await visit.press(w('password.button'));
  await visit.says(w('password.changed'));
  await visit.look('password changed');
  await page.reload();
  await visit.titled(w('security.title'));
  visit.email = next;
  await visit.signOut();
  await visit.signIn();
  await visit.says(w('problems.wrong.login'));
}
