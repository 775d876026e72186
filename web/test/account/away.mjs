import { control, w } from './visit.mjs';

const [offline, refused] = ['ERR_INTERNET_DISCONNECTED', 'ERR_CONNECTION_REFUSED'];

// Goes offline and back, and has the server stopped and started again: the page says so, and goes on where it was.
export default async function away(visit) {
  const { page, context } = visit;
  await visit.newcomer();
  await page.route('**/graphql', (route) => route.abort('internetdisconnected'));
  await visit.goto();
  await visit.titled(w('unreachable'));
  await page.getByText(w('problems.NETWORK')).waitFor();
  await visit.look('unreachable');
  await page.unroute('**/graphql');
  visit.excuse(offline);
  await visit.press(w('again'));
  await visit.signIn();
  await visit.titled(w('profile.title'));

  await context.setOffline(true);
  await visit.section('sessions');
  await visit.says(w('problems.NETWORK'));
  await visit.look('offline');
  await Promise.all([page.waitForEvent('requestfailed'), visit.press(w('again'))]);
  await context.setOffline(false);
  visit.excuse(offline);
  await visit.press(w('again'));
  await page.getByText(w('sessions.current'), { exact: true }).waitFor();

  await visit.section('profile');
  await control('stop');
  await visit.type(w('field.name'), 'Ann');
  await visit.press(w('save'));
  await visit.says(w('problems.NETWORK'));
  await visit.look('the server is stopped');
  await control('start');
  visit.excuse(refused);
  await visit.press(w('save')); // what was typed is still there
  await visit.says(w('profile.saved'));
  await page.reload();
  await page.getByRole('banner').getByText('Ann', { exact: true }).waitFor();
}
