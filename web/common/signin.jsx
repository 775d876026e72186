import { useEffect, useRef, useState } from 'preact/hooks';
import { Action, faultsOf, Form, Said } from './form.jsx';
import * as operations from './operations.js';
import { offerPasskeys, passkeysWork, signInWithPasskey, usePasskey } from './passkeys.js';
import { gatehouse, root } from './session.js';
import { Card } from './shell.jsx';
import { settings, t } from './words.js';

export const address = {
  name: 'email', type: 'email', inputMode: 'email', autocomplete: 'username webauthn', autocapitalize: 'none',
  spellcheck: false, label: t('field.email'), required: true, maxLength: 254,
};
export const password = {
  name: 'password', type: 'password', label: t('field.password'), required: true, maxLength: 128,
};

// SignIn asks for a password or a passkey, and then for the second factor that the account wants.
export function SignIn({ done }) {
  const [wanted, setWanted] = useState();
  const [said, setSaid] = useState();
  const ask = async (run) => {
    try {
      await run();
    } catch (error) {
      const [{ code, challenge, factors }] = error.errors ?? [{}];
      if (code !== 'SECOND_FACTOR_REQUIRED') throw error;
      setWanted({ challenge, factors });
      return;
    }
    done();
  };
  if (wanted) {
    return <SecondFactor {...wanted} done={done} over={(text) => { setWanted(undefined); setSaid(text); }} />;
  }
  return <FirstFactor said={said} ask={ask} />;
}

function FirstFactor({ said, ask }) {
  const [refused, setRefused] = useState(said);
  const latest = useRef();
  latest.current = ask;
  const more = { INVALID_CREDENTIALS: t('problems.wrong.login') };
  useEffect(() => offerPasskeys((error) => {
    latest.current(() => { throw error; }).catch((refusal) => setRefused(faultsOf(refusal, [], passkeyProblems)['']));
  }), []);
  return (
    <Card title={t('signIn.title')}>
      {refused && <Said fault text={refused} />}
      <Form label={t('signIn.title')} more={more} button={t('signIn.button')}
        fields={[address, { ...password, autocomplete: 'current-password' }]}
        submit={(typed) => ask(() => gatehouse.request(operations.login, typed))} />
      {passkeysWork && (
        <div class="or">
          <Action more={passkeyProblems} run={() => ask(signInWithPasskey)}>{t('signIn.passkey')}</Action>
        </div>
      )}
      <p class="links">
        <a href={new URL('account/forgot', root).href}>{t('signIn.forgot')}</a>
        {settings.registers && <a href="#register">{t('signIn.register')}</a>}
      </p>
    </Card>
  );
}

const passkeyProblems = { INVALID_CREDENTIALS: t('problems.wrong.passkey') };

const ways = {
  TOTP: {
    name: 'code', label: t('field.code'), hint: t('hint.code'), inputMode: 'numeric', autocomplete: 'one-time-code',
    maxLength: 12, required: true,
  },
  RECOVERY_CODES: {
    name: 'recoveryCode', label: t('field.recoveryCode'), hint: t('hint.recoveryCode'), autocomplete: 'off',
    autocapitalize: 'none', spellcheck: false, maxLength: 40, required: true,
  },
};
const order = ['TOTP', 'PASSKEY', 'RECOVERY_CODES'];

function SecondFactor({ challenge, factors, done, over }) {
  const known = order.filter((kind) => factors.includes(kind));
  const [kind, setKind] = useState(known[0]);
  const field = ways[kind];
  const complete = async (proof, form) => {
    const rememberDevice = Boolean(form?.elements.rememberDevice.checked);
    const input = { challenge, ...proof, rememberDevice, cookie: true };
    try {
      await gatehouse.request(operations.completeLogin, { input });
    } catch (error) {
      if (error.errors?.[0].code !== 'INVALID_TOKEN') throw error;
      over(t('secondFactor.over')); // the challenge has expired, or was tried too often
      return;
    }
    done();
  };
  const submit = async (typed, form) => {
    await complete(field ? { [field.name]: typed[field.name] } : { passkey: await usePasskey() }, form);
  };
  const more = field
    ? { INVALID_CREDENTIALS: t(`problems.wrong.${field.name}`), 'INVALID_CREDENTIALS.field': field.name }
    : passkeyProblems;
  return (
    <Card title={t('secondFactor.title')}>
      <p>{t(`secondFactor.why.${kind}`)}</p>
      <Form key={kind} label={t('secondFactor.title')} fields={field ? [field] : []} more={more} submit={submit}
        button={t(field ? 'secondFactor.button' : 'signIn.passkey')}>
        <p class="check">
          <label><input type="checkbox" name="rememberDevice" /> <span>{t('secondFactor.remember')}</span></label>
        </p>
      </Form>
      <p class="links">
        {known.filter((other) => other !== kind).map((other) => (
          <button type="button" class="link" key={other} onClick={() => setKind(other)}>
            {t(`secondFactor.by.${other}`)}
          </button>
        ))}
        <button type="button" class="link" onClick={() => over(undefined)}>{t('secondFactor.back')}</button>
      </p>
    </Card>
  );
}
