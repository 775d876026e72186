// node web/test/pages.mjs URL KINDS [all]: has a server send each of these kinds of mail, follows its link from the page of
// mails in a browser, with a mouse and with the keyboard alone, does what the page asks for, and asks the server for the
// effect. It exits 1 with a sentence when anything is not as it should be. With "all", each kind in each language and on
// each screen. SCREENSHOTS names a folder for pictures of each step.
import { readFile } from 'node:fs/promises';
import { audit, desk, devices, fits, hangGuard, must, run, tabTo, watch } from './browser.mjs';

const [url, kinds, all] = process.argv.slice(2);
const pictures = process.env.SCREENSHOTS;
const former = 'correct horse battery';
const password = 'a password of the page';
const languages = ['en', 'de', 'fr', 'es'];
const texts = Object.fromEntries(await Promise.all(languages.map(async (language) => [
  language,
  JSON.parse(await readFile(new URL(`../account/texts/${language}.json`, import.meta.url), 'utf8')),
])));

// Person is who has an account, and asks by GraphQL, in their language.
class Person {
  constructor(name, language) {
    Object.assign(this, { name, language, address: `${name}@example.com`, next: `${name}.new@example.com` });
  }

  async ask(query, variables = {}) {
    const response = await fetch(new URL('graphql', url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'accept-language': this.language,
        ...(this.token && { authorization: `Bearer ${this.token}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    return response.json();
  }

  async must(query, variables) {
    const { data, errors } = await this.ask(query, variables);
    must(!errors, `${query}: ${JSON.stringify(errors)}`);
    return data;
  }

  async register() {
    const { register } = await this.must('mutation($in: RegisterInput!) { register(input: $in) { accessToken } }', {
      in: { email: this.address, password: former, name: this.name },
    });
    this.token = register.accessToken;
  }

  async login(password) {
    this.token = undefined;
    return this.ask('mutation($in: LoginInput!) { login(input: $in) { accessToken } }', { in: { email: this.address, password } });
  }

  // mailed waits for a mail, and gives the token of its link.
  async mailed(kind, to) {
    return new URLSearchParams(new URL(await this.linkOf(kind, to)).hash.slice(1)).get('token');
  }

  async linkOf(kind, to = this.address) {
    for (const until = Date.now() + hangGuard; Date.now() < until; await new Promise((resolve) => setTimeout(resolve, 20))) {
      const mails = await (await fetch(new URL('inbox', url), { headers: { accept: 'application/json' } })).json();
      const found = mails.find((mail) => mail.kind === kind && mail.to === to);
      if (found) return found.links[0];
    }
    throw new Error(`no mail ${kind} to ${to} comes`);
  }

  use(name, token) {
    return this.must(`mutation($token: String!) { ${name}(input: {token: $token}) { success } }`, { token });
  }

  async change() {
    await this.must('mutation($email: String!) { changeEmail(input: {email: $email}) { user { id } } }', { email: this.next });
  }
}

const root = new Person('root', 'en'); // an administrator, whom the caller has made

const confirm = async (ann) => {
  await ann.must('mutation { requestEmailVerification { success } }');
  await ann.use('verifyEmail', await ann.mailed('verify'));
};

const shutOut = (known) => async (ann) => {
  must((await ann.ask('{ me { id } }')).errors, 'the session has not ended');
  must((await ann.login(known)).errors, 'the password still counts');
  await ann.mailed('reset');
};

// flows say for each kind of mail how it is caused, where it is sent if not to the account's address, which page its link
// leads to if not to the one of that name, what is typed there, and what is so after it.
const flows = {
  verify: {
    cause: (ann) => ann.must('mutation { requestEmailVerification { success } }'),
    async effect(ann) {
      must((await ann.must('{ me { emailVerified } }')).me.emailVerified, 'the address is not confirmed');
    },
  },
  'change-email': {
    to: (ann) => ann.next,
    cause: (ann) => ann.change(),
    async effect(ann) {
      must((await ann.must('{ me { email } }')).me.email === ann.next, 'the account has not its new address');
    },
  },
  'undo-email': {
    async cause(ann) {
      await confirm(ann);
      await ann.change();
      await ann.use('confirmEmailChange', await ann.mailed('change-email', ann.next));
    },
    async effect(ann) {
      must((await ann.ask('{ me { id } }')).errors, 'the session has not ended');
      await ann.mailed('reset');
    },
  },
  new_device: {
    page: 'secure',
    async cause(ann) {
      await confirm(ann);
      const { token } = ann;
      await ann.login(former);
      ann.token = token;
    },
    effect: shutOut(former),
  },
  access_token_created: {
    page: 'secure',
    async cause(ann) {
      await confirm(ann);
      await ann.must('mutation($in: CreateAccessTokenInput!) { createAccessToken(input: $in) { token } }', {
        in: { name: 'a program', scopes: ['account:read'], expiresAt: new Date(Date.now() + 86_400_000).toISOString() },
      });
    },
    effect: shutOut(former),
  },
  password_changed: {
    page: 'secure',
    async cause(ann) {
      await confirm(ann);
      await ann.must('mutation($in: ChangePasswordInput!) { changePassword(input: $in) { tokenType } }', {
        in: { currentPassword: former, newPassword: password },
      });
    },
    effect: shutOut(password),
  },
  export: {
    cause: (ann) => ann.must('mutation { exportMyData { success } }'),
    async effect(ann, [download]) {
      const { users } = JSON.parse(await readFile(await download.path(), 'utf8'));
      must(users[0].email === ann.address, `the file ${download.suggestedFilename()} is not of the account`);
    },
  },
  reset: {
    typed: password,
    cause: (ann) => ann.must('mutation($email: String!) { requestPasswordReset(input: {email: $email}) { success } }', { email: ann.address }),
    async effect(ann) {
      must((await ann.login(former)).errors, 'the former password still counts');
      must((await ann.login(password)).data?.login, 'the new password does not count');
    },
  },
  invitation: {
    typed: password,
    to: (ann) => ann.next,
    async cause(ann) {
      const { login } = await root.must('mutation($in: LoginInput!) { login(input: $in) { accessToken } }', {
        in: { email: root.address, password: former },
      });
      root.token = login.accessToken;
      await root.must('mutation($in: InviteUserInput!) { inviteUser(input: $in) { success } }', {
        in: { email: ann.next, locale: ann.language },
      });
    },
    async effect(ann) {
      const { login } = await ann.must('mutation($in: LoginInput!) { login(input: $in) { user { emailVerified } } }', {
        in: { email: ann.next, password },
      });
      must(login.user.emailVerified, 'the address is not confirmed');
    },
  },
};

// Walk follows the link of one mail, on one screen.
class Walk {
  constructor(context, kind, name, language) {
    Object.assign(this, { context, kind, name, words: texts[language], step: 0 });
    this.own = this.words.pages[flows[kind].page ?? kind];
  }

  async look(page, what, { still } = {}) {
    this.step += 1;
    await fits(page, what);
    if (!still) await audit(page, what);
    if (pictures) await page.screenshot({ path: `${pictures}/${this.name}-${this.step}-${what.replaceAll(' ', '-')}.png` });
  }

  // opened gives the page that something opens.
  async opened(open) {
    const [page] = await Promise.all([this.context.waitForEvent('page'), open()]);
    await page.locator('form').waitFor();
    return page;
  }

  // mail opens the page of mails, and there the link of the newest to an address.
  async mail(to) {
    const inbox = await this.context.newPage();
    await inbox.goto(new URL('inbox', url).href);
    const article = inbox.locator('article').filter({ hasText: to }).filter({ has: inbox.locator('code', { hasText: this.kind }) }).first();
    const link = article.getByRole('listitem').getByRole('link');
    this.link = await link.getAttribute('href');
    await this.look(inbox, 'the inbox', { still: !all });
    await tabTo(inbox, link);
    const page = await this.opened(() => inbox.keyboard.press('Enter'));
    await tabTo(inbox, article.locator('summary'));
    await inbox.keyboard.press('Enter');
    must((await article.locator('pre').innerText()).split('\n').includes(this.link), 'the text has no line that is the link');
    await this.look(inbox, 'the text', { still: true });
    const byMouse = await this.opened(() => article.frameLocator('iframe').getByRole('link').click());
    await byMouse.close();
    await inbox.close();
    return page;
  }

  async says(page, ...sentences) {
    await page.locator('[role=status]:not(:empty)').waitFor();
    const said = await page.locator('[role=status] p').allInnerTexts();
    must(said.join('|') === sentences.join('|'), `the page says ${JSON.stringify(said)}, not ${JSON.stringify(sentences)}`);
  }

  // press types what the page asks for, and presses its button, with the keyboard alone.
  async press(page, typed) {
    if (typed) {
      await tabTo(page, page.locator('input:not([hidden])').first());
      await page.keyboard.type(typed);
    }
    await tabTo(page, page.getByRole('button', { name: this.words.pages[page.url().split('/').pop()].button, exact: true }));
    await page.keyboard.press('Enter');
  }

  async follow(page, typed) {
    must(!page.url().includes('#'), `the token is in the address: ${page.url()}`);
    must((await page.locator('h1').innerText()) === this.own.title, 'the page has another title');
    await this.look(page, 'the page');
    if (typed) {
      await this.press(page, 'password');
      await this.says(page, this.words.messages.TOO_COMMON);
      await this.look(page, 'a password that is refused', { still: true });
      await page.keyboard.press('Control+A'); // the focus is where it is mended
    }
    await this.press(page, typed);
    await this.says(page, this.own.done);
    await this.look(page, 'done', { still: !all });
  }

  // again opens the same link in the same tab.
  async again(page, typed) {
    await page.goto(this.link);
    await page.waitForFunction(() => !location.hash); // the page has taken the token
    await page.locator('form').waitFor();
    await this.press(page, typed);
    await this.says(page, this.words.messages.used, this.own.again);
    await this.look(page, 'the link a second time', { still: !all && asked });
  }

  // forgotten asks for a new password on the page to which a refused link leads.
  async forgotten(page, ann) {
    await tabTo(page, page.getByRole('link', { name: this.words.labels.forgot }));
    await Promise.all([page.waitForURL('**/forgot'), page.keyboard.press('Enter')]);
    await this.look(page, 'a new one');
    await this.press(page, ann.address);
    await this.says(page, this.words.pages.forgot.done);
    await ann.mailed('reset');
  }
}

let walks = 0;
let asked = false; // for a new password, on the page to which refused links lead
async function walk(browser, origin, kind, language, device) {
  walks += 1;
  const { cause, effect, typed, to = ({ address }) => address } = flows[kind];
  const ann = new Person(`ann${walks}`, language);
  await ann.register();
  await cause(ann);
  await ann.mailed(kind, to(ann));
  const context = await browser.newContext({ ...devices[device], locale: language });
  const faults = watch(context, origin);
  const name = `${kind}-${language}-${device}`;
  try {
    const w = new Walk(context, kind, name, language);
    const page = await w.mail(to(ann));
    const downloads = [];
    page.on('download', (download) => downloads.push(download));
    await w.follow(page, typed);
    await effect(ann, downloads);
    await w.again(page, typed);
    if ((all || !asked) && await page.locator('#forgot').isVisible()) {
      asked = true;
      await w.forgotten(page, ann);
    }
  } catch (error) {
    faults.push(error.message);
  }
  await context.close();
  must(faults.length === 0, `${name}: ${faults.join('; ')}`);
}

// withoutScripts follows the link of a mail in a browser that runs none: the form is sent with the page's own address.
async function withoutScripts(browser, kind, language) {
  walks += 1;
  const { cause, effect, page: own = kind, typed, to = ({ address }) => address } = flows[kind];
  const { pages, labels, messages } = texts[language];
  const ann = new Person(`ann${walks}`, language);
  await ann.register();
  await cause(ann);
  const link = await ann.linkOf(kind, to(ann));
  const context = await browser.newContext({ ...desk, locale: language, javaScriptEnabled: false });
  const faults = watch(context, new URL(url).origin);
  const page = await context.newPage();
  const says = (...sentences) => page.getByRole('status').filter({ hasText: sentences.join('') }).waitFor();
  const send = async (password) => {
    if (password) await page.getByLabel(labels.password).fill(password);
    await tabTo(page, page.getByRole('button', { name: pages[own].button, exact: true }));
    await page.keyboard.press('Enter');
  };
  try {
    await page.goto(link);
    await page.getByLabel(labels.link).fill(page.url());
    await fits(page, 'the page without scripts');
    if (pictures) await page.screenshot({ path: `${pictures}/${kind}-${language}-without-scripts.png` });
    if (typed) {
      await send('password');
      await says(messages.TOO_COMMON); // and the link is there still
    }
    const downloads = [];
    page.on('download', (download) => downloads.push(download));
    await send(typed);
    if (kind === 'export') {
      while (!downloads.length) await page.waitForEvent('download');
    } else {
      await says(pages[own].done);
    }
    await effect(ann, downloads);
    await page.goto('about:blank'); // from the page itself the link would lead nowhere
    await page.goto(link);
    await page.getByLabel(labels.link).fill(link);
    await send(typed);
    await says(messages.used, pages[own].again);
  } catch (error) {
    faults.push(error.message);
  }
  await context.close();
  must(faults.length === 0, `${kind} without scripts, in ${language}: ${faults.join('; ')}`);
}

await run('pages', new URL(url).hostname, async (browser) => {
  for (const [n, kind] of kinds.split(',').entries()) {
    must(flows[kind], `a mail ${kind} has a link, and web/test/pages.mjs does not follow it: say in flows how it is caused`);
    for (const [l, language] of languages.entries()) {
      for (const [d, device] of Object.keys(devices).entries()) {
        if (all || (l === n % languages.length && d === l)) await walk(browser, new URL(url).origin, kind, language, device);
      }
      if (all || l === (n + 1) % languages.length) await withoutScripts(browser, kind, language);
    }
  }
});
