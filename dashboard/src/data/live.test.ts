import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { listen, type Browser, type Message } from "./live";

/** The parts of a browser that several tabs share, for tabs that are all in this test. */
class Machine {
  readonly streams: Stream[] = [];
  private readonly made: Channel[] = [];
  private readonly channels = new Map<string, Set<Channel>>();
  private readonly held = new Map<string, { release: () => void; broken: (why: Error) => void }>();
  private readonly waiting = new Map<string, (() => void)[]>();

  tab(locks = true): Browser {
    return {
      source: (url) => {
        const stream = new Stream(url);
        this.streams.push(stream);
        return stream as Pick<EventSource, keyof EventSource> as EventSource;
      },
      channel: (name) => {
        const all = this.channels.get(name) ?? new Set<Channel>();
        this.channels.set(name, all);
        const channel = new Channel(all);
        all.add(channel);
        this.made.push(channel);
        return channel as Pick<BroadcastChannel, keyof BroadcastChannel> as BroadcastChannel;
      },
      locks: locks ? this.locks() : null,
    };
  }

  /** Browsers freeze hidden tabs: what the tab would say is not said. */
  freeze(tab: number): void {
    const channel = this.made[tab];
    if (channel) channel.frozen = true;
  }

  get open(): Stream[] {
    return this.streams.filter((stream) => stream.readyState !== 2);
  }

  private locks(): LockManager {
    const request = (name: string, options: LockOptions, act: (lock: null) => unknown): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const take = (): void => {
          const mine = { release: () => undefined, broken: reject };
          this.held.set(name, mine);
          void Promise.resolve(act(null)).then((value) => {
            if (this.held.get(name) === mine) {
              this.held.delete(name);
              this.waiting.get(name)?.shift()?.();
            }
            resolve(value);
          });
        };
        const holder = this.held.get(name);
        if (!holder) take();
        else if (options.steal) {
          holder.broken(new Error("stolen"));
          take();
        } else this.waiting.set(name, [...(this.waiting.get(name) ?? []), take]);
      });
    const query = async (): Promise<LockManagerSnapshot> => ({ held: [...this.held.keys()].map((name) => ({ name })), pending: [] });
    return { request, query } as LockManager;
  }
}

class Stream extends EventTarget {
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSED = 2;
  readonly withCredentials = false;
  readyState = 0;
  onerror: ((event: Event) => unknown) | null = null;
  onmessage = null;
  onopen = null;

  constructor(readonly url: string) {
    super();
  }

  send(type: string, position: string, data: object = {}): void {
    this.dispatchEvent(new MessageEvent(type, { lastEventId: position, data: JSON.stringify(data) }));
  }

  fail(): void {
    this.onerror?.(new Event("error"));
  }

  close(): void {
    this.readyState = 2;
  }
}

class Channel extends EventTarget {
  readonly name = "";
  frozen = false;
  onmessage: ((event: MessageEvent) => unknown) | null = null;
  onmessageerror = null;

  constructor(private readonly all: Set<Channel>) {
    super();
  }

  postMessage(data: unknown): void {
    if (this.frozen) return;
    for (const other of this.all) if (other !== this) other.onmessage?.(new MessageEvent("message", { data: structuredClone(data) }));
  }

  close(): void {
    this.all.delete(this);
  }
}

const point = (run: string, step: number): object => ({ run, step, value: step / 10, attempt: 1 });
const settled = (): Promise<void> => vi.advanceTimersByTimeAsync(0).then(() => undefined);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

test("a stream goes on behind the board's position, and again where it was after a failure", async () => {
  const machine = new Machine();
  const heard: Message[] = [];
  const feed = listen("sweep=s", "3.7", (message) => heard.push(message), machine.tab(false));
  expect(machine.streams[0]?.url).toBe("/api/events?sweep=s&after=3.7");
  expect(feed.state.value).toBe("connecting");
  machine.streams[0]?.send("hello", "3.7");
  expect(feed.state.value).toBe("live");
  machine.streams[0]?.send("point", "3.8", point("r", 1));
  machine.streams[0]?.send("event", "4.8", { type: "run.ended", sweep: "s", run: "r" });
  expect(heard).toEqual([
    { kind: "point", run: "r", step: 1, value: 0.1, attempt: 1 }, { kind: "event", type: "run.ended", sweep: "s", run: "r" },
  ]);
  machine.streams[0]?.fail();
  expect(feed.state.value).toBe("reconnecting");
  await vi.advanceTimersByTimeAsync(5000);
  expect(machine.streams[1]?.url).toBe("/api/events?sweep=s&after=4.8");
  machine.streams[1]?.send("hello", "4.8");
  machine.streams[1]?.send("point", "4.8", point("r", 1));
  expect(heard).toHaveLength(2);
  feed.close();
  expect(machine.open).toHaveLength(0);
});

