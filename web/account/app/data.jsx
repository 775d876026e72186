import { confirm } from '../../common/dialog.jsx';
import { Action } from '../../common/form.jsx';
import { gatehouse } from '../../common/session.js';
import { settings, t } from '../../common/words.js';
import * as operations from './operations.js';

// Data is what users get of what is stored about them, and how they end that.
export function Data({ me }) {
  const send = async () => {
    await gatehouse.request(operations.exportMyData);
    return t('data.mailed');
  };
  const remove = async () => {
    const why = settings.graceDays ? t('data.deleteGrace', { n: settings.graceDays }) : t('data.deleteNow');
    if (!await confirm(t('data.deleteTitle', { email: me.email }), why, t('data.delete'))) return;
    await gatehouse.request(operations.deleteAccount);
  };
  return (
    <>
      <section class="card" aria-labelledby="export">
        <h2 id="export">{t('data.export')}</h2>
        <p>{t('data.exportWhy')}</p>
        <Action run={send}>{t('data.exportButton')}</Action>
      </section>
      <section class="card" aria-labelledby="delete">
        <h2 id="delete">{t('data.deleteHeading')}</h2>
        <p>{settings.graceDays ? t('data.deleteGrace', { n: settings.graceDays }) : t('data.deleteNow')}</p>
        <Action danger run={remove}>{t('data.delete')}</Action>
      </section>
    </>
  );
}
