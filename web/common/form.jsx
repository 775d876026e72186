import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { duration, has, t } from './words.js';

// Wait counts down what a refusal wants waited for, and says when that is over. A screen reader hears the beginning and
// the end.
function Wait({ seconds }) {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    const until = Date.now() + seconds * 1000;
    const timer = setInterval(() => {
      const now = Math.max(Math.ceil((until - Date.now()) / 1000), 0);
      setLeft(now);
      if (now === 0) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [seconds]);
  if (left === 0) return t('waited');
  return <span role="timer">{t('problems.RATE_LIMITED', { time: duration(left) })}</span>;
}

const waits = new WeakMap(); // by the problem, so that one that is drawn again goes on

// sentence is what a reader is told of an error of the server. More are texts for codes that mean something special
// here.
function sentence(problem, more) {
  const { code, reason, min, max, retryAfter } = problem;
  if (code === 'RATE_LIMITED' && !more[code]) {
    if (!waits.has(problem)) waits.set(problem, <Wait seconds={retryAfter} />);
    return waits.get(problem);
  }
  const name = [reason, code].find((key) => has(`problems.${key}`)) ?? 'failed';
  return more[code] ?? t(`problems.${name}`, { min, max });
}

// faultsOf are the sentences that an error has for each field, and for the whole form under ''.
export function faultsOf(error, names = [], more = {}) {
  const faults = {};
  for (const problem of error.errors ?? [{ code: 'NETWORK' }]) {
    const field = names.find((name) => name === problem.field || name === more[`${problem.code}.field`]) ?? '';
    faults[field] ??= sentence(problem, more);
  }
  return faults;
}

// Said is what has happened. The keyboard's focus goes to it.
export function Said({ fault, text }) {
  const element = useRef();
  useEffect(() => element.current?.focus(), [text]);
  return (
    <p ref={element} class={fault ? 'said fault' : 'said'} role={fault ? 'alert' : 'status'} tabIndex={-1}>{text}</p>
  );
}

// Unanswered is in the place of what could not be asked for.
export function Unanswered({ error, again }) {
  return (
    <>
      <Said fault text={faultsOf(error)['']} />
      <p class="buttons"><button type="button" class="quiet" onClick={again}>{t('again')}</button></p>
    </>
  );
}

let say;

// announce says what has happened where it took its own place away, at the head of the page.
export const announce = (text) => say(text);

export function Announcement() {
  const [said, setSaid] = useState({ n: 0 });
  say = (text) => setSaid(({ n }) => ({ n: n + 1, text }));
  return said.text && <Said key={said.n} text={said.text} />;
}

// Field begins with a value, and keeps what is typed when the form is drawn again.
export function Field({ id, label, hint, fault, value, ...input }) {
  const describes = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(' ');
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input id={id} type="text" defaultValue={value} aria-describedby={describes || undefined}
        aria-invalid={fault ? 'true' : undefined} {...input} />
      {hint && <span class="hint" id={`${id}-hint`}>{hint}</span>}
      {fault && <span class="fault" id={`${id}-fault`}>{fault}</span>}
    </p>
  );
}

// Form sends what is typed by submit, which returns what is said when it is done. What the server refuses is said at
// the field that it names. With keep, what was typed stays when it is done. User
// is the address whose password is asked for, for the browser's list of passwords.
export function Form({ label, fields = [], button, submit, more, keep, quiet, user, children, after }) {
  const id = useId();
  const form = useRef();
  const busy = useRef(false);
  const [waiting, setWaiting] = useState(false);
  const [faults, setFaults] = useState({});
  const [done, setDone] = useState();

  useEffect(() => {
    if (Object.keys(faults).length > (faults[''] ? 1 : 0)) form.current?.querySelector('[aria-invalid]')?.focus();
  }, [faults]);

  async function send(event) {
    event.preventDefault();
    if (busy.current) return;
    const typed = Object.fromEntries(new FormData(form.current));
    const missing = fields.filter(({ name, required }) => required && !typed[name]);
    setDone(undefined);
    setFaults(Object.fromEntries(missing.map(({ name }) => [name, t('problems.REQUIRED')])));
    if (missing.length) return;
    busy.current = true;
    setWaiting(true);
    try {
      const text = await submit(typed, form.current);
      setDone(text);
      if (text && !keep) form.current?.reset();
    } catch (error) {
      setFaults(faultsOf(error, fields.map(({ name }) => name), more));
    } finally {
      busy.current = false;
      setWaiting(false);
    }
  }

  return (
    <form ref={form} onSubmit={send} noValidate aria-label={label} aria-busy={waiting}>
      {user && <input type="text" autocomplete="username" value={user} readOnly hidden />}
      {fields.map((field) => (
        <Field key={field.name} id={`${id}-${field.name}`} fault={faults[field.name]} {...field} />
      ))}
      {children}
      {faults[''] && <Said fault text={faults['']} />}
      {done && <Said text={done} />}
      <p class="buttons">
        <button class={quiet ? 'quiet' : undefined} aria-disabled={waiting}>{button}</button>
        {after}
      </p>
    </form>
  );
}

// Action is a button that does one thing, and says what came of it.
export function Action({ run, children, danger, more, ...attributes }) {
  const busy = useRef(false);
  const [waiting, setWaiting] = useState(false);
  const [said, setSaid] = useState({});
  async function act() {
    if (busy.current) return;
    busy.current = true;
    setWaiting(true);
    setSaid({});
    try {
      setSaid({ text: await run() });
    } catch (error) {
      setSaid({ fault: true, text: faultsOf(error, [], more)[''] });
    } finally {
      busy.current = false;
      setWaiting(false);
    }
  }
  return (
    <>
      <button type="button" class={danger ? 'danger' : 'quiet'} aria-disabled={waiting} onClick={act} {...attributes}>
        {children}
      </button>
      {said.text && <Said {...said} />}
    </>
  );
}