test("a server that stays away is said to sleep, and is still tried", async () => {
  const machine = new Machine();
  const feed = listen("sweep=s", "0.0", () => undefined, machine.tab(false));
  for (let time = 0; time < 3; time += 1) {
    machine.open[0]?.fail();
    await vi.advanceTimersByTimeAsync(5000);
  }
  expect(feed.state.value).toBe("asleep");
  machine.open[0]?.send("hello", "0.0");
  expect(feed.state.value).toBe("live");
  feed.close();
});

test("a stream of another store, whose positions begin anew, is a gap", () => {
  const machine = new Machine();
  const heard: Message[] = [];
  const feed = listen("sweep=s", "30.70", (message) => heard.push(message), machine.tab(false));
  machine.open[0]?.send("hello", "2.0");
  expect(heard).toEqual([{ kind: "gap" }]);
  machine.open[0]?.send("point", "2.1", point("r", 1));
  expect(heard).toHaveLength(2);
  feed.close();
});

test("tabs share one stream, and the next takes it over where it was", async () => {
  const machine = new Machine();
  const heard: Message[][] = [[], [], []];
  const feeds = heard.map((all) => listen("sweep=s", "0.0", (message) => all.push(message), machine.tab()));
  await settled();
  expect(machine.open).toHaveLength(1);
  machine.open[0]?.send("hello", "0.0");
  machine.open[0]?.send("point", "0.1", point("r", 1));
  expect(heard.map((all) => all.length)).toEqual([1, 1, 1]);
  expect(feeds.map((feed) => feed.state.value)).toEqual(["live", "live", "live"]);
  feeds[0]?.close();
  await settled();
  expect(machine.open.map((stream) => stream.url)).toEqual(["/api/events?sweep=s&after=0.1"]);
  machine.open[0]?.send("hello", "0.1");
  machine.open[0]?.send("point", "0.2", point("r", 2));
  expect(heard.map((all) => all.length)).toEqual([1, 2, 2]);
  feeds.forEach((feed) => feed.close());
  await settled();
  expect(machine.open).toHaveLength(0);
});

test("the stream's word how far it is moves all tabs, and is no gap", async () => {
  const machine = new Machine();
  const heard: Message[][] = [[], []];
  const feeds = heard.map((all) => listen("run=r&rivals=true", "0.0", (message) => all.push(message), machine.tab()));
  await settled();
  machine.open[0]?.send("hello", "0.0");
  machine.open[0]?.send("hello", "70.0");
  machine.open[0]?.send("event", "71.0", { type: "run.finished", sweep: "s", run: "q" });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(heard.map((all) => all.map(({ kind }) => kind))).toEqual([["event"], ["event"]]);
  expect(feeds.map((feed) => feed.position())).toEqual(["71.0", "71.0"]);
  feeds.forEach((feed) => feed.close());
});

test("a tab that was not told of something notices the gap", async () => {
  const machine = new Machine();
  const leader = listen("sweep=s", "0.50", () => undefined, machine.tab());
  const heard: Message[] = [];
  const late = listen("sweep=s", "0.10", (message) => heard.push(message), machine.tab());
  await settled();
  machine.open[0]?.send("hello", "0.50");
  expect(heard).toEqual([{ kind: "gap" }]);
  machine.open[0]?.send("point", "0.51", point("r", 1));
  expect(heard.at(-1)).toMatchObject({ kind: "point", step: 1 });
  leader.close();
  late.close();
});

test("a visible tab whose leader went silent takes the lead, and nobody takes it while the leader speaks", async () => {
  const machine = new Machine();
  const leader = listen("sweep=s", "0.0", () => undefined, machine.tab());
  await settled();
  const follower = listen("sweep=s", "0.5", () => undefined, machine.tab());
  await vi.advanceTimersByTimeAsync(60_000);
  expect(machine.streams).toHaveLength(1);
  machine.freeze(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(machine.open.map((stream) => stream.url)).toEqual(["/api/events?sweep=s&after=0.5"]);
  leader.close();
  follower.close();
});

test("a tab that is looked at while the next try is due has one stream, not two", async () => {
  const machine = new Machine();
  const feed = listen("sweep=s", "0.0", () => undefined, machine.tab());
  await settled();
  machine.open[0]?.fail();
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(machine.open).toHaveLength(1);
  feed.close();
});
