import { Unanswered } from '../../common/form.jsx';
import { useAnswer } from '../../common/session.js';
import { day, number, t } from '../../common/words.js';
import { answers, linkTo, orders, roles, statuses, usersVariables } from './filters.js';
import { Filters, Found, Pages } from './list.jsx';
import * as operations from './operations.js';

const fields = () => [
  { name: 'search', label: t('users.search'), maxLength: 254 },
  { name: 'status', label: t('users.status'), options: statuses.map((value) => [value, t(`status.${value}`)]) },
  { name: 'role', label: t('users.role'), options: roles.map((value) => [value, t(`role.${value}`)]) },
  { name: 'confirmed', label: t('users.confirmed'), options: answers.map((value) => [value, t(`answer.${value}`)]) },
  { name: 'since', label: t('list.since'), type: 'date' },
  { name: 'until', label: t('list.until'), type: 'date' },
  {
    name: 'order', label: t('users.order'), without: true,
    options: Object.keys(orders).map((value) => [value, t(`order.${value}`)]),
  },
];

// Badges are what sets a user apart from most.
export function Badges({ user: { status, roles: held, emailVerified } }) {
  return (
    <span class="badges">
      {held.includes('ADMIN') && <span class="badge good">{t('role.ADMIN')}</span>}
      {status !== 'ACTIVE' && <span class="badge bad">{t(`status.${status}`)}</span>}
      {!emailVerified && <span class="badge">{t('users.unconfirmed')}</span>}
    </span>
  );
}

const count = ({ totalCount: n, totalCountIsExact: exact }) => t(
  exact ? 'users.count' : 'users.more', { n: number(n) },
);

export function Users({ params }) {
  const [answer, reload, error] = useAnswer(operations.users, usersVariables(params));
  const found = answer?.users;
  return (
    <>
      <Filters view="users" fields={fields()} params={params} />
      {error && <Unanswered error={error} again={reload} />}
      <Found of={found}>{found ? count(found) : !error && t('loading')}</Found>
      {found && (
        <>
          <ul class="lines">
            {found.edges.map(({ node }) => (
              <li key={node.id}>
                <a href={linkTo('user', { id: node.id })} translate={false}><bdi>{node.email}</bdi></a>
                <span class="name" translate={false}>{node.name && <bdi>{node.name}</bdi>}</span>
                <Badges user={node} />
                <time class="about" dateTime={node.createdAt}>{day(node.createdAt)}</time>
              </li>
            ))}
          </ul>
          <Pages view="users" params={params} info={found.pageInfo} />
        </>
      )}
    </>
  );
}
