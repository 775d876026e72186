// The page that a link of a mail leads to. Opening it changes nothing, since scanners open links: the button does.
const kinds = {
  verify: {
    title: 'Confirm your e-mail address',
    why: 'Confirm that the e-mail address which this mail was sent to is yours.',
    done: 'Your e-mail address is confirmed.',
    query: 'mutation($token: String!) { verifyEmail(input: {token: $token}) { success } }',
  },
  'change-email': {
    title: 'Confirm your new e-mail address',
    why: 'From now on you sign in with the e-mail address which this mail was sent to.',
    done: 'Your account has its new e-mail address.',
    query: 'mutation($token: String!) { confirmEmailChange(input: {token: $token}) { success } }',
  },
  'undo-email': {
    title: 'Take the change back',
    why: 'Your account gets its former e-mail address back, everyone is signed out, and you choose a new password.',
    done: 'Your account has its former e-mail address. A mail for a new password is on its way to it.',
    query: 'mutation($token: String!) { revertEmailChange(input: {token: $token}) { success } }',
  },
  reset: {
    title: 'Choose a new password',
    why: 'Everyone who is signed in to your account is signed out.',
    done: 'You have a new password. Sign in with it.',
    password: true,
    query: 'mutation($token: String!, $password: String!) ' +
      '{ resetPassword(input: {token: $token, newPassword: $password}) { accessToken } }',
  },
};

const kind = kinds[location.pathname.split('/').pop()];
const token = new URLSearchParams(location.hash.slice(1)).get('token');
history.replaceState(null, '', location.pathname); // what a browser remembers has no token

const find = (selector) => document.querySelector(selector);
const say = (text) => {
  find('[role=status]').textContent = text;
};

async function ask(query, variables, access) {
  const response = await fetch('../graphql', {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      ...(access && { authorization: `Bearer ${access}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

async function submit(event) {
  event.preventDefault();
  find('button').disabled = true;
  try {
    const variables = kind.password ? { token, password: find('#password').value } : { token };
    const { data, errors } = await ask(kind.query, variables);
    if (errors) throw new Error(errors.map((e) => e.message).join(' '));
    const { accessToken } = Object.values(data)[0];
    if (accessToken) await ask('mutation { logout { success } }', {}, accessToken); // nobody keeps the session
    find('form').hidden = true;
    say(kind.done);
  } catch (error) {
    say(error.message);
  } finally {
    find('button').disabled = false;
  }
}

find('h1').textContent = document.title = kind.title;
if (token) {
  find('#why').textContent = kind.why;
  find('button').textContent = kind.title;
  find('#choose').hidden = !kind.password;
  find('#password').required = Boolean(kind.password);
  find('form').hidden = false;
  find('form').addEventListener('submit', submit);
} else {
  say('Open the link of the mail again.');
}
