import assert from "node:assert/strict";
import { test } from "node:test";
import { GatehouseError, type Gatehouse, type Options, type Platform } from "../src/index.js";
import { alone, codeOf, login, me, storage, twoTabs, write } from "./two_tabs.js";
import { claimsOf, type Fault, random, World } from "./world.js";

const ways: Record<string, Partial<Platform>> = {
  "locks and channel": {},
  "no locks": { locks: undefined },
  "no channel": { channel: undefined },
  "neither": alone,
};

/** Tabs with parallel requests, by a server with faults and a clock that jumps over the life of tokens. */
async function story(seed: number, without: Partial<Platform>, mode: "cookie" | "storage", faults: boolean) {
  const pick = random(seed);
  const world = new World(pick);
  const server = world.begin();
  const tokens: Options["tokens"] = mode === "cookie" ? "cookie" : storage();
  const calls: { name: string; sent: Promise<string> }[] = [];
  const tabs = Array.from({ length: 1 + Math.floor(pick() * 4) }, () => world.tab({ tokens }, without));
  if (mode === "storage") await world.clock.until(login(tabs[0]!));
  if (faults) {
    const kinds: Fault[] = ["lost request", "lost answer", "unavailable", "limited"];
    world.fault = () => (pick() < 0.2 ? kinds[Math.floor(pick() * kinds.length)]! : "none");
  }
  for (let round = 0; round < 4; round += 1) {
    const inRound = tabs.flatMap((tab) => Array.from({ length: Math.floor(pick() * 4) }, () => {
      const name = `${calls.length}`;
      const query = pick() < 0.5;
      const sent = world.clock.sleep(pick() * 400).then(() => tab.request(query ? me : write(name))).then(
        () => "done",
        (error: unknown) => (error instanceof GatehouseError ? error.errors[0]!.code : (error as Error).name),
      );
      calls.push({ name: query ? "" : write(name), sent });
      return sent;
    }));
    await world.clock.until(Promise.all(inRound));
    await world.clock.until(world.clock.sleep(pick() < 0.5 ? 20_000 : pick() < 0.5 ? 595_000 : 700_000));
  }
  world.fault = () => "none";
  return { world, server, tabs, calls };
}

for (const [way, without] of Object.entries(ways)) {
  for (const mode of ["cookie", "storage"] as const) {
    test(`${way}, ${mode}: whatever the order of events, the session stays and no mutation is done twice`, async () => {
      for (let seed = 1; seed <= 40; seed += 1) {
        const faults = seed % 2 === 0;
        const { world, server, tabs, calls } = await story(seed, without, mode, faults);
        for (const { name, sent } of calls) {
          const outcome = await sent;
          const allowed = faults ? ["done", "TypeError", "UNAVAILABLE", "RATE_LIMITED"] : ["done"];
          assert.ok(allowed.includes(outcome), `seed ${seed}: ${outcome}`);
          const times = world.done.get(name) ?? 0;
          if (name) assert.ok(outcome === "done" ? times === 1 : times <= 1, `seed ${seed}: ${name} was done ${times} times`);
        }
        if (mode === "cookie") assert.equal(server.ended, false, `seed ${seed}: the session has ended`);
        for (const tab of tabs) {
          await world.clock.until(tab.request(me));
          assert.equal(tab.session.state, "signed-in", `seed ${seed}`);
        }
        if (without.locks !== undefined || !("locks" in without)) {
          assert.ok(world.mostRefreshes <= 1, `seed ${seed}: ${world.mostRefreshes} refreshes simultaneously`);
        }
      }
    });
  }
}

/** How often tabs that wake together refresh, and how many of these requests run simultaneously. */
async function wake(without: Partial<Platform>) {
  const world = new World(random(7));
  world.begin();
  const tabs = Array.from({ length: 5 }, () => world.tab({}, without));
  await world.clock.until(Promise.all(tabs.map((tab) => tab.start())));
  await world.clock.until(world.clock.sleep(700_000));
  world.refreshes = 0;
  world.mostRefreshes = 0;
  await world.clock.until(Promise.all(tabs.flatMap((tab) => [1, 2, 3].map(() => tab.request(me)))));
  return { refreshes: world.refreshes, simultaneous: world.mostRefreshes };
}

test("five tabs with three requests each refresh once, by the lock and the channel", async () => {
  assert.deepEqual(await wake({}), { refreshes: 1, simultaneous: 1 });
  assert.deepEqual(await wake({ channel: undefined }), { refreshes: 5, simultaneous: 1 });
  assert.deepEqual(await wake(alone), { refreshes: 5, simultaneous: 5 });
});

