import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Form } from './form.jsx';
import { gatehouse, root } from './session.js';
import * as operations from './operations.js';
import { usePasskey } from './passkeys.js';
import { t } from './words.js';

let show; // of the one dialog that the page has

const ask = (what) => new Promise((resolve) => show({ ...what, resolve }));

// confirm asks whether what cannot be taken back shall be done.
export const confirm = (title, text, button) => ask({ title, text, button });

let typed; // the password that stands in the form that is being sent, and why it proved nothing

// withPassword runs what wants a recent proof, and takes a password that the user has just typed for it.
export async function withPassword(password, run) {
  const proof = { password };
  typed = proof;
  try {
    return await run();
  } catch (error) {
    throw proof.refused ?? error;
  } finally {
    typed = undefined;
  }
}

const prove = (input) => gatehouse.request(operations.reauthenticate, { input });

// stepUp has the user prove again who they are, and says whether they did.
export async function stepUp({ mfa }) {
  if (typed && !mfa) {
    const proof = typed;
    return prove({ password: proof.password }).then(() => true, (error) => {
      proof.refused = error;
      return false;
    });
  }
  const { email, factors } = (await gatehouse.request(operations.ways)).me;
  const kinds = factors.map(({ __typename }) => __typename);
  const ways = [!mfa && 'password', kinds.includes('TotpFactor') && 'code', kinds.includes('Passkey') && 'passkey'];
  const text = t(mfa ? 'stepUp.mfa' : 'stepUp.why');
  return ask({ title: t('stepUp.title'), text, ways: ways.filter(Boolean), email });
}

const inputs = {
  password: { type: 'password', autocomplete: 'current-password' },
  code: { inputMode: 'numeric', autocomplete: 'one-time-code' },
};

function Proof({ ways, email, done }) {
  const [way, setWay] = useState(ways[0]);
  const first = useRef();
  useEffect(() => first.current?.querySelector('input, button')?.focus(), [way]);
  const others = ways.filter((other) => other !== way).map((other) => (
    <button type="button" class="link" key={other} onClick={() => setWay(other)}>{t(`stepUp.by.${other}`)}</button>
  ));
  if (!way) {
    const security = new URL('account#security', root).href;
    return <p>{t('stepUp.none')} <a href={security} onClick={() => done(false)}>{t('stepUp.setUp')}</a></p>;
  }
  const more = { INVALID_CREDENTIALS: t(`problems.wrong.${way}`), 'INVALID_CREDENTIALS.field': way };
  const submit = async (values) => {
    await prove(way === 'passkey' ? { passkey: await usePasskey() } : { [way]: values[way] });
    done(true);
  };
  return (
    <div ref={first} key={way}>
      <Form label={t('stepUp.title')} more={more} submit={submit} user={way === 'password' && email}
        button={t(`stepUp.button.${way}`)}
        fields={inputs[way] ? [{ name: way, label: t(`stepUp.field.${way}`), required: true, ...inputs[way] }] : []} />
      {others.length > 0 && <p class="others">{others}</p>}
    </div>
  );
}

// Dialog is where the page asks a user, one thing at a time.
export function Dialog({ userId }) {
  const [asked, setAsked] = useState();
  const element = useRef();
  const id = useId();
  show = setAsked;
  useEffect(() => {
    if (asked && !element.current.open) element.current.showModal();
  }, [asked]);
  const close = (answer) => {
    asked?.resolve(answer);
    setAsked(undefined);
    element.current.close();
  };
  useEffect(() => {
    if (asked) close(false); // another user has signed in
  }, [userId]);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={() => close(false)}>
      {asked && (
        <>
          <h2 id={id}>{asked.title}</h2>
          <p>{asked.text}</p>
          {asked.ways
            ? <Proof ways={asked.ways} email={asked.email} done={close} />
            : (
              <p class="buttons">
                <button type="button" class="danger" onClick={() => close(true)}>{asked.button}</button>
              </p>
            )}
          <p class="buttons"><button type="button" class="quiet" onClick={() => close(false)}>{t('cancel')}</button></p>
        </>
      )}
    </dialog>
  );
}
