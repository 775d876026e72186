import { useEffect, useId, useRef } from 'preact/hooks';
import { t } from '../../common/words.js';
import { linkTo } from './filters.js';

function Choice({ id, name, options, value, without }) {
  return (
    <select id={id} name={name}>
      {!without && <option value="">{t('list.any')}</option>}
      {options.map(([key, label]) => (
        <option key={key} value={key} selected={key === value}>{label}</option>
      ))}
    </select>
  );
}

// Filters are what is shown of a list. Each field has options, or takes a text or a day.
export function Filters({ view, fields, params }) {
  const id = useId();
  const values = Object.fromEntries(fields.map(({ name }) => [name, params.get(name) ?? '']));
  const send = (event) => {
    event.preventDefault();
    location.hash = linkTo(view, Object.fromEntries(new FormData(event.target)));
  };
  return (
    <form class="filters card" onSubmit={send} aria-label={t('list.filter')} key={JSON.stringify(values)}>
      {fields.map(({ name, label, options, without, ...input }) => (
        <p class="field" key={name}>
          <label for={`${id}-${name}`}>{label}</label>
          {options
            ? <Choice id={`${id}-${name}`} name={name} options={options} value={values[name]} without={without} />
            : (
              <input id={`${id}-${name}`} name={name} type="text" autocomplete="off" autocapitalize="none"
                spellcheck={false} value={values[name]} {...input} />
            )}
        </p>
      ))}
      <p class="buttons">
        <button>{t('list.show')}</button>
        {Object.values(values).some(Boolean) && <a href={linkTo(view)}>{t('list.all')}</a>}
      </p>
    </form>
  );
}

// Found says how many there are. The keyboard's focus goes to it when a page takes the place of another, unless its
// user is at the filters again.
export function Found({ of, children }) {
  const element = useRef();
  const seen = useRef();
  useEffect(() => {
    if (seen.current && of && !document.activeElement.matches('input, select')) element.current.focus();
    seen.current ??= of;
  }, [of]);
  return <p ref={element} class="found" role="status" tabIndex={-1}>{children}</p>;
}

// Pages leads to the page before and behind.
export function Pages({ view, params, info }) {
  const to = (cursor) => linkTo(view, { ...Object.fromEntries(params), after: '', before: '', ...cursor });
  if (!info.hasPreviousPage && !info.hasNextPage) return undefined;
  return (
    <nav class="pages" aria-label={t('list.pages')}>
      {info.hasPreviousPage && <a href={to({ before: info.startCursor })}>{t('list.previous')}</a>}
      {info.hasNextPage && <a href={to({ after: info.endCursor })}>{t('list.next')}</a>}
    </nav>
  );
}
