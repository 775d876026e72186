import { useState } from 'preact/hooks';
import { Said } from './form.jsx';
import { moment, t } from './words.js';

// Entry is one thing of a list, with what can be done with it.
export function Entry({ title, badge, about, actions, children }) {
  return (
    <li>
      <div class="entry">
        <div>
          <p class="row"><strong><bdi>{title}</bdi></strong>{badge && <span class="badge good">{badge}</span>}</p>
          <p class="about">{about}</p>
        </div>
        {actions && <div class="actions">{actions}</div>}
      </div>
      {children}
    </li>
  );
}

export const Moment = ({ at }) => <time dateTime={at}>{moment(at)}</time>;

// Times says when something was made and last used.
export function Times({ createdAt, lastUsedAt }) {
  return (
    <>
      {t('added')} <Moment at={createdAt} />
      {' · '}
      {lastUsedAt ? <>{t('used')} <Moment at={lastUsedAt} /></> : t('neverUsed')}
    </>
  );
}

// Secret has the buttons below what is shown once.
export function Secret({ text, children }) {
  const [said, setSaid] = useState();
  const copy = () => navigator.clipboard.writeText(text)
    .then(() => setSaid(t('copied')), () => setSaid(t('notCopied')));
  return (
    <>
      <p class="buttons">
        {children}
        <button type="button" class="quiet" onClick={copy}>{t('copy')}</button>
      </p>
      {said && <Said text={said} />}
    </>
  );
}
