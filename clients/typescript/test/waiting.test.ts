import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf, login, me, storage, twoTabs, write } from "./two_tabs.js";
import { claimsOf } from "./world.js";

test("an access token is refreshed before it is given away", async () => {
  const { world, a, clock, pause } = await twoTabs();
  const before = await clock(a.accessToken());
  assert.equal(await clock(a.accessToken()), before);
  await pause(700_000);
  const token = await clock(a.accessToken());
  assert.ok(claimsOf(token!).exp * 1000 > world.clock.time);
});

test("an access token of another user who signs in meanwhile is not given away", async () => {
  const { world, a, b, clock, pause } = await twoTabs({}, { locks: undefined });
  await pause(700_000);
  world.latency = () => 200;
  const token = codeOf(a.accessToken());
  await pause(1);
  world.latency = () => 20;
  await clock(login(b, "bob"));
  assert.equal(await clock(token), "UNAUTHENTICATED");
  assert.equal(a.session.userId, "bob");
});

test("a sign-out that waits for another tab's sign-in ends nothing of it", async () => {
  const { world, a, b, clock, pause } = await twoTabs();
  const signedIn = login(a, "bob");
  await pause(0);
  const out = codeOf(b.signOut());
  await clock(signedIn);
  world.requests = [];
  assert.equal(await clock(out), "UNAUTHENTICATED");
  await pause();
  assert.deepEqual(world.requests, []);
  assert.deepEqual([a.session.userId, b.session.userId], ["bob", "bob"]);
});

test("the answer to a sign-out, if another user has signed in meanwhile, leaves them their session", async () => {
  const tokens = storage();
  const { world, a, b, clock, pause } = await twoTabs({ tokens }, { locks: undefined });
  await clock(login(a));
  await pause();
  world.latency = () => 500;
  const out = a.signOut();
  await pause(1);
  world.latency = () => 20;
  await clock(login(b, "bob"));
  await clock(out);
  assert.deepEqual([a.session.userId, b.session.userId], ["bob", "bob"]);
  await pause(700_000);
  assert.equal(await clock(codeOf(b.request(me))), "done");
});

test("the end of a session that is told late ends no other", async () => {
  const { world, a, b, clock, pause } = await twoTabs({}, { locks: undefined });
  world.latency = () => 500;
  await clock(Promise.all([b.signOut(), login(a, "bob")]));
  await pause();
  assert.deepEqual([a.session.userId, b.session.userId], ["bob", "bob"]);
});

test("a page that has just been loaded can sign out", async () => {
  const { world, server, clock } = await twoTabs();
  const late = world.tab();
  await clock(late.signOut());
  assert.deepEqual([late.session.state, server.ended], ["signed-out", true]);
});

test("a sign-out whose refresh is refused for now ends nothing, and one of a session that is over succeeds", async () => {
  const { world, a, clock, pause } = await twoTabs({ tokens: storage() });
  await clock(login(a));
  await pause(700_000);
  world.fault = (kind) => (kind === "Refresh" ? "limited" : "none");
  assert.equal(await clock(codeOf(a.signOut())), "RATE_LIMITED");
  assert.equal(a.session.state, "signed-in");
  world.fault = () => "none";
  assert.equal(await clock(codeOf(a.request(me))), "done");
  for (const session of world.sessions.values()) session.ended = true;
  assert.equal(await clock(codeOf(a.signOut())), "done");
  assert.equal(a.session.state, "signed-out");
});

test("what nobody is signed in for any more is not sent once more", async () => {
  const { world, server, a, clock } = await twoTabs();
  server.ended = true;
  world.requests = [];
  assert.equal(await clock(codeOf(a.request(write("x")))), "UNAUTHENTICATED");
  assert.deepEqual(world.requests, ["Write", "Refresh"]);
});

test("what its caller gives up during a refresh is not sent", async () => {
  const { world, a, clock, pause } = await twoTabs();
  await pause(700_000);
  world.requests = [];
  const stop = new AbortController();
  const asked = codeOf(a.request(me, {}, { signal: stop.signal }));
  await pause(0);
  stop.abort();
  assert.match(await clock(asked), /AbortError/);
  await pause();
  assert.deepEqual(world.requests, ["Refresh"]);
});

test("a refresh changes nothing of the session, and tells no listener", async () => {
  const { world, a, clock, pause } = await twoTabs();
  const { session } = a;
  let told = 0;
  a.subscribe(() => (told += 1));
  await pause(700_000);
  world.refreshes = 0;
  await clock(a.request(me));
  assert.deepEqual([world.refreshes, told], [1, 0]);
  assert.equal(a.session, session);
});

test("who says that they have proved themselves, and have not, is asked three times", async () => {
  let asked = 0;
  const { a, clock, pause } = await twoTabs({ stepUp: async () => Boolean(asked += 1) });
  await pause(400_000);
  assert.equal(await clock(codeOf(a.request("mutation Careful { careful { me { id } } }"))), "REAUTHENTICATION_REQUIRED");
  assert.equal(asked, 3);
});