test("a token is refreshed before it expires", async () => {
  const { world, a, clock, pause } = await twoTabs();
  await pause(580_000);
  world.requests = [];
  await clock(a.request(me));
  assert.deepEqual(world.requests, ["Refresh", "Me"]);
});

test("a token that can be used for a moment yet is used while the server does not refresh", async () => {
  const { world, a, clock, pause } = await twoTabs();
  await pause(580_000);
  world.fault = (kind) => (kind === "Refresh" ? "unavailable" : "none");
  assert.equal(await clock(codeOf(a.request(me))), "done");
  world.fault = (kind) => (kind === "Refresh" ? "lost request" : "none");
  assert.equal(await clock(codeOf(a.request(me))), "done");
});

test("a token that the server calls expired before its time is refreshed, and the request sent again", async () => {
  const { world, a, clock } = await twoTabs();
  world.accessLife = -1;
  await clock(a.request("mutation Prove { reauthenticate { accessToken } }"));
  world.accessLife = 600_000;
  world.requests = [];
  assert.equal(await clock(codeOf(a.request(write("x")))), "done");
  assert.equal(world.done.get(write("x")), 1);
});

test("who is not signed in is told so, without a refresh a request", async () => {
  const world = new World(random(1));
  const tab = world.tab();
  assert.equal(await world.clock.until(codeOf(tab.request(me))), "UNAUTHENTICATED");
  assert.equal(await world.clock.until(codeOf(tab.request(me))), "UNAUTHENTICATED");
  assert.deepEqual(world.requests, ["Refresh", "Me", "Me"]);
  assert.equal(tab.session.state, "signed-out");
});

test("offline, and a server that is away, sign nobody out", async () => {
  const { world, a, clock, pause } = await twoTabs();
  await pause(700_000);
  world.online = false;
  assert.match(await clock(codeOf(a.request(me))), /TypeError/);
  assert.equal(a.session.state, "signed-in");
  world.online = true;
  world.fault = () => "unavailable";
  world.refreshes = 0;
  const both = Promise.all([codeOf(a.request(me)), codeOf(a.request(me))]);
  assert.deepEqual(await clock(both), ["UNAVAILABLE", "UNAVAILABLE"]);
  assert.equal(world.refreshes, 1);
  assert.equal(a.session.state, "signed-in");
  world.fault = () => "none";
  assert.equal(await clock(codeOf(a.request(me))), "done");
});

test("start says when the server cannot be reached, and asks again when it is called again", async () => {
  const world = new World(random(1));
  world.begin();
  const tab = world.tab();
  world.online = false;
  await assert.rejects(world.clock.until(tab.start()), TypeError);
  assert.equal(tab.session.state, "unknown");
  world.online = true;
  world.fault = () => "limited";
  await assert.rejects(world.clock.until(tab.start()), (error: GatehouseError) => error.find("RATE_LIMITED")?.retryAfter === 1);
  world.fault = () => "none";
  await world.clock.until(Promise.all([tab.start(), tab.start()]));
  assert.equal(tab.session.state, "signed-in");
});

test("signing in and out is seen in the other tab, once each", async () => {
  for (const tokens of ["cookie", storage()] as const) {
    const { world, a, b, clock, pause } = await twoTabs({ tokens });
    if (tokens !== "cookie") await clock(login(a));
    await pause();
    const seen: string[] = [];
    const stop = b.subscribe(() => seen.push(`${b.session.state} ${b.session.userId ?? ""}`));
    await clock(a.signOut());
    await pause();
    await clock(login(a, "bob"));
    await pause();
    stop();
    assert.deepEqual(seen, ["signed-out ", "signed-in bob"]);
    assert.equal([...world.sessions.values()].filter(({ ended }) => !ended).length, tokens === "cookie" ? 1 : 2);
    assert.equal(await clock(codeOf(b.request(me))), "done");
  }
});

test("a sign-out that the server did not hear of ends nothing", async () => {
  const { world, a, clock } = await twoTabs();
  world.online = false;
  await assert.rejects(clock(a.signOut()), TypeError);
  assert.equal(a.session.state, "signed-in");
  world.online = true;
  world.fault = () => "unavailable";
  await assert.rejects(clock(a.signOut()), GatehouseError);
  assert.equal(a.session.state, "signed-in");
  world.fault = () => "none";
  await clock(a.signOut());
  assert.equal(a.session.state, "signed-out");
});

test("signing out with an expired token ends the session of a storage too", async () => {
  const { world, a, clock, pause } = await twoTabs({ tokens: storage() });
  await clock(login(a));
  await pause(700_000);
  await clock(a.signOut());
  assert.ok([...world.sessions.values()].some(({ ended }) => ended));
  assert.equal(a.session.state, "signed-out");
});

