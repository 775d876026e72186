import { useEffect, useRef, useState } from 'preact/hooks';
import { Dialog } from './dialog.jsx';
import { faultsOf, Said } from './form.jsx';
import { Home } from './home.jsx';
import { gatehouse, useSession } from './session.js';
import { Register, SignIn } from './signin.jsx';
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

function Unreachable({ error, again }) {
  return (
    <Card title={t('unreachable')}>
      <Said fault text={faultsOf(error)['']} />
      <p class="buttons"><button type="button" onClick={again}>{t('again')}</button></p>
    </Card>
  );
}

// Onward is for a reader whom another page has sent, and who is signed in already.
function Onward({ stay }) {
  return (
    <Card title={t('onward.title')}>
      <p>{t('onward.why', { host: new URL(settings.redirect).host })}</p>
      <p class="buttons">
        <a class="button" href={settings.redirect}>{t('onward.button')}</a>
        <button type="button" class="quiet" onClick={stay}>{t('onward.stay')}</button>
      </p>
    </Card>
  );
}

export function App() {
  const { state, userId } = useSession();
  const hash = useHash();
  const [error, setError] = useState();
  const [found, setFound] = useState(false); // a session, when the page was opened
  const start = () => {
    setError(undefined);
    gatehouse.start().then(() => setFound(gatehouse.session.state === 'signed-in'), setError);
  };
  useEffect(start, []);
  useEffect(() => {
    if (state === 'signed-out') setFound(false);
  }, [state]);

  const signedIn = () => {
    if (settings.redirect) location.assign(settings.redirect);
    else if (hash === 'register') location.hash = '';
  };
  let view = <main aria-busy="true"><p class="app">{settings.app}</p><p>{t('loading')}</p></main>;
  if (error) view = <Unreachable error={error} again={start} />;
  else if (state === 'signed-in') {
    view = found && settings.redirect ? <Onward stay={() => setFound(false)} /> : <Home key={userId} section={hash} />;
  } else if (state === 'signed-out') {
    const registers = hash === 'register' && settings.registration !== 'closed';
    view = registers ? <Register done={signedIn} /> : <SignIn done={signedIn} />;
  }
  return <>{view}<Dialog userId={userId} /></>;
}
