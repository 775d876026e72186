import { must } from '../browser.mjs';
import { w } from './visit.mjs';

// Signs in too often: the page counts down, does not take the focus away from who types meanwhile, says when it is over,
// and lets another person sign in. The server lets two wrong passwords of an account pass, and then none for 30 seconds.
export default async function limited(visit) {
  const { page } = visit;
  const attempt = async (email) => {
    await visit.type(w('field.email'), email);
    await visit.type(w('field.password'), 'not the password');
    await visit.press(w('signIn.button'));
  };
  const said = page.locator('.said');
  const second = `second.${visit.email}`;
  for (const email of [visit.email, second]) await visit.newcomer(email);
  await visit.goto();
  for (let n = 0; n < 2; n += 1) {
    await attempt(visit.email);
    await visit.says(w('problems.wrong.login'));
  }
  const now = Date.now(); // of the page, until it is set anew
  await page.clock.setFixedTime(now);
  await attempt(visit.email);
  const [before] = w('problems.RATE_LIMITED').split('{time}');
  await visit.says(before);
  const seconds = Number((await said.innerText()).match(/\d+/)[0]);
  must(seconds > 5 && seconds <= 30, `the page says ${await said.innerText()}`);
  await visit.look('too many attempts');
  await visit.type(w('field.email'), `other.${visit.email}`);
  await page.clock.setFixedTime(now + 5000);
  await said.filter({ hasText: new RegExp(`\\b${seconds - 5}\\b`) }).waitFor();
  await page.clock.setFixedTime(now + seconds * 1000);
  await said.filter({ hasText: w('waited') }).waitFor();
  await visit.look('waited');
  await page.locator('[name=email]:focus').waitFor(); // which the countdown has not taken

  visit.email = second; // whom nobody has tried
  await visit.signIn();
  await visit.titled(w('profile.title'));
}
