// What tests of tabs have in common.
import { GatehouseError, type Gatehouse, type Options, type Platform } from "../src/index.js";
import { random, World } from "./world.js";

export const me = "query Me { me { id } }";

/** A tab that neither waits for others nor hears of them. */
export const alone: Partial<Platform> = { locks: undefined, channel: undefined };

export function storage() {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
}

export const login = (tab: Gatehouse, user = "ann") =>
  tab.request("mutation Login { login { accessToken expiresIn refreshToken } }", { user });

export const write = (name: string) => `mutation Write { write(name: "${name}") { me { id } } }`;

export async function twoTabs(options: Partial<Options> = {}, without: Partial<Platform> = {}) {
  const world = new World(random(3));
  const server = world.begin();
  const [a, b] = [world.tab(options, without), world.tab(options, without)] as const;
  await world.clock.until(Promise.all([a.start(), b.start()]));
  const clock = <T>(promise: Promise<T>) => world.clock.until(promise);
  const pause = (milliseconds = 1000) => world.clock.until(world.clock.sleep(milliseconds));
  return { world, server, a, b, clock, pause };
}

export const codeOf = (promise: Promise<unknown>) =>
  promise.then(() => "done", (error: unknown) => (error instanceof GatehouseError ? error.errors[0]!.code : String(error)));
