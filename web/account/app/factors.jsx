import { useEffect, useRef, useState } from 'preact/hooks';
import { confirm } from '../../common/dialog.jsx';
import { Entry, Secret, Times } from '../../common/entries.jsx';
import { Action, announce, Form, Unanswered } from '../../common/form.jsx';
import { forgetPasskey, makePasskey, passkeysWork } from '../../common/passkeys.js';
import { gatehouse, useAnswer } from '../../common/session.js';
import { settings, t } from '../../common/words.js';
import * as operations from './operations.js';

// Factors is what proves the user beside the password. New recovery codes are given to show.
export function Factors({ show }) {
  const [answer, reload, error] = useAnswer(operations.factors);
  if (error) return <Unanswered error={error} again={reload} />;
  if (!answer) return undefined;
  const { factors } = answer.me;
  const of = (type) => factors.filter(({ __typename }) => __typename === type);
  const [app] = of('TotpFactor');
  const [recovery] = of('RecoveryCodes');
  const added = async (made) => {
    await reload();
    if (made) show(made);
  };
  const remove = async (factor, run) => {
    if (!await confirm(t('factor.removeTitle'), t('factor.removeWhy'), t('factor.remove'))) return;
    await run(factor);
    await reload();
    announce(t('done.removed'));
  };
  return (
    <>
      <App app={app} added={added} remove={remove} />
      <Passkeys passkeys={of('Passkey')} added={added} remove={remove} reload={reload} />
      {recovery && <Recovery recovery={recovery} made={added} />}
    </>
  );
}

const removeFactor = ({ id }) => gatehouse.request(operations.removeFactor, { id });

const removePasskey = async (passkey) => {
  await removeFactor(passkey);
  await forgetPasskey(passkey.credentialId);
};

// App is the authenticator app.
function App({ app, added, remove }) {
  const [started, setStarted] = useState();
  const start = async () => setStarted((await gatehouse.request(operations.startTotp)).startTotp);
  const submit = async (typed) => {
    const { confirmTotp } = await gatehouse.request(operations.confirmTotp, typed);
    setStarted(undefined);
    await added(confirmTotp.recoveryCodes);
    if (!confirmTotp.recoveryCodes) announce(t('done.totp'));
  };
  return (
    <section class="card" aria-labelledby="totp">
      <h2 id="totp">{t('totp.title')}</h2>
      <p>{t('totp.why')}</p>
      {app && (
        <ul class="entries">
          <Entry title={t('totp.app')} about={<Times {...app} />}
            actions={<Action danger run={() => remove(app, removeFactor)}>{t('factor.remove')}</Action>} />
        </ul>
      )}
      {started
        ? <SetUp {...started} submit={submit} cancel={() => setStarted(undefined)} />
        : <Action run={start}>{t(app ? 'totp.replace' : 'totp.start')}</Action>}
    </section>
  );
}

const code = {
  name: 'code', label: t('field.code'), hint: t('hint.code'), inputMode: 'numeric', autocomplete: 'one-time-code',
  maxLength: 12, required: true,
};

function SetUp({ secret, uri, qrCode, submit, cancel }) {
  const grouped = secret.match(/.{1,4}/g).join(' ');
  const wrong = { INVALID_CREDENTIALS: t('problems.wrong.code'), 'INVALID_CREDENTIALS.field': 'code' };
  return (
    <div class="part setup">
      <img class="qr" src={`data:image/svg+xml,${encodeURIComponent(qrCode)}`} alt={t('totp.qr')}
        width="200" height="200" />
      <div>
        <p>{t('totp.scan')}</p>
        <p><code class="secret" translate={false}>{grouped}</code></p>
        <p><a href={uri}>{t('totp.open')}</a></p>
        <Form label={t('totp.title')} button={t('totp.confirm')} submit={submit} more={wrong}
          fields={[code]}
          after={<button type="button" class="quiet" onClick={cancel}>{t('cancel')}</button>} />
      </div>
    </div>
  );
}

const passkeyName = { name: 'name', label: t('passkey.name'), autocomplete: 'off', maxLength: 100 };

function Passkeys({ passkeys, added, remove, reload }) {
  const add = async ({ name }) => {
    const { recoveryCodes } = await makePasskey(name);
    await added(recoveryCodes);
    return t('passkey.added');
  };
  return (
    <section class="card" aria-labelledby="passkeys">
      <h2 id="passkeys">{t('passkey.title')}</h2>
      <p>{t('passkey.why')}</p>
      {passkeys.length > 0 && (
        <ul class="entries">
          {passkeys.map((passkey) => <Passkey key={passkey.id} passkey={passkey} remove={remove} reload={reload} />)}
        </ul>
      )}
      {passkeysWork
        ? <Form label={t('passkey.add')} button={t('passkey.add')} submit={add} quiet
            fields={[{ ...passkeyName, hint: t('passkey.nameHint') }]} />
        : <p>{t('passkey.none')}</p>}
    </section>
  );
}

function Passkey({ passkey, remove, reload }) {
  const [renaming, setRenaming] = useState(false);
  const rename = async ({ name }) => {
    await gatehouse.request(operations.renameFactor, { id: passkey.id, name: name || null });
    setRenaming(false);
    await reload();
    announce(t('done.renamed'));
  };
  const title = passkey.name ?? t('passkey.unnamed');
  return (
    <Entry title={title} badge={passkey.backedUp && t('passkey.backedUp')} about={<Times {...passkey} />}
      actions={(
        <>
          <button type="button" class="quiet" aria-expanded={renaming} onClick={() => setRenaming(!renaming)}>
            {t('passkey.rename')}
          </button>
          <Action danger run={() => remove(passkey, removePasskey)}>{t('factor.remove')}</Action>
        </>
      )}>
      {renaming && (
        <Form label={t('passkey.rename')} button={t('save')} submit={rename}
          fields={[{ ...passkeyName, value: passkey.name ?? '' }]} />
      )}
    </Entry>
  );
}

function Recovery({ recovery, made }) {
  const make = async () => {
    if (!await confirm(t('recovery.title'), t('recovery.replaceWhy'), t('recovery.replace'))) return;
    await made((await gatehouse.request(operations.regenerateRecoveryCodes)).regenerateRecoveryCodes.recoveryCodes);
  };
  return (
    <section class="card" aria-labelledby="recovery">
      <h2 id="recovery">{t('recovery.title')}</h2>
      <p>{t('recovery.why')}</p>
      <p>{t('recovery.remaining', { n: recovery.remaining })}</p>
      <Action run={make}>{t('recovery.replace')}</Action>
    </section>
  );
}

// Codes are shown this once. On paper they are all that the page has.
export function Codes({ codes, close }) {
  const heading = useRef();
  useEffect(() => heading.current.focus(), []);
  return (
    <section class="card once" aria-labelledby="codes">
      <h2 id="codes" ref={heading} tabIndex={-1}>{t('recovery.new')}</h2>
      <p>{t('recovery.keep', { app: settings.app })}</p>
      <ul class="codes" translate={false}>{codes.map((code) => <li key={code}><code>{code}</code></li>)}</ul>
      <Secret text={codes.join('\n')}>
        <button type="button" onClick={() => print()}>{t('recovery.print')}</button>
        <button type="button" class="quiet" onClick={close}>{t('recovery.kept')}</button>
      </Secret>
    </section>
  );
}