test("a session that was ended elsewhere is over in all tabs at the next request", async () => {
  const { server, a, b, clock, pause } = await twoTabs();
  server.ended = true;
  assert.equal(await clock(codeOf(a.request(me))), "UNAUTHENTICATED");
  await pause();
  assert.deepEqual([a.session.state, b.session.state], ["signed-out", "signed-out"]);
});

test("logout and deleteAccount by any client end the session in all tabs", async () => {
  for (const field of ["logout", "deleteAccount"]) {
    const { a, b, clock, pause } = await twoTabs();
    await clock(a.fetch("https://api.example/graphql", {
      method: "POST", body: JSON.stringify({ query: `mutation Logout { x: ${field} { success } }` }),
    }));
    await pause();
    assert.deepEqual([a.session.state, b.session.state], ["signed-out", "signed-out"], field);
  }
});

test("a mutation is not sent again for a user who has signed in meanwhile", async () => {
  const { world, server, a, b, clock, pause } = await twoTabs();
  server.ended = true;
  world.latency = () => 50;
  const written = codeOf(a.request(write("x")));
  const signedIn = login(b, "bob");
  assert.equal(await clock(written), "UNAUTHENTICATED");
  await clock(signedIn);
  await pause();
  assert.equal(world.done.get(write("x")), undefined);
  assert.equal(a.session.userId, "bob");
});

// What a page can ask, by its name: at each of these moments it may wait, for a token, the lock or its user.
const questions: Record<string, (tab: Gatehouse, name: string) => Promise<unknown>> = {
  query: (tab, name) => tab.request(`query Me { ${name}: me { id } }`),
  mutation: (tab, name) => tab.request(write(name)),
  "step-up": (tab, name) => tab.request(`mutation Careful { careful(name: "${name}") { me { id } } }`),
  "what sets the cookie": (tab, name) => tab.request(`mutation Logout { ${name}: logout { success } }`),
  "a proof": (tab, name) => tab.request(`mutation Prove { ${name}: reauthenticate { accessToken expiresIn } }`),
  token: (tab) => tab.accessToken(),
  "sign-out": (tab) => tab.signOut(),
};

test("what one user has asked is never sent for another who signs in meanwhile, whatever waits", async () => {
  let refused = 0;
  for (const [way, without] of Object.entries(ways)) {
    for (let seed = 1; seed <= 60; seed += 1) {
      const pick = random(seed);
      const world = new World(pick);
      world.begin("ann");
      const tokens = seed % 2 ? "cookie" : storage();
      const stepUp = () => world.clock.sleep(pick() * 600).then(() => pick() < 0.5);
      const [a, b] = [world.tab({ tokens, stepUp }, without), world.tab({ tokens }, without)];
      if (tokens !== "cookie") await world.clock.until(login(a));
      await world.clock.until(Promise.all([a.start(), b.start()]));
      await world.clock.until(world.clock.sleep([0, 400_000, 580_000, 700_000][Math.floor(pick() * 4)]!));
      const bob = world.clock.sleep(pick() * 800).then(() => login(b, "bob"));
      const asked = Object.entries(questions).map(async ([what, ask], n) => {
        await world.clock.sleep(pick() * 800);
        const { userId } = a.session;
        const answer = await ask(a, `n${n}`).catch((error: Error) => error);
        const place = `${way}, seed ${seed}: ${what}`;
        for (const { query, user } of world.sentFor) {
          if (query.includes(`n${n}:`) || query.includes(`"n${n}"`)) assert.ok(!userId || user === userId, place);
        }
        if (typeof answer === "string" && userId) assert.equal(claimsOf(answer).sub, userId, place);
        if (answer instanceof GatehouseError && answer.message.includes("who asked this")) refused += 1;
        return userId;
      });
      const users = (await world.clock.until(Promise.all([bob, ...asked]))).slice(1);
      if (users.every((user) => user === "ann")) {
        const ended = [...world.sessions.values()].some((session) => session.user === "bob" && session.ended);
        assert.equal(ended, false, `${way}, seed ${seed}: ann has ended bob's session`);
      }
    }
  }
  assert.ok(refused > 20, `${refused} were refused`);
});

