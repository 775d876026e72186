// node web/test/admin.mjs URL CONTROL [all]: goes through the page at /admin in a browser, with the keyboard alone: as a
// user, who sees a sentence, and as the administrator root@example.com, on two screens, with "all" on each. URL is a server
// with more than 100 users that begin with "many". CONTROL/age lets it be long ago that users proved who they are. It
// exits 1 with a sentence when anything is not as it should be. SCREENSHOTS names a folder for pictures.
import { readFile } from 'node:fs/promises';
import { must, run, tabTo } from './browser.mjs';
import { ask, login, mailed, markup, password, pictures, Visit, w } from './account/visit.mjs';

const [url, control, all] = process.argv.slice(2);
const formula = '=HYPERLINK("https://evil.example")';

// newUser is a stranger, who fills what there is to fill.
async function newUser(name) {
  const email = `eva-${name}@example.com`;
  const query = `mutation($email: String!, $password: String!, $name: String) {
    register(input: {email: $email, password: $password, name: $name}) { accessToken user { id } }
  }`;
  const { register } = await ask(query, { email, password, name: markup });
  await fetch(new URL('graphql', url), {
    method: 'POST', headers: { 'content-type': 'application/json', 'user-agent': formula },
    body: JSON.stringify({
      query: 'mutation($email: String!) { login(input: {email: $email, password: "not the password"}) { expiresIn } }',
      variables: { email },
    }),
  });
  return { email, id: register.user.id, token: register.accessToken };
}

const isOver = (token) => ask('{ me { id } }', {}, token).then(() => false, () => true);

