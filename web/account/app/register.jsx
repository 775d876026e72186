import { useState } from 'preact/hooks';
import { Form } from '../../common/form.jsx';
import { gatehouse } from '../../common/session.js';
import { Card } from '../../common/shell.jsx';
import { address, password } from '../../common/signin.jsx';
import { t } from '../../common/words.js';
import * as operations from './operations.js';

// Register makes an account; where addresses are confirmed first, a mail does.
export function Register({ done }) {
  const [mailed, setMailed] = useState();
  const submit = async ({ email, password: chosen, name }) => {
    try {
      await gatehouse.request(operations.register, { email, password: chosen, name: name || null });
    } catch (error) {
      if (error.errors?.[0].code !== 'VERIFICATION_REQUIRED') throw error;
      setMailed(email);
      return;
    }
    done();
  };
  if (mailed) {
    return (
      <Card title={t('register.mailed')}>
        <p>{t('register.mailedTo', { email: mailed })}</p>
        <p class="links"><a href="#">{t('register.signIn')}</a></p>
      </Card>
    );
  }
  return (
    <Card title={t('register.title')}>
      <Form label={t('register.title')} button={t('register.button')} submit={submit}
        more={{ 'EMAIL_TAKEN.field': 'email' }}
        fields={[
          { ...address, autocomplete: 'username' },
          { ...password, autocomplete: 'new-password', hint: t('hint.password') },
          { name: 'name', label: t('field.nameOptional'), autocomplete: 'name', maxLength: 100 },
        ]} />
      <p class="links"><a href="#">{t('register.signIn')}</a></p>
    </Card>
  );
}
