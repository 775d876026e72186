import { Event } from '../../common/events.jsx';
import { Action, Unanswered } from '../../common/form.jsx';
import { gatehouse, useAnswer } from '../../common/session.js';
import { namesIn, number, t } from '../../common/words.js';
import { collect, csv, json, save } from './files.js';
import { auditVariables, linkTo } from './filters.js';
import { Filters, Found, Pages } from './list.jsx';
import * as operations from './operations.js';

const fields = () => [
  {
    name: 'kind', label: t('audit.kind'),
    options: namesIn('activity.kinds').map((kind) => [kind, t(`activity.kinds.${kind}`)]),
  },
  { name: 'userId', label: t('audit.userId') },
  { name: 'actorId', label: t('audit.actorId') },
  { name: 'since', label: t('list.since'), type: 'date' },
  { name: 'until', label: t('list.until'), type: 'date' },
];

const toUser = (id) => <a href={linkTo('user', { id })} translate={false}>{id}</a>;

function Details({ event, of }) {
  const details = [
    ['user', event.userId && event.userId !== of && toUser(event.userId)],
    ['actorBy', event.actorId && event.actorId !== event.userId && toUser(event.actorId)],
    ['operator', event.operator],
    ['before', event.before],
    ['after', event.after],
    ['detail', event.detail],
    ['omitted', event.omitted > 0 && number(event.omitted)],
    ['requestId', event.requestId && <code>{event.requestId}</code>],
  ].filter(([, value]) => value);
  return (
    <p class="about details">
      {details.map(([name, value]) => (
        <span key={name}>{t(`audit.${name}`)}: <bdi translate={false}>{value}</bdi></span>
      ))}
    </p>
  );
}

// Events are entries of the audit log; those of one user do not name them.
export function Events({ events, of }) {
  return (
    <ul class="entries events">
      {events.map(({ node }) => <Event key={node.id} event={node}><Details event={node} of={of} /></Event>)}
    </ul>
  );
}

const count = (n) => t(n ? 'audit.shown' : 'audit.none', { n });

export function Audit({ params }) {
  const variables = auditVariables(params);
  const [answer, reload, error] = useAnswer(operations.audit, variables);
  const found = answer?.auditLog;
  const keep = (name, type, write) => async () => {
    const { events, complete } = await collect(async (after) => (
      await gatehouse.request(operations.audit, { first: 100, after, filter: variables.filter })
    ).auditLog);
    save(`audit-log.${name}`, type, write(events));
    return t(complete ? 'audit.saved' : 'audit.newest', { n: number(events.length) });
  };
  return (
    <>
      <Filters view="audit" fields={fields()} params={params} />
      {error && <Unanswered error={error} again={reload} />}
      <Found of={found}>{found ? count(found.edges.length) : !error && t('loading')}</Found>
      {found?.edges.length > 0 && (
        <section class="card" aria-label={t('audit.title')}>
          <Events events={found.edges} />
          <Pages view="audit" params={params} info={found.pageInfo} />
          <div class="changes">
            <div><Action run={keep('csv', 'text/csv', csv)}>{t('audit.csv')}</Action></div>
            <div><Action run={keep('json', 'application/json', json)}>{t('audit.json')}</Action></div>
          </div>
        </section>
      )}
    </>
  );
}
