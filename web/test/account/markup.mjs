import { must } from '../browser.mjs';
import { login, mailed, password, w } from './visit.mjs';

const [url] = process.argv.slice(2);
const hostile = '"\'><xss-probe></xss-probe><img src=x onerror=pwned=1>';

const asks = `{ __schema {
  mutationType { fields { name args { name type { ...T } } } }
  types { name kind inputFields { name defaultValue type { ...T } } enumValues { name } }
} }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;

// send asks as a program that calls itself something else.
async function send(query, token) {
  const headers = { 'content-type': 'application/json', 'user-agent': hostile, ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(new URL('graphql', url), { method: 'POST', headers, body: JSON.stringify({ query }) });
  return response.json();
}

const innermost = (type) => (type.ofType ? innermost(type.ofType) : type);

// operations has one of each mutation for each String that it takes, which is hostile there.
function operations({ mutationType, types }, values) {
  const inputs = new Map(types.map((type) => [type.name, type]));
  const stringsOf = ({ name, type }) => {
    const { kind, name: named } = innermost(type);
    if (kind === 'INPUT_OBJECT') return inputs.get(named).inputFields.flatMap(stringsOf);
    return named === 'String' ? [name] : [];
  };
  const write = ({ name, type }, evil) => {
    const { kind, name: named } = innermost(type);
    const list = [type, type.ofType].some((outer) => outer?.kind === 'LIST');
    const wrapped = (text) => (list ? `[${text}]` : text);
    if (kind === 'INPUT_OBJECT') {
      const wanted = (field) => (field.type.kind === 'NON_NULL' && field.defaultValue === null) || stringsOf(field).includes(evil);
      return wrapped(`{${inputs.get(named).inputFields.filter(wanted).map((field) => `${field.name}: ${write(field, evil)}`).join(', ')}}`);
    }
    if (name === evil) return wrapped(JSON.stringify(evil === 'email' ? `${hostile}@example.com` : hostile));
    if (kind === 'ENUM') return wrapped(inputs.get(named).enumValues[0].name);
    return wrapped(JSON.stringify({ Boolean: true, Int: 1, Time: new Date(Date.now() + 86_400_000) }[named] ?? values[name] ?? 'made up'));
  };
  return mutationType.fields.flatMap(({ name, args }) => [...new Set(args.flatMap(stringsOf))].map((evil) => {
    const given = args.filter(({ type }) => type.kind === 'NON_NULL' || innermost(type).name === 'String');
    return [`${name} ${evil}`, `mutation { ${name}(${given.map((arg) => `${arg.name}: ${write(arg, evil)}`).join(', ')}) { __typename } }`];
  }));
}

// Has every String of every mutation written as markup by a user, and by programs with such a name: it is text on each
// part of the page, and in the mails.
export default async function writesMarkup(visit) {
  const { page } = visit;
  await visit.register('Ann');
  const token = await login(visit.email);
  const { data } = await send(asks);
  const values = { email: visit.email, password, currentPassword: 'not it', newPassword: password, scopes: 'account:read' };
  const taken = [];
  const all = operations(data.__schema, values);
  for (const [what, query] of all) {
    const answer = await send(query, token);
    must(!JSON.stringify(answer).includes('GRAPHQL_'), `${query}: ${JSON.stringify(answer)}`);
    if (answer.data) taken.push(what);
  }
  must(all.length > 40 && taken.includes('updateProfile name') && taken.includes('createAccessToken name'), `of ${all.length} are taken: ${taken}`);
  await send('mutation { requestEmailVerification { success } }', token);
  const { text } = await mailed('verify', visit.email);
  await send(`mutation { verifyEmail(input: {code: "${text.match(/^\d{8}$/m)[0]}"}) { success } }`, token);
  await send(`mutation { login(input: {email: "${visit.email}", password: "${password}"}) { tokenType } }`); // of which a mail tells
  await mailed('new_device', visit.email);

  await page.reload();
  const harmless = async (where) => {
    const run = await page.evaluate(() => {
      const documents = [document, ...[...document.querySelectorAll('iframe')].map(({ srcdoc }) => new DOMParser().parseFromString(srcdoc, 'text/html'))];
      return globalThis.pwned || documents.some((each) => each.querySelector('xss-probe, [onerror]'));
    });
    must(!run, `${where} has elements of what a user wrote`);
  };
  for (const section of ['security', 'sessions', 'tokens', 'activity', 'data', 'profile']) {
    await visit.section(section);
    await page.locator('header').getByText(hostile, { exact: true }).waitFor();
    if (['sessions', 'tokens', 'activity'].includes(section)) await page.locator('main').getByText(hostile).first().waitFor();
    await visit.look(section);
    await harmless(section);
  }
  await visit.press(`${w('tokens.title')}`, 'link');
  await visit.press(`${w('tokens.revoke')}: ${hostile}`);
  await page.getByRole('dialog').getByText(hostile).waitFor();
  await harmless('the dialog');
  await page.goto(new URL('inbox', url).href);
  await page.locator('article').filter({ hasText: visit.email }).first().waitFor();
  await harmless('the inbox');
}
