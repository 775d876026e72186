import { useState } from 'preact/hooks';
import { withPassword } from '../../common/dialog.jsx';
import { Form } from '../../common/form.jsx';
import { gatehouse } from '../../common/session.js';
import { t } from '../../common/words.js';
import { Codes, Factors } from './factors.jsx';
import * as operations from './operations.js';

// Security is what opens the account.
export function Security({ me }) {
  const [codes, setCodes] = useState();
  return (
    <>
      {codes && <Codes codes={codes} close={() => setCodes(undefined)} />}
      <Password me={me} />
      <Factors show={setCodes} />
    </>
  );
}

const password = { type: 'password', maxLength: 128, required: true };

function Password({ me }) {
  const submit = async (typed) => {
    await withPassword(typed.currentPassword, () => gatehouse.request(operations.changePassword, typed));
    return t('password.changed');
  };
  const wrong = t('problems.wrong.password');
  return (
    <section class="card" aria-labelledby="password">
      <h2 id="password">{t('password.title')}</h2>
      <p>{t('password.why')}</p>
      <Form label={t('password.title')} button={t('password.button')} submit={submit} user={me.email}
        more={{
          INVALID_CREDENTIALS: wrong, 'INVALID_CREDENTIALS.field': 'currentPassword',
          REAUTHENTICATION_REQUIRED: wrong, 'REAUTHENTICATION_REQUIRED.field': 'currentPassword',
        }}
        fields={[
          { name: 'currentPassword', label: t('password.current'), autocomplete: 'current-password', ...password },
          {
            name: 'newPassword', label: t('password.new'), hint: t('hint.password'), autocomplete: 'new-password',
            ...password,
          },
        ]} />
    </section>
  );
}
