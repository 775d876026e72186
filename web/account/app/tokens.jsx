import { useEffect, useRef, useState } from 'preact/hooks';
import { confirm } from '../../common/dialog.jsx';
import { Entry, Secret } from '../../common/entries.jsx';
import { Action, announce, Form, Unanswered } from '../../common/form.jsx';
import { gatehouse, useAnswer } from '../../common/session.js';
import { day, t } from '../../common/words.js';
import * as operations from './operations.js';

const scopes = ['account:read', 'account:write', 'audit:read'];
const ofAdministrators = ['users:read', 'users:write']; // in the order in which the query asks for what they open
const lives = [7, 30, 90, 365]; // days

const expiry = (days) => new Date(Date.now() + days * 86_400_000).toISOString();

const about = ({ scopes: opens, expiresAt, lastUsedAt }) => [
  opens.join(', '), `${t('tokens.expires')} ${day(expiresAt)}`,
  lastUsedAt ? `${t('used')} ${day(lastUsedAt)}` : t('neverUsed'),
].join(' · ');

// Tokens is what programs act for the user with.
export function Tokens() {
  const [answer, reload, error] = useAnswer(operations.accessTokens);
  const [made, setMade] = useState();
  if (error) return <Unanswered error={error} again={reload} />;
  if (!answer) return undefined;
  const create = async ({ name, days }, form) => {
    const chosen = [...form.querySelectorAll('[name=scopes]:checked')].map(({ value }) => value);
    const variables = { name, scopes: chosen, expiresAt: expiry(Number(days)) };
    const { createAccessToken } = await gatehouse.request(operations.createAccessToken, variables);
    form.reset();
    setMade(createAccessToken.token);
    await reload();
  };
  const revoke = ({ id, name }) => async () => {
    if (!await confirm(t('tokens.revokeTitle', { name }), t('tokens.revokeWhy'), t('tokens.revoke'))) return;
    await gatehouse.request(operations.revokeAccessToken, { id });
    await reload();
    announce(t('done.revoked'));
  };
  const { me: { accessTokens }, permissions } = answer;
  const offered = [...scopes, ...ofAdministrators.filter((_, n) => permissions[n].allowed)];
  return (
    <>
      {made && <Made token={made} close={() => setMade(undefined)} />}
      <section class="card" aria-label={t('tokens.title')}>
        <p>{t('tokens.why')}</p>
        {accessTokens.length > 0 && (
          <ul class="entries">
            {accessTokens.map((token) => (
              <Entry key={token.id} title={token.name}
                about={about(token)}
                actions={(
                  <Action danger run={revoke(token)} aria-label={`${t('tokens.revoke')}: ${token.name}`}>
                    {t('tokens.revoke')}
                  </Action>
                )} />
            ))}
          </ul>
        )}
      </section>
      <section class="card" aria-labelledby="newToken">
        <h2 id="newToken">{t('tokens.new')}</h2>
        <Form label={t('tokens.new')} button={t('tokens.create')} submit={create}
          fields={[{
            name: 'name', label: t('tokens.name'), hint: t('tokens.nameHint'), autocomplete: 'off', maxLength: 100,
            required: true,
          }]}>
          <fieldset>
            <legend>{t('tokens.scopes')}</legend>
            {offered.map((scope) => (
              <p class="check" key={scope}>
                <label>
                  <input type="checkbox" name="scopes" value={scope} />
                  <span>{t(`tokens.scope.${scope}`)} <code class="about">{scope}</code></span>
                </label>
              </p>
            ))}
          </fieldset>
          <p class="field">
            <label for="days">{t('tokens.life')}</label>
            <select id="days" name="days">
              {lives.map((n) => (
                <option key={n} value={n} defaultSelected={n === 30}>{t('tokens.days', { n })}</option>
              ))}
            </select>
          </p>
        </Form>
      </section>
    </>
  );
}

function Made({ token, close }) {
  const heading = useRef();
  useEffect(() => heading.current.focus(), [token]);
  return (
    <section class="card once" aria-labelledby="made">
      <h2 id="made" ref={heading} tabIndex={-1}>{t('tokens.made')}</h2>
      <p>{t('tokens.keep')}</p>
      <p><code class="secret" translate={false}>{token}</code></p>
      <Secret text={token}><button type="button" class="quiet" onClick={close}>{t('tokens.kept')}</button></Secret>
    </section>
  );
}
