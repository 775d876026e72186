import { Moment } from './entries.jsx';
import { device, has, t } from './words.js';

// kindOf names what happened. Newer servers have kinds that this page does not know.
const kindOf = (kind) => (has(`activity.kinds.${kind}`) ? t(`activity.kinds.${kind}`) : kind.replaceAll('_', ' '));

// Event is one thing that happened.
export function Event({ event: { kind, actor, occurredAt, ip, userAgent }, children }) {
  return (
    <li>
      <p class="row">
        <strong>{kindOf(kind)}</strong>
        {has(`activity.by.${actor}`) && <span class="badge">{t(`activity.by.${actor}`)}</span>}
      </p>
      <p class="about">
        <Moment at={occurredAt} />
        {ip && <> · <span translate={false}>{ip}</span></>}
        {userAgent && <> · {device(userAgent)}</>}
      </p>
      {children}
    </li>
  );
}
