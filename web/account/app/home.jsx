import { Title } from './app.jsx';
import { Activity } from './activity.jsx';
import { Data } from './data.jsx';
import { Action, Announcement, faultsOf, Said } from './form.jsx';
import { Profile } from './profile.jsx';
import { Security } from './security.jsx';
import { gatehouse, useAnswer } from './session.js';
import { Sessions } from './sessions.jsx';
import { Tokens } from './tokens.jsx';
import * as operations from './operations.js';
import { settings, t } from './words.js';

const sections = {
  profile: Profile, security: Security, sessions: Sessions, tokens: Tokens, activity: Activity, data: Data,
};

// Home is the page of who is signed in.
export function Home({ section }) {
  const [answer, reload, error] = useAnswer(operations.me);
  const chosen = Object.hasOwn(sections, section) ? section : 'profile';
  const Section = sections[chosen];
  const me = answer?.me;
  return (
    <div class="home">
      <header>
        <p class="app" translate={false} dir="auto">{settings.app}</p>
        <p class="who">
          <bdi translate={false}>{me?.name ?? me?.email}</bdi>
          <Action run={() => gatehouse.signOut()}>{t('home.signOut')}</Action>
        </p>
      </header>
      <nav aria-label={t('home.nav')}>
        {Object.keys(sections).map((name) => (
          <a key={name} href={`#${name}`} aria-current={name === chosen ? 'page' : undefined}>{t(`${name}.title`)}</a>
        ))}
      </nav>
      <main>
        <Title>{t(`${chosen}.title`)}</Title>
        <Announcement key={`said-${chosen}`} />
        {error && <Said fault text={faultsOf(error)['']} />}
        {me && <Section key={chosen} me={me} reload={reload} />}
      </main>
    </div>
  );
}
