import { useEffect, useState } from 'preact/hooks';
import { Moment } from './entries.jsx';
import { Action, faultsOf, Said } from './form.jsx';
import * as operations from './operations.js';
import { gatehouse } from './session.js';
import { device, has, t } from './words.js';

// kindOf names what happened. Newer servers have kinds that this page does not know.
const kindOf = (kind) => (has(`activity.kinds.${kind}`) ? t(`activity.kinds.${kind}`) : kind.replaceAll('_', ' '));

// Activity is what happened to the account, newest first.
export function Activity() {
  const [events, setEvents] = useState([]);
  const [page, setPage] = useState();
  const [error, setError] = useState();
  const load = async () => {
    const { activity } = (await gatehouse.request(operations.activity, { after: page?.endCursor ?? null })).me;
    setEvents((before) => [...before, ...activity.edges.map(({ node }) => node)]);
    setPage(activity.pageInfo);
  };
  useEffect(() => { load().catch(setError); }, []);
  return (
    <section class="card" aria-label={t('activity.title')}>
      <p>{t('activity.why')}</p>
      {error && <Said fault text={faultsOf(error)['']} />}
      <ul class="entries events">
        {events.map(({ id, kind, actor, occurredAt, ip, userAgent }) => (
          <li key={id}>
            <p class="row">
              <strong>{kindOf(kind)}</strong>
              {has(`activity.by.${actor}`) && <span class="badge">{t(`activity.by.${actor}`)}</span>}
            </p>
            <p class="about">
              <Moment at={occurredAt} />
              {ip && <> · <span translate={false}>{ip}</span></>}
              {userAgent && <> · {device(userAgent)}</>}
            </p>
          </li>
        ))}
      </ul>
      {page?.hasNextPage && <Action run={load}>{t('activity.more')}</Action>}
      {page && !page.hasNextPage && <p class="about">{t('activity.end')}</p>}
    </section>
  );
}
