import { Form } from '../../common/form.jsx';
import { gatehouse } from '../../common/session.js';
import { t } from '../../common/words.js';
import { roles } from './filters.js';
import * as operations from './operations.js';

// Invite has somebody make an account.
export function Invite() {
  const submit = async ({ email, role, locale }) => {
    const variables = { email, roles: role === 'USER' ? ['USER'] : ['USER', role], locale: locale || null };
    await gatehouse.request(operations.inviteUser, variables);
    return t('invite.mailed', { email });
  };
  return (
    <section class="card" aria-label={t('invite.title')}>
      <p>{t('invite.why')}</p>
      <Form label={t('invite.title')} button={t('invite.button')} submit={submit}
        more={{ 'EMAIL_TAKEN.field': 'email' }}
        fields={[{
          name: 'email', type: 'email', inputMode: 'email', autocomplete: 'off', autocapitalize: 'none',
          spellcheck: false, label: t('field.email'), maxLength: 254, required: true,
        }]}>
        <p class="field">
          <label for="role">{t('users.role')}</label>
          <select id="role" name="role">
            {roles.map((role) => <option key={role} value={role}>{t(`role.${role}`)}</option>)}
          </select>
        </p>
        <p class="field">
          <label for="locale">{t('invite.language')}</label>
          <select id="locale" name="locale">
            <option value="">{t('invite.mine')}</option>
            {Object.entries({ en: 'English', de: 'Deutsch', fr: 'Français', es: 'Español' }).map(([tag, name]) => (
              <option key={tag} value={tag} lang={tag}>{name}</option>
            ))}
          </select>
        </p>
      </Form>
    </section>
  );
}
