import { Dialog } from '../../common/dialog.jsx';
import { Card, Loading, Unreachable, useHash, useStart } from '../../common/shell.jsx';
import { SignIn } from '../../common/signin.jsx';
import { settings, t } from '../../common/words.js';
import { Home } from './home.jsx';
import { Register } from './register.jsx';

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
  const { state, userId, found, setFound, error, start } = useStart();
  const hash = useHash();

  const signedIn = () => {
    if (settings.redirect) location.assign(settings.redirect);
    else if (hash === 'register') location.hash = '';
  };
  let view = <Loading />;
  if (error) view = <Unreachable error={error} again={start} />;
  else if (state === 'signed-in') {
    view = found && settings.redirect ? <Onward stay={() => setFound(false)} /> : <Home key={userId} section={hash} />;
  } else if (state === 'signed-out') {
    view = hash === 'register' && settings.registers ? <Register done={signedIn} /> : <SignIn done={signedIn} />;
  }
  return <>{view}<Dialog userId={userId} /></>;
}
