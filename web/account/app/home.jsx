import { useAnswer } from '../../common/session.js';
import { Home as Shell } from '../../common/shell.jsx';
import { Activity } from './activity.jsx';
import { Data } from './data.jsx';
import * as operations from './operations.js';
import { Profile } from './profile.jsx';
import { Security } from './security.jsx';
import { Sessions } from './sessions.jsx';
import { Tokens } from './tokens.jsx';

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
    <Shell sections={Object.keys(sections)} section={chosen} me={me} error={error} again={reload}>
      {me && <Section key={chosen} me={me} reload={reload} />}
    </Shell>
  );
}