// refused: who is no administrator sees a sentence, and the page asks for nothing else.
async function refused(visit, eva) {
  const asked = [];
  visit.page.on('request', (request) => asked.push(request.postData() ?? ''));
  visit.email = eva.email;
  await visit.goto('admin');
  await visit.look('sign in');
  must(await visit.page.getByText(w('signIn.register')).count() === 0, 'the page makes accounts');
  await visit.signIn();
  await visit.titled(w('refused.title'));
  await visit.look('refused');
  await visit.goto('admin#audit');
  await visit.page.reload();
  await visit.titled(w('refused.title'));
  must(await visit.page.getByRole('navigation').count() === 0, 'a user sees the parts of the page');
  const more = asked.filter((text) => /users\(|user\(|auditLog\(/.test(text));
  must(more.length === 0, `the page asked for a user: ${more}`);
  visit.page.removeAllListeners('request');
  await visit.signOut();
}

// showAll takes the filters away, and waits for those that are empty.
async function showAll(visit) {
  await visit.press(w('list.all'), 'link');
  await visit.page.getByRole('link', { name: w('list.all'), exact: true }).waitFor({ state: 'detached' });
}

// lists goes through pages of users, and back.
async function lists(visit, eva) {
  const { page } = visit;
  const lines = page.locator('.lines > li');
  await visit.nothingRuns(markup);
  await visit.look('users');
  await visit.type(w('users.search'), 'many');
  await visit.press(w('list.show'));
  await visit.focused(w('users.count').replace('{n}', '120'));
  must(await lines.count() === 50, `there are ${await lines.count()} users`);
  const first = await lines.first().innerText();
  for (const [link, count] of [['next', 50], ['next', 20], ['previous', 50], ['previous', 50]]) {
    const before = await lines.first().innerText();
    await visit.press(w(`list.${link}`), 'link');
    await page.waitForFunction((text) => document.querySelector('.lines > li').innerText !== text, before);
    await visit.focused(w('users.count').replace('{n}', '120'));
    must(await lines.count() === count, `the page has ${await lines.count()} users`);
  }
  must(await lines.first().innerText() === first, 'the first page is another than before');
  await tabTo(page, page.getByLabel(w('users.status')));
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await visit.press(w('list.show'));
  await visit.focused(w('users.count').replace('{n}', '0'));
  await visit.look('nobody');
  await showAll(visit);
  await page.getByText(eva.email, { exact: true }).waitFor();
  await visit.type(w('users.search'), eva.email);
  await visit.press(w('list.show'));
  await visit.focused(w('users.count').replace('{n}', '1'));
  await visit.press(eva.email, 'link');
  await visit.titled(w('user.title'));
}

// change presses a button and the same one of the dialog, which says what will happen.
async function change(visit, name, email) {
  await visit.press(w(`change.${name}.button`));
  const dialog = visit.page.getByRole('dialog', { name: w(`change.${name}.title`).replace('{email}', email) });
  await dialog.waitFor();
  await visit.press(w(`change.${name}.button`), 'button', dialog);
}

// user suspends one, for which the administrator proves again who they are, and undoes that.
async function user(visit, eva) {
  const { page } = visit;
  await visit.nothingRuns(markup);
  await visit.look('user');
  await visit.press(w('change.suspend.button'));
  await visit.look('suspending');
  await visit.press(w('cancel'), 'button', page.getByRole('dialog'));
  must(!(await isOver(eva.token)), 'the user is suspended although nobody confirmed it');
  await fetch(`${control}/age`);
  await change(visit, 'suspend', eva.email);
  await page.getByRole('dialog', { name: w('stepUp.title') }).waitFor();
  await visit.look('step-up');
  must(!(await isOver(eva.token)), 'the user is suspended without a proof');
  await visit.press(w('cancel'), 'button', page.getByRole('dialog'));
  await visit.says(w('problems.REAUTHENTICATION_REQUIRED'));
  must(!(await isOver(eva.token)), 'the user is suspended without a proof');
  await change(visit, 'suspend', eva.email);
  await visit.type(w('stepUp.field.password'), password);
  await visit.press(w('stepUp.button.password'));
  await visit.says(w('change.suspend.done'));
  must(await isOver(eva.token), 'the session of the suspended user goes on');
  await visit.look('suspended');
  await page.getByText(w('activity.kinds.account_suspended'), { exact: true }).waitFor();
  const mails = await page.getByRole('button', { name: w('change.reset.button') }).count();
  must(mails === 0, 'a suspended user can be mailed a link');
  await change(visit, 'reinstate', eva.email);
  await visit.says(w('change.reinstate.done'));
  const token = await login(eva.email);
  await change(visit, 'end', eva.email);
  await visit.says(w('change.end.done'));
  must(await isOver(token), 'the session goes on');
  await change(visit, 'give', eva.email);
  await page.getByRole('dialog', { name: w('vouch.title').replace('{email}', eva.email) }).waitFor();
  await visit.look('vouch');
  await visit.press(w('vouch.button'), 'button', page.getByRole('dialog'));
  await visit.says(w('change.give.done'));
  await change(visit, 'take', eva.email);
  await visit.says(w('change.take.done'));
  await change(visit, 'reset', eva.email);
  await visit.says(w('change.reset.done'));
  await mailed('reset', eva.email);
  await change(visit, 'delete', eva.email);
  await visit.says(w('change.delete.done'));
}

async function audit(visit, eva) {
  const { page } = visit;
  await visit.press(w('user.events'), 'link');
  await visit.titled(w('audit.title'));
  await page.getByText(w('activity.kinds.account_deleted'), { exact: true }).last().waitFor();
  await visit.look('audit log');
  for (const [name, holds] of [
    ['csv', (text) => text.includes(`"'${formula.replaceAll('"', '""')}"`) && text.includes('"account_suspended"')],
    ['json', (text) => JSON.parse(text).some(({ userAgent }) => userAgent === formula)],
  ]) {
    const download = page.waitForEvent('download');
    await visit.press(w(`audit.${name}`));
    const file = await (await download).path();
    await page.locator('.said').filter({ hasText: w('audit.saved').split('{n}')[0] }).last().waitFor();
    must(holds(await readFile(file, 'utf8')), `the ${name} file is ${await readFile(file, 'utf8')}`);
  }
  await visit.type(w('audit.userId'), 'not an id');
  await visit.press(w('list.show'));
  await visit.says(w('problems.MALFORMED'));
  await visit.look('wrong id');
  await showAll(visit);
  await page.getByRole('link', { name: eva.id }).first().waitFor();
}

async function rest(visit) {
  const { page } = visit;
  await visit.section('invite');
  await visit.type(w('field.email'), 'root@example.com');
  await visit.press(w('invite.button'));
  await visit.refuses(w('field.email'), w('problems.EMAIL_TAKEN'));
  await visit.look('invite');
  const guest = `guest-${visit.screen}@example.com`;
  await visit.type(w('field.email'), guest);
  await visit.press(w('invite.button'));
  await visit.says(w('invite.mailed').replace('{email}', guest));
  await mailed('invitation', guest);
  await visit.section('server');
  await page.getByText(w('server.ready')).waitFor();
  await page.getByRole('link', { name: w('server.access') }).waitFor();
  await visit.look('server');
  await visit.signOut();
}

await run('admin', `${new URL(url).hostname} , EXCLUDE 127.0.0.1`, async (browser) => {
  const visits = [['desk', 'en'], ['phone-dark', 'de'], ['phone', 'fr'], ['desk-dark', 'es']];
  for (const [screen, language] of all ? visits : visits.slice(0, 2)) {
    const visit = await Visit.open(browser, 'admin', screen, language);
    try {
      const eva = await newUser(screen);
      await refused(visit, eva);
      visit.email = 'root@example.com';
      await visit.signIn();
      await visit.titled(w('audit.title')); // to which the address still leads
      await visit.section('users');
      for (const part of [lists, user, audit, rest]) await part(visit, eva);
      const stored = await visit.page.evaluate(() => ({ ...localStorage, ...sessionStorage }));
      must(Object.keys(stored).length === 0, `the page stored ${JSON.stringify(stored)}`);
    } catch (error) {
      if (pictures) await visit.page.screenshot({ path: `${pictures}/admin-failed.png`, fullPage: true });
      visit.faults.push(error.stack);
    }
    await visit.context.close();
    must(visit.faults.length === 0, `on ${screen} in ${language}: ${visit.faults.join('; ')}`);
  }
});
