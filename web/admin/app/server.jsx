import { useEffect, useState } from 'preact/hooks';
import { root } from '../../common/session.js';
import { settings, t } from '../../common/words.js';

// Server is whether this server can answer, as GET /readyz says it to everyone, and the other pages that it has.
export function Server() {
  const [ready, setReady] = useState();
  useEffect(() => {
    fetch(new URL('readyz', root)).then(({ ok }) => setReady(ok), () => setReady(false));
  }, []);
  return (
    <>
      <section class="card" aria-labelledby="health">
        <h2 id="health">{t('server.health')}</h2>
        <p class={ready === false ? 'said fault' : 'said'} role="status">
          {ready === undefined ? t('loading') : t(ready ? 'server.ready' : 'server.notReady')}
        </p>
        <p class="about">{t('server.metrics')}</p>
      </section>
      <section class="card" aria-labelledby="pages">
        <h2 id="pages">{t('server.pages')}</h2>
        <ul class="plain">
          {settings.pages?.includes('access') && (
            <li><a href={new URL('access', root).href}>{t('server.access')}</a></li>
          )}
          <li><a href={new URL('account', root).href}>{t('server.account')}</a></li>
        </ul>
      </section>
    </>
  );
}
