import { useEffect, useState } from 'preact/hooks';
import { Event } from '../../common/events.jsx';
import { Action, Unanswered } from '../../common/form.jsx';
import { gatehouse } from '../../common/session.js';
import { t } from '../../common/words.js';
import * as operations from './operations.js';

// Activity is what happened to the account, newest first.
export function Activity() {
  const [events, setEvents] = useState([]);
  const [page, setPage] = useState();
  const [error, setError] = useState();
  const load = async () => {
    const { activity } = (await gatehouse.request(operations.activity, { after: page?.endCursor ?? null })).me;
    setEvents((before) => [...before, ...activity.edges.map(({ node }) => node)]);
    setPage(activity.pageInfo);
    setError(undefined);
  };
  useEffect(() => { load().catch(setError); }, []);
  return (
    <section class="card" aria-label={t('activity.title')}>
      <p>{t('activity.why')}</p>
      {error && <Unanswered error={error} again={() => load().catch(setError)} />}
      <ul class="entries events">
        {events.map((event) => <Event key={event.id} event={event} />)}
      </ul>
      {page?.hasNextPage && <Action run={load}>{t('activity.more')}</Action>}
      {page && !page.hasNextPage && <p class="about">{t('activity.end')}</p>}
    </section>
  );
}
