import { fetcher } from './fetcher.js';
import { random } from './random.js';

// The made-up accounts of this page, by persona. They are gone with the page.
const accounts = new Map();

const mutation = (field, input) =>
  `mutation RunAs($input: ${input}!) { ${field}(input: $input) { accessToken user { email } } }`;

// runAs signs in as a made-up user or administrator, and registers them when they are needed first. It rejects with a
// sentence.
export async function runAs(persona) {
  if (accounts.has(persona)) {
    await send(mutation('login', 'LoginInput'), accounts.get(persona));
  } else if (persona === 'administrator') {
    const account = await newAdministrator();
    accounts.set(persona, account);
    await send(mutation('login', 'LoginInput'), account);
  } else {
    const account = { email: `user-${random(4)}@example.com`, password: random(10) };
    const { register } = await send(mutation('register', 'RegisterInput'), account);
    if (!register.accessToken) throw new Error('Accounts have to be confirmed here: see the inbox');
    accounts.set(persona, account);
  }
}

// newAdministrator has one made by the server, which does so for this machine alone, where it shows the inbox.
async function newAdministrator() {
  const response = await fetch('development/administrator', { method: 'POST', credentials: 'omit' });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

async function send(query, input) {
  const { data, errors } = await fetcher({ query, operationName: 'RunAs', variables: { input } });
  if (errors) throw new Error(errors[0].message);
  return data;
}
