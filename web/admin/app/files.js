export const columns = [
  'id', 'occurredAt', 'kind', 'userId', 'sessionId', 'actor', 'actorId', 'actorSessionId', 'operator', 'ip', 'userAgent',
  'requestId', 'before', 'after', 'detail', 'omitted',
];

// cell is a value as CSV (RFC 4180). Users choose some of them, and a program that computes tables takes for a
// formula what begins as one: an apostrophe keeps it a text.
function cell(value) {
  const text = String(value ?? '');
  const safe = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

export function csv(events) {
  const lines = [columns, ...events.map((event) => columns.map((column) => event[column]))];
  return lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}

export const json = (events) => `${JSON.stringify(events, columns, 2)}\n`;

export const maxEvents = 10_000;

// collect takes pages until there is none, or so many events are there. Load returns the page behind a cursor.
export async function collect(load) {
  const events = [];
  for (let after; ;) {
    const { edges, pageInfo } = await load(after);
    events.push(...edges.map(({ node }) => node));
    if (!pageInfo.hasNextPage || events.length >= maxEvents) return { events, complete: !pageInfo.hasNextPage };
    after = pageInfo.endCursor;
  }
}

// save has the browser keep a text as a file.
export function save(name, type, text) {
  const href = URL.createObjectURL(new Blob([text], { type }));
  Object.assign(document.createElement('a'), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
