import { useEffect, useRef, useState } from 'preact/hooks';
import { Action, Announcement, faultsOf, Said, Unanswered } from './form.jsx';
import { gatehouse, useSession } from './session.js';
import { settings, t } from './words.js';

export function useHash() {
  const [hash, setHash] = useState(location.hash.slice(1));
  useEffect(() => {
    const read = () => setHash(location.hash.slice(1));
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  return hash;
}

// useStart begins with the session that the browser has. Found says that there was one.
export function useStart() {
  const { state, userId } = useSession();
  const [error, setError] = useState();
  const [found, setFound] = useState(false);
  const start = () => {
    setError(undefined);
    gatehouse.start().then(() => setFound(gatehouse.session.state === 'signed-in'), setError);
  };
  useEffect(start, []);
  useEffect(() => {
    if (state === 'signed-out') setFound(false);
  }, [state]);
  return { state, userId, found, setFound, error, start };
}

// Title is the heading of a view. The keyboard's focus goes to it when the view takes the place of another.
let views = 0;
export function Title({ children, level: Level = 'h1' }) {
  const element = useRef();
  useEffect(() => {
    document.title = `${children} · ${settings.app}`;
    views += 1;
    if (views > 1) element.current.focus();
  }, [children]);
  return <Level ref={element} tabIndex={-1}>{children}</Level>;
}

// Card is a page of one thing, as those are that links of mails lead to.
export function Card({ title, children }) {
  return (
    <main>
      <p class="app" translate={false} dir="auto">{settings.app}</p>
      <Title>{title}</Title>
      {children}
    </main>
  );
}

export const Loading = () => (
  <main aria-busy="true"><p class="app">{settings.app}</p><p>{t('loading')}</p></main>
);

export function Unreachable({ error, again }) {
  return (
    <Card title={t('unreachable')}>
      <Said fault text={faultsOf(error)['']} />
      <p class="buttons"><button type="button" onClick={again}>{t('again')}</button></p>
    </Card>
  );
}

// Home is the page of who is signed in: one section, and links to the others. Title is that of the section when it is
// not its own.
export function Home({ sections, section, me, title, error, again, children }) {
  return (
    <div class="home">
      <header>
        <p class="app" translate={false} dir="auto">{settings.app}</p>
        <p class="who">
          <bdi translate={false}>{me?.name ?? me?.email}</bdi>
          <Action run={() => gatehouse.signOut()}>{t('home.signOut')}</Action>
        </p>
      </header>
      <nav aria-label={t('nav')}>
        {sections.map((name) => (
          <a key={name} href={`#${name}`} aria-current={name === section ? 'page' : undefined}>{t(`${name}.title`)}</a>
        ))}
      </nav>
      <main>
        <Title>{title ?? t(`${section}.title`)}</Title>
        <Announcement key={`said-${section}`} />
        {error && <Unanswered error={error} again={again} />}
        {children}
      </main>
    </div>
  );
}
