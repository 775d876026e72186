// The page that a link of a mail leads to. Opening it changes nothing, since scanners open links: the button does. The
// server writes the page in the reader's language, with its document and all that is said here.
const token = new URLSearchParams(location.hash.slice(1)).get('token');
history.replaceState(null, '', location.pathname); // what a browser remembers has no token
addEventListener('hashchange', () => location.reload()); // another link was opened in the place of this one

const find = (selector) => document.querySelector(selector);
const form = find('form');
const { document: query, open } = form.dataset; // open is there when no token is needed
const textOf = (name) => find(`[data-text="${name}"]`)?.textContent;

function say(...sentences) {
  find('[role=status]').replaceChildren(
    ...sentences.map((text) => Object.assign(document.createElement('p'), { textContent: text })),
  );
}

async function ask(document, variables, access) {
  const response = await fetch('../graphql', {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      ...(access && { authorization: `Bearer ${access}` }),
    },
    body: JSON.stringify({ query: document, variables }),
  });
  return response.json();
}

// end takes the form away, and puts the keyboard's focus on what is said in its place.
function end(...sentences) {
  form.hidden = true;
  say(...sentences);
  find('[role=status]').focus();
}

// offerReset shows the link to the page that has a mail sent for a new password, where that is another way on.
function offerReset() {
  if (find('#forgot')) find('#forgot').hidden = false;
}

function refuse({ code, reason, retryAfter } = {}) {
  if (code === 'INVALID_TOKEN') {
    end(textOf(reason) ?? textOf('unknown'), textOf('again'));
    offerReset();
    return;
  }
  say((textOf(reason) ?? textOf(code) ?? textOf('failed')).replace('{seconds}', retryAfter));
  find('input:not([hidden])')?.focus();
}

// save lets the browser keep a JSON text as a file, written for readers.
function save(text) {
  const file = new Blob([JSON.stringify(JSON.parse(text), null, 2)], { type: 'application/json' });
  const href = URL.createObjectURL(file);
  Object.assign(document.createElement('a'), { href, download: 'my-data.json' }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

let busy = false;
async function submit(event) {
  event.preventDefault();
  if (busy) return;
  busy = true;
  say();
  try {
    const typed = [...new FormData(form)].filter(([, value]) => value); // what is left empty is not sent
    const variables = { ...(open === undefined && { token }), ...Object.fromEntries(typed) };
    const { data, errors } = await ask(query, variables);
    if (errors?.[0].extensions?.code === 'SECOND_FACTOR_REQUIRED') {
      end(textOf('done')); // the password is changed; signing in wants the second factor
      return;
    }
    if (errors) {
      refuse(errors[0].extensions);
      return;
    }
    const { accessToken, json } = Object.values(data)[0];
    if (json) save(json);
    if (accessToken) await ask('mutation { logout { success } }', {}, accessToken); // nobody keeps the session
    end(textOf('done'));
  } catch {
    say(textOf('failed'));
  } finally {
    busy = false;
  }
}

form.classList.remove('waits');
if (token || open !== undefined) {
  form.addEventListener('submit', submit);
} else {
  form.hidden = true;
  say(textOf('missing'), textOf('again'));
  offerReset();
}