test("a sign-in during a refresh has the last word: in two tabs, in one tab without locks, in a storage without", async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const pick = random(seed);
    const world = new World(pick);
    world.begin();
    const tokens = seed % 3 === 2 ? storage() : "cookie";
    const without = seed % 3 ? alone : {};
    const a = world.tab({ tokens }, without);
    const b = seed % 3 === 1 ? a : world.tab({ tokens }, without);
    if (tokens !== "cookie") await world.clock.until(login(a));
    await world.clock.until(Promise.all([a.start(), b.start()]));
    await world.clock.until(world.clock.sleep(400_000));
    const careful = codeOf(a.request("mutation Careful { careful { me { id } } }")); // refreshes
    const bob = world.clock.sleep(pick() * 1000).then(() => login(b, "bob"));
    await world.clock.until(Promise.all([careful, bob]));
    await world.clock.until(world.clock.sleep(700_000));
    const later = world.tab({ tokens }, without);
    await world.clock.until(Promise.all([b.request(me), later.start()]));
    assert.deepEqual([b.session.userId, later.session.userId], ["bob", "bob"], `seed ${seed}`);
  }
});

test("a token that comes after the end of its session counts for nothing", async () => {
  const { world, a, b, clock, pause } = await twoTabs();
  const latencies = [100, 100, 1000, 50]; // the proof and the sign-out are sent, and answered the other way round
  world.latency = () => latencies.shift() ?? 10;
  const proved = a.request("mutation Prove { reauthenticate { accessToken expiresIn } }");
  const out = world.clock.sleep(50).then(() => b.signOut());
  await clock(Promise.all([proved, out]));
  await pause();
  assert.deepEqual([a.session.state, b.session.state], ["signed-out", "signed-out"]);
});

test("a mutation of which a part may be done is not sent again, and one that was refused is", async () => {
  const error = (path?: unknown[]) => ({ message: "no", ...(path && { path }), extensions: { code: "UNAUTHENTICATED", reason: "expired" } });
  for (const [query, answer, again] of [
    ["mutation { a b }", { data: null, errors: [error(["b"])] }, false],
    ["mutation { a b }", { errors: [error()] }, true],
    ["mutation { a }", { data: null, errors: [error(["a"])] }, true],
    ["mutation { a { b } }", { data: null, errors: [error(["a", "b"])] }, false],
    ["mutation { a { b } }", { data: { a: { b: null } }, errors: [error(["a", "b"])] }, false],
    ["mutation { ...F } fragment F on Mutation { a }", { data: null, errors: [error(["a"])] }, false],
    ["{ a b }", { data: { a: 1, b: null }, errors: [error(["b"])] }, true],
  ] as const) {
    const { world, a, clock } = await twoTabs();
    let sent = 0;
    const serve = world.serve.bind(world);
    world.serve = async (init, mode) => {
      if (String(init.body).includes("Refresh")) return serve(init, mode);
      sent += 1;
      return Response.json(answer);
    };
    await clock(codeOf(a.request(query)));
    assert.equal(sent, again ? 2 : 1, `${query}: ${JSON.stringify(answer)}`);
  }
});

test("used: the next cookie is waited for, and a copy is told by the second attempt", async () => {
  const world = new World(random(2));
  const server = world.begin();
  const [a, b] = [world.tab({}, alone), world.tab({}, alone)];
  server.generation = 2; // another program was quicker, and quicker again
  server.advanced = world.clock.time;
  const started = a.start();
  await world.clock.until(world.clock.sleep(5000));
  assert.equal(a.session.state, "unknown");
  world.cookie = `${server.id}/2`;
  await world.clock.until(started);
  assert.deepEqual([a.session.state, server.ended], ["signed-in", false]);

  server.generation = 4;
  server.advanced = world.clock.time;
  world.cookie = `${server.id}/2`; // stolen
  await world.clock.until(b.start());
  assert.deepEqual([b.session.state, server.ended], ["signed-out", true]);
});

test("step-up: a refresh first, then one question for all requests, and each is sent again", async () => {
  let asked: unknown[] = [];
  let tab: Gatehouse | undefined;
  let answer = true;
  const stepUp: Options["stepUp"] = async (need) => {
    asked.push(need);
    if (answer) await tab!.request("mutation Prove { reauthenticate { accessToken expiresIn refreshToken } }");
    return answer;
  };
  const { world, a, b, clock, pause } = await twoTabs({ stepUp });
  tab = a;
  await pause(400_000);
  world.requests = [];
  const careful = (name: string) => `mutation Careful { careful(name: "${name}") { me { id } } }`;
  const outcomes = Promise.all(["1", "2", "3"].map((name) => codeOf(a.request(careful(name)))));
  assert.deepEqual(await clock(outcomes), ["done", "done", "done"]);
  assert.deepEqual(asked, [{ maxAge: 300 }]);
  assert.equal(world.requests.filter((kind) => kind === "Refresh").length, 1);
  for (const name of ["1", "2", "3"]) assert.equal(world.done.get(careful(name)), 1);

  asked = [];
  await pause();
  assert.equal(await clock(codeOf(b.request(careful("4")))), "done");
  assert.deepEqual(asked, [], "what one tab has proved counts in the other");

  await pause(400_000);
  answer = false;
  assert.equal(await clock(codeOf(a.request(careful("5")))), "REAUTHENTICATION_REQUIRED");
  assert.deepEqual(asked, [{ maxAge: 300 }]);
  assert.equal(world.done.get(careful("5")), undefined);
});

