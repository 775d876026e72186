import { useState } from 'preact/hooks';
import { confirm } from '../../common/dialog.jsx';
import { Moment } from '../../common/entries.jsx';
import { Action, announce, Said, Unanswered } from '../../common/form.jsx';
import { gatehouse, useAnswer } from '../../common/session.js';
import { settings, t } from '../../common/words.js';
import { Events } from './audit.jsx';
import { linkTo } from './filters.js';
import * as operations from './operations.js';
import { Badges } from './users.jsx';

// User is one account: what is known of it, what an administrator can do with it, and what happened to it.
export function User({ params, may, me }) {
  const [answer, reload, error] = useAnswer(operations.user, { id: params.get('id') ?? '' });
  const [turn, setTurn] = useState(0);
  const user = answer?.user;
  const again = async () => {
    await reload();
    setTurn((n) => n + 1);
  };
  if (error) return <Unanswered error={error} again={reload} />;
  if (!answer) return <p>{t('loading')}</p>;
  if (!user) return <Said fault text={t('problems.NOT_FOUND')} />;
  return (
    <>
      <section class="card" aria-labelledby="user">
        <p class="row"><Badges user={user} />{user.id === me.id && <span class="badge">{t('user.you')}</span>}</p>
        <h2 id="user" translate={false}><bdi>{user.email}</bdi></h2>
        <Facts user={user} />
        <p class="about">{t('user.own')}</p>
      </section>
      <Changes user={user} may={may} reload={again} />
      {may('Query.auditLog') && <Happened key={turn} id={user.id} />}
    </>
  );
}

function Facts({ user }) {
  const facts = [
    ['name', user.name && <bdi>{user.name}</bdi>],
    ['pendingEmail', user.pendingEmail && <bdi>{user.pendingEmail}</bdi>],
    ['roles', user.roles.map((role) => t(`role.${role}`)).join(', ')],
    ['locale', user.locale],
    ['createdAt', <Moment at={user.createdAt} />],
    ['updatedAt', <Moment at={user.updatedAt} />],
    ['id', <code>{user.id}</code>],
  ];
  return (
    <dl class="facts">
      {facts.filter(([, value]) => value).map(([name, value]) => (
        <div key={name}><dt>{t(`user.${name}`)}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  );
}

const deletes = () => (settings.graceDays ? t('change.grace', { n: settings.graceDays }) : t('change.atOnce'));

// run gives the role of an administrator. Where the server does not know whose the account is, the caller vouches.
async function makeAdministrator({ id, email }) {
  const variables = { id, roles: ['USER', 'ADMIN'] };
  try {
    await gatehouse.request(operations.setRoles, variables);
  } catch (error) {
    if (!error.errors?.some(({ field }) => field === 'allowUnverifiedEmail')) throw error;
    if (!await confirm(t('vouch.title', { email }), t('vouch.why'), t('vouch.button'))) return false;
    await gatehouse.request(operations.setRoles, { ...variables, allowUnverifiedEmail: true });
  }
  return true;
}

const send = (operation) => ({ id }) => gatehouse.request(operation, { id });
const active = ({ status }) => status === 'ACTIVE';
const administers = ({ roles }) => roles.includes('ADMIN');

// changes are what an administrator can do, each by a field of the schema, to the users to whom it makes a difference.
const changes = [
  { name: 'reset', field: 'sendPasswordReset', fits: active, run: send(operations.sendPasswordReset) },
  { name: 'end', field: 'endSessions', fits: active, run: send(operations.endSessions) },
  { name: 'give', field: 'setRoles', fits: (user) => active(user) && !administers(user), run: makeAdministrator },
  {
    name: 'take', field: 'setRoles', fits: administers, danger: true,
    run: ({ id }) => gatehouse.request(operations.setRoles, { id, roles: ['USER'] }),
  },
  { name: 'suspend', field: 'suspendUser', fits: active, danger: true, run: send(operations.suspendUser) },
  {
    name: 'reinstate', field: 'reinstateUser', fits: (user) => !active(user), run: send(operations.reinstateUser),
  },
  {
    name: 'delete', field: 'deleteUser', fits: ({ status }) => status !== 'DELETED', danger: true, says: deletes,
    run: send(operations.deleteUser),
  },
];

function Changes({ user, may, reload }) {
  const act = ({ name, run, says }) => async () => {
    const why = says ? says() : t(`change.${name}.why`);
    if (!await confirm(t(`change.${name}.title`, { email: user.email }), why, t(`change.${name}.button`))) return;
    if (await run(user) === false) return;
    await reload();
    announce(t(`change.${name}.done`));
  };
  const offered = changes.filter(({ field, fits }) => may(`Mutation.${field}`) && fits(user));
  if (offered.length === 0) return undefined;
  return (
    <section class="card" aria-labelledby="changes">
      <h2 id="changes">{t('change.title')}</h2>
      <div class="changes">
        {offered.map((change) => (
          <div key={change.name}>
            <Action danger={change.danger} run={act(change)}>{t(`change.${change.name}.button`)}</Action>
          </div>
        ))}
      </div>
    </section>
  );
}

// Happened is the newest of what happened to the account.
function Happened({ id }) {
  const [answer, reload, error] = useAnswer(operations.audit, { first: 20, filter: { userId: id } });
  return (
    <section class="card" aria-labelledby="happened">
      <h2 id="happened">{t('activity.title')}</h2>
      {error && <Unanswered error={error} again={reload} />}
      {answer && <Events events={answer.auditLog.edges} of={id} />}
      <p><a href={linkTo('audit', { userId: id })}>{t('user.events')}</a></p>
    </section>
  );
}
