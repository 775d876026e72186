/** What the kit uses of its environment; a test may give its own. */
export interface Platform {
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  now(): number;
  sleep(milliseconds: number): Promise<unknown>;
  /** Web Locks. */
  locks?: Pick<LockManager, "request"> | undefined;
  channel?: ((name: string) => Channel) | undefined;
}

/** What is used of a BroadcastChannel. */
export interface Channel {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** The environment of this page. A server, which has no `location`, serves many users: it shares nothing. */
export function platform(shared: boolean): Platform {
  const tabs = shared && "location" in globalThis;
  return {
    fetch: (input, init) => fetch(input, init),
    now: Date.now,
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    locks: tabs ? navigator.locks : undefined, // undefined, too, in pages of http beyond loopback
    channel: tabs && "BroadcastChannel" in globalThis ? (name) => new BroadcastChannel(name) : undefined,
  };
}

/** The tabs of a browser that share a session. */
export interface Tabs<Message> {
  /** Does one thing at a time over all tabs. `waited` says whether another tab did something before. */
  exclusively<T>(work: (waited: boolean) => Promise<T>): Promise<T>;
  publish(message: Message): void;
  close(): void;
}

export function joinTabs<Message>(
  name: string,
  { locks, channel }: Platform,
  receive: (message: Message) => void,
): Tabs<Message> {
  const wire = channel?.(name);
  if (wire) wire.onmessage = ({ data }) => receive(data as Message);
  let last: Promise<unknown> = Promise.resolve();

  async function inTurn<T>(work: (waited: boolean) => Promise<T>): Promise<T> {
    if (!locks) return work(false);
    let done: { value: T } | undefined;
    await locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock) done = { value: await work(false) };
    });
    return done ? done.value : locks.request(name, () => work(true));
  }

  return {
    exclusively(work) {
      const turn = last.then(() => inTurn(work));
      last = turn.catch(() => {});
      return turn;
    },
    publish: (message) => wire?.postMessage(message),
    close: () => wire?.close(),
  };
}
