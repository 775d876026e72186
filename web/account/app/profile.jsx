import { useState } from 'preact/hooks';
import { Action, announce, Form } from '../../common/form.jsx';
import { gatehouse } from '../../common/session.js';
import { t } from '../../common/words.js';
import * as operations from './operations.js';

const languages = { en: 'English', de: 'Deutsch', fr: 'Français', es: 'Español' };

const code = {
  name: 'code', label: t('field.mailCode'), hint: t('hint.mailCode'), inputMode: 'numeric',
  autocomplete: 'one-time-code', maxLength: 20, required: true,
};
const wrongCode = { INVALID_CREDENTIALS: t('problems.wrong.mailCode'), 'INVALID_CREDENTIALS.field': 'code' };

// Profile is what users say of themselves, and their address.
export function Profile({ me, reload }) {
  const save = async ({ name, locale }) => {
    await gatehouse.request(operations.updateProfile, { name: name || null, locale: locale || null });
    await reload();
    return t('profile.saved');
  };
  const known = { '': t('profile.browserLanguage'), ...languages };
  if (me.locale && !known[me.locale]) known[me.locale] = me.locale;
  return (
    <>
      <section class="card" aria-labelledby="about">
        <h2 id="about">{t('profile.about')}</h2>
        <Form label={t('profile.about')} button={t('save')} submit={save} keep
          fields={[{
            name: 'name', label: t('field.name'), hint: t('hint.name'), autocomplete: 'name', maxLength: 100,
            value: me.name ?? '',
          }]}>
          <p class="field">
            <label for="locale">{t('field.language')}</label>
            <select id="locale" name="locale">
              {Object.entries(known).map(([tag, name]) => (
                <option key={tag} value={tag} defaultSelected={tag === (me.locale ?? '')}>{name}</option>
              ))}
            </select>
          </p>
        </Form>
      </section>
      <section class="card" aria-labelledby="address">
        <h2 id="address">{t('address.title')}</h2>
        <p class="row">
          <bdi translate={false}>{me.email}</bdi>
          {me.emailVerified
            ? <span class="badge good">{t('address.confirmed')}</span>
            : <span class="badge">{t('address.unconfirmed')}</span>}
        </p>
        {!me.emailVerified && !me.pendingEmail && <Confirm reload={reload} />}
        {me.pendingEmail ? <Pending me={me} reload={reload} /> : <Change reload={reload} />}
      </section>
    </>
  );
}

// Confirm has a mail sent, whose code shows that the address is the user's.
function Confirm({ reload }) {
  const [asked, setAsked] = useState(false);
  const ask = async () => {
    await gatehouse.request(operations.requestEmailVerification);
    setAsked(true);
    return t('address.mailed');
  };
  const submit = async (typed) => {
    await gatehouse.request(operations.verifyEmail, typed);
    await reload();
    announce(t('done.emailVerified'));
  };
  return (
    <div class="part">
      <p>{t('address.why')}</p>
      <Action run={ask}>{t(asked ? 'address.askAgain' : 'address.ask')}</Action>
      {asked && (
        <Form label={t('address.ask')} fields={[code]} more={wrongCode} button={t('address.confirm')} submit={submit} />
      )}
    </div>
  );
}

function Change({ reload }) {
  const submit = async (typed) => {
    await gatehouse.request(operations.changeEmail, typed);
    await reload();
    announce(t('done.emailPending'));
  };
  return (
    <Form label={t('address.change')} button={t('address.change')} submit={submit} quiet
      more={{ 'EMAIL_TAKEN.field': 'email' }}
      fields={[{
        name: 'email', type: 'email', inputMode: 'email', autocomplete: 'email', autocapitalize: 'none',
        spellcheck: false,
        label: t('address.new'), hint: t('address.newHint'), maxLength: 254, required: true,
      }]} />
  );
}

// Pending is a change that waits for the code of the mail to the new address.
function Pending({ me, reload }) {
  const submit = async (typed) => {
    await gatehouse.request(operations.confirmEmailChange, typed);
    await reload();
    announce(t('done.emailChanged'));
  };
  const cancel = async () => {
    await gatehouse.request(operations.changeEmail, { email: me.email });
    await reload();
    announce(t('done.emailKept'));
  };
  return (
    <div class="part">
      <p>{t('address.pending')} <bdi translate={false}><strong>{me.pendingEmail}</strong></bdi></p>
      <Form label={t('address.pending')} fields={[code]} more={wrongCode} button={t('address.confirm')} submit={submit}
        after={<Action run={cancel}>{t('address.cancel')}</Action>} />
    </div>
  );
}
