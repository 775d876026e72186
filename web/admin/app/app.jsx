import { Dialog } from '../../common/dialog.jsx';
import { Action } from '../../common/form.jsx';
import { gatehouse, root, useAnswer } from '../../common/session.js';
import { Card, Home, Loading, Unreachable, useHash, useStart } from '../../common/shell.jsx';
import { SignIn } from '../../common/signin.jsx';
import { t } from '../../common/words.js';
import { Audit } from './audit.jsx';
import { Invite } from './invite.jsx';
import * as operations from './operations.js';
import { Server } from './server.jsx';
import { User } from './user.jsx';
import { Users } from './users.jsx';

// Each section is for those who may use a field of the schema.
const sections = {
  users: { Section: Users, opens: 'Query.users' },
  invite: { Section: Invite, opens: 'Mutation.inviteUser' },
  audit: { Section: Audit, opens: 'Query.auditLog' },
  server: { Section: Server, opens: 'Query.users' },
};
const ofUser = { Section: User, opens: 'Query.user', within: 'users' };

const coordinates = [
  'Query.users', 'Query.user', 'Query.auditLog',
  'Mutation.inviteUser', 'Mutation.setRoles', 'Mutation.suspendUser', 'Mutation.reinstateUser', 'Mutation.endSessions',
  'Mutation.deleteUser', 'Mutation.sendPasswordReset',
];
const asked = { coordinates };

// Administration is the page of who is signed in, as far as the server allows it to them.
function Administration({ hash }) {
  const [answer, reload, error] = useAnswer(operations.permitted, asked);
  if (error && !answer) return <Unreachable error={error} again={reload} />;
  if (!answer) return <Loading />;
  const open = answer.permissions
    .filter(({ allowed, code }) => allowed || code === 'REAUTHENTICATION_REQUIRED') // which the page asks for then
    .map(({ coordinate }) => coordinate);
  const may = (coordinate) => open.includes(coordinate);
  const names = Object.keys(sections).filter((name) => may(sections[name].opens));
  if (names.length === 0) return <Refused email={answer.me.email} />;
  const [view, query] = hash.split('?');
  const inUser = view === 'user' && may(ofUser.opens);
  const chosen = names.includes(view) ? view : names[0];
  const { Section } = inUser ? ofUser : sections[chosen];
  return (
    <Home sections={names} section={inUser ? ofUser.within : chosen} me={answer.me}
      title={inUser ? t('user.title') : undefined}>
      <Section key={inUser ? hash : chosen} params={new URLSearchParams(query)} may={may} me={answer.me} />
    </Home>
  );
}

function Refused({ email }) {
  return (
    <Card title={t('refused.title')}>
      <p>{t('refused.why', { email })}</p>
      <div class="buttons">
        <a class="button" href={new URL('account', root).href}>{t('refused.account')}</a>
        <Action run={() => gatehouse.signOut()}>{t('home.signOut')}</Action>
      </div>
    </Card>
  );
}

export function App() {
  const { state, userId, error, start } = useStart();
  const hash = useHash();
  let view = <Loading />;
  if (error) view = <Unreachable error={error} again={start} />;
  else if (state === 'signed-in') view = <Administration key={userId} hash={hash} />;
  else if (state === 'signed-out') view = <SignIn done={() => {}} />;
  return <>{view}<Dialog userId={userId} /></>;
}