test("the memory of a tab is its own, and its session ends with it", async () => {
  const world = new World(random(5));
  const [a, b] = [world.tab({ tokens: "memory" }), world.tab({ tokens: "memory" })] as const;
  assert.equal(a.session.state, "signed-out");
  await world.clock.until(login(a));
  await world.clock.until(world.clock.sleep(700_000));
  assert.equal(await world.clock.until(codeOf(a.request(me))), "done");
  assert.deepEqual([a.session.state, b.session.state], ["signed-in", "signed-out"]);
});

test("an Authorization of the caller's own goes as it is", async () => {
  const { world, a, clock } = await twoTabs();
  world.requests = [];
  const response = await clock(a.fetch("https://api.example/graphql", {
    method: "POST", headers: { authorization: `Bearer x.${btoa('{"exp":0}')}.` }, body: JSON.stringify({ query: me }),
  }));
  assert.equal(((await response.json()) as any).errors[0].extensions.reason, "expired");
  assert.deepEqual(world.requests, ["Me"]);
});

test("no other address gets the token, nor gives a session, however it is asked", async () => {
  const { world, a } = await twoTabs();
  const [before, session] = [world.requests.length, a.session];
  for (const url of [
    "https://other.example/graphql", "http://api.example/graphql", "https://api.example:8443/graphql",
    "https://api.example/graphql/", "https://api.example/", "https://api.example@other.example/graphql",
  ]) {
    for (const init of [{ method: "POST", body: "{}" }, { headers: { Authorization: "Bearer x" } }]) {
      for (const input of [url, new URL(url)]) await assert.rejects(a.fetch(input, init), /use fetch for/, url);
      if (!url.includes("@")) await assert.rejects(a.fetch(new Request(url, init)), /use fetch for/, url);
    }
  }
  assert.deepEqual([world.requests.length, a.session], [before, session]);
});

test("the API is asked by a text, a URL and a Request, whose members go along", async () => {
  const seen: (RequestInit & { of?: Headers })[] = [];
  const world = new World(random(6));
  const a = world.tab({ tokens: "memory" }, {
    fetch: async (input, init) => {
      seen.push({ ...init, ...(input instanceof Request && { of: input.headers }) });
      return Response.json({ data: { me: null } });
    },
  });
  const url = "https://api.example/graphql";
  const post = { method: "POST", body: JSON.stringify({ query: me }) };
  for (const input of [url, new URL(url)]) await a.fetch(input, post);
  await a.fetch(`${url}?query=${encodeURIComponent(me)}`);
  assert.equal(seen.length, 3);
  const members = {
    ...post, redirect: "error", keepalive: true, cache: "no-store", mode: "same-origin", credentials: "omit",
  } as const;
  const stop = new AbortController();
  await a.fetch(new Request(url, { ...members, headers: { "X-Trace": "1" }, signal: stop.signal }));
  const { redirect, keepalive, cache, mode, credentials, method, body, headers, signal } = seen.at(-1)!;
  assert.deepEqual({ redirect, keepalive, cache, mode, credentials, method, body }, members);
  assert.equal(new Headers(headers).get("X-Trace"), "1");
  stop.abort();
  assert.equal(signal?.aborted, true);
  await a.fetch(new Request(url, { ...post, headers: { Authorization: "Bearer mine" } }));
  assert.equal(seen.at(-1)!.of?.get("Authorization"), "Bearer mine");
});

test("a page with a cookie and one with a storage have a session each", async () => {
  const world = new World(random(4));
  const app = world.tab({ tokens: storage() });
  const account = world.tab();
  await world.clock.until(login(app));
  await world.clock.until(login(account, "bob"));
  await world.clock.until(world.clock.sleep(1000));
  assert.deepEqual([app.session.userId, account.session.userId], ["ann", "bob"]);
  await world.clock.until(app.signOut());
  await world.clock.until(world.clock.sleep(1000));
  assert.deepEqual([app.session.state, account.session.state], ["signed-out", "signed-in"]);
  assert.deepEqual([...world.sessions.values()].map(({ user, ended }) => [user, ended]), [["ann", true], ["bob", false]]);
});
