import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect, columns, csv, json, maxEvents } from '../admin/app/files.js';
import { auditVariables, linkTo, pageSize, startOf, usersVariables } from '../admin/app/filters.js';

const sent = (variables) => JSON.parse(JSON.stringify(variables)); // as JSON leaves out what is undefined

test('a file of the audit log has no formula, whatever a user has written', () => {
  const begins = [
    '=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '  =1+1', '\u00a0=1', '＝1+1', '＠a', '＋1', '－1',
  ];
  for (const userAgent of begins) {
    const line = csv([{ userAgent }]).slice(csv([]).length);
    assert.equal(line, `${columns.map((name) => (name === 'userAgent' ? `"'${userAgent}"` : '""')).join(',')}\r\n`);
  }
  for (const userAgent of ['Mozilla/5.0 (X11)', '1=1', 'a@example.com', '203.0.113.7', '']) {
    assert.ok(csv([{ userAgent }]).includes(`,"${userAgent}",`), `${userAgent} is another`);
  }
});

test('a file of the audit log has each value in its place', () => {
  const event = { id: '1', kind: 'signed_in', userAgent: 'a "b", c\r\nd', omitted: 0, actorId: null, other: 'x' };
  assert.equal(csv([]), `${columns.map((name) => `"${name}"`).join(',')}\r\n`);
  const line = csv([event]).slice(csv([]).length);
  const cells = { id: '1', kind: 'signed_in', userAgent: 'a ""b"", c\r\nd', omitted: '0' };
  assert.equal(line, `${columns.map((name) => `"${cells[name] ?? ''}"`).join(',')}\r\n`);
  assert.deepEqual(JSON.parse(json([event])), [{
    id: '1', kind: 'signed_in', userAgent: 'a "b", c\r\nd', omitted: 0, actorId: null,
  }]);
});

test('a file has all pages, and no more than it may', async () => {
  const pages = (all) => async (after = 0) => {
    const endCursor = Math.min(after + 100, all);
    const edges = Array.from({ length: endCursor - after }, (_, n) => ({ node: after + n }));
    return { edges, pageInfo: { endCursor, hasNextPage: endCursor < all } };
  };
  for (const [all, expected, complete] of [
    [0, 0, true], [100, 100, true], [250, 250, true], [maxEvents, maxEvents, true], [maxEvents + 1, maxEvents, false],
  ]) {
    const found = await collect(pages(all));
    assert.equal(found.events.length, expected);
    assert.equal(found.complete, complete, `${all} events`);
    assert.ok(found.events.every((event, n) => event === n));
  }
  await assert.rejects(collect(async () => { throw new Error('refused'); }), /refused/);
});

test('the fragment becomes the variables of the lists, and nothing else gets into them', () => {
  const users = (text) => sent(usersVariables(new URLSearchParams(text)));
  const newest = { field: 'CREATED_AT', direction: 'DESC' };
  assert.deepEqual(users(''), { first: pageSize, filter: {}, orderBy: newest });
  assert.deepEqual(users('search=+ann+&status=SUSPENDED&role=ADMIN&confirmed=no&order=az&after=c'), {
    first: pageSize, after: 'c', search: 'ann', orderBy: { field: 'EMAIL', direction: 'ASC' },
    filter: { status: 'SUSPENDED', role: 'ADMIN', emailVerified: false },
  });
  assert.deepEqual(users('before=c&after=d&confirmed=yes'), {
    last: pageSize, before: 'c', filter: { emailVerified: true }, orderBy: newest,
  });
  const unknown = users('status=NONE&role=ROOT&confirmed=maybe&order=constructor&since=x&until=2026-1-1&first=5');
  assert.deepEqual(unknown, users(''));
  assert.deepEqual(sent(auditVariables(new URLSearchParams('userId=u&actorId=a&kind=signed_in&since=2026-03-01'))), {
    first: pageSize, filter: { userId: 'u', actorId: 'a', kind: 'signed_in', since: startOf('2026-03-01') },
  });
});

test('a day is one of the reader', () => {
  assert.equal(startOf('2026-03-01'), new Date(2026, 2, 1).toISOString());
  assert.equal(startOf('2026-02-28', 1), startOf('2026-03-01'));
  for (const none of ['', undefined, null, '2026', '01.03.2026']) assert.equal(startOf(none), undefined);
});

test('a link has only what is chosen', () => {
  assert.equal(linkTo('users'), '#users');
  assert.equal(linkTo('users', { search: '', after: undefined }), '#users');
  const link = linkTo('users', { search: 'a&b=c#d', status: 'ACTIVE' });
  assert.deepEqual([...new URLSearchParams(link.split('?')[1])], [['search', 'a&b=c#d'], ['status', 'ACTIVE']]);
});
