import { confirm } from '../../common/dialog.jsx';
import { Entry, Moment } from '../../common/entries.jsx';
import { Action, announce, Unanswered } from '../../common/form.jsx';
import { gatehouse, useAnswer } from '../../common/session.js';
import { device, t } from '../../common/words.js';
import * as operations from './operations.js';

function About({ ip, createdAt, lastUsedAt }) {
  return (
    <>
      {ip && <><span translate={false}>{ip}</span> · </>}
      {t('sessions.began')} <Moment at={createdAt} /> · {t('used')} <Moment at={lastUsedAt} />
    </>
  );
}

// Sessions is where the user is signed in.
export function Sessions() {
  const [answer, reload, error] = useAnswer(operations.sessions);
  if (error) return <Unanswered error={error} again={reload} />;
  if (!answer) return undefined;
  const all = [...answer.me.sessions].sort((a, b) => b.current - a.current);
  const end = (id) => async () => {
    await gatehouse.request(operations.revokeSession, { id }).catch((error_) => {
      if (error_.errors?.[0].code !== 'NOT_FOUND') throw error_; // it has ended meanwhile
    });
    await reload();
    announce(t('done.sessionEnded'));
  };
  const endOthers = async () => {
    if (!await confirm(t('sessions.endOthers'), t('sessions.endOthersWhy'), t('sessions.endOthers'))) return undefined;
    await gatehouse.request(operations.revokeOtherSessions);
    await reload();
    return t('sessions.othersEnded');
  };
  return (
    <section class="card" aria-label={t('sessions.title')}>
      <p>{t('sessions.why')}</p>
      <ul class="entries">
        {all.map((session) => (
          <Entry key={session.id} title={device(session.userAgent)} badge={session.current && t('sessions.current')}
            about={<About {...session} />}
            actions={!session.current && (
              <Action run={end(session.id)}
                aria-label={`${t('sessions.end')}: ${device(session.userAgent)}, ${session.ip}`}>
                {t('sessions.end')}
              </Action>
            )} />
        ))}
      </ul>
      <Action danger run={endOthers}>{t('sessions.endOthers')}</Action>
    </section>
  );
}
