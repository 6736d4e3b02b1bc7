/**
 * The stream of what happens. One tab of the browser holds it and tells the others, because browsers allow about six
 * connections to a server over HTTP/1.1: whoever holds a Web Lock leads, the others listen to its BroadcastChannel.
 * Where there are no locks (plain HTTP from another machine), each tab has its own.
 *
 * Every message carries the position before and behind it, so a tab knows when it missed some and then asks for all
 * again. A visible tab that hears nothing of its leader for a while takes the lead: browsers freeze hidden tabs.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { root } from "../root";
import { spelled } from "./board";

export interface Happened {
  readonly kind: "event";
  readonly type: string;
  readonly sweep: string | null;
  readonly run: string | null;
}
export interface Point {
  readonly kind: "point";
  readonly run: string;
  readonly attempt: number;
  readonly step: number;
  readonly value: number;
}
/** "gap": something was missed, so everything is to be asked for again. */
export type Message = Happened | Point | { readonly kind: "gap" };

/** "asleep": no server there for some time; it is still tried. */
export type Liveness = "connecting" | "live" | "reconnecting" | "asleep" | "frozen";

export interface Feed {
  readonly state: ReadonlySignal<Liveness>;
  /** The place behind the last message; "" before there is any. */
  readonly position: () => string;
  close(): void;
}

/** What of the browser is needed; tests give their own. */
export interface Browser {
  source(url: string): EventSource;
  channel(name: string): BroadcastChannel | null;
  readonly locks: LockManager | null;
}

export const browser: Browser = {
  source: (url) => new EventSource(url),
  channel: (name) => (typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(name)),
  locks: typeof navigator !== "undefined" && "locks" in navigator ? navigator.locks : null,
};

const BEAT_MS = 5_000;
const SILENCE_MS = 15_000;
const RETRY_MS = 3_000;
const ASLEEP_AFTER = 3;
/** More streams than this in one browser, and hidden tabs give theirs up until they are looked at. */
const STREAMS = 3;

/** What a new listener sends, so that the leader says how things stand. */
const ASKED = "asked";

interface Told {
  readonly state: Liveness;
  readonly before: string;
  readonly position: string;
  readonly message?: Happened | Point;
  readonly pulse?: true;
}

type Place = readonly [event: number, point: number];

function place(position: string): Place {
  const [event = "0", point = "0"] = position.split(".");
  return [Number(event), Number(point)];
}

/** Whether what is known at `one` lacks events that are before `other`. */
export function behind(one: string, other: string): boolean {
  return other !== "" && place(one)[0] < place(other)[0];
}

function furthest(one: string, other: string): string {
  const [a, b] = [place(one), place(other)];
  return `${Math.max(a[0], b[0])}.${Math.max(a[1], b[1])}`;
}

function beyond(one: string, other: string): boolean {
  const [a, b] = [place(one), place(other)];
  return a[0] > b[0] || a[1] > b[1];
}

function isTold(data: unknown): data is Told {
  return typeof data === "object" && data !== null && "state" in data && "position" in data && "before" in data;
}

/**
 * `filter` as the server takes it (`sweep=ID`); it goes on behind `position`, or from now on where that is "". `lived`: the
 * one run that is listened to (`run=ID`) showed life. That has no place among the messages: one that is missed is made
 * good by the next, and whoever is live again asks for what is new anyway.
 */
export function listen(
  filter: string, position: string, hear: (message: Message) => void, { source, channel: open, locks }: Browser = browser,
  lived: () => void = () => undefined,
): Feed {
  const state = signal<Liveness>("connecting");
  const name = `swept:${root}:${filter}`;
  const channel = locks ? open(name) : null;
  let at = position;
  let events: EventSource | null = null;
  let closed = false;
  let misses = 0;
  let heard = Date.now();
  let release: (() => void) | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const tell = (before: string, message?: Happened | Point): void => {
    const told: Told = { state: state.value, before, position: at, ...(message ? { message } : {}) };
    channel?.postMessage(told);
  };
  const become = (next: Liveness): void => {
    if (state.value === next) return;
    state.value = next;
    tell(at);
  };

  const disconnect = (): void => {
    clearTimeout(retry);
    events?.close();
    events = null;
  };

  const connect = (): void => {
    if (closed) return;
    // Somebody may have looked at the tab while the next try was due: two streams would both stay open.
    disconnect();
    const after = at ? `&after=${at}` : "";
    const stream = source(`${root}/api/events?${filter}${after}`);
    events = stream;
    const arrived = (message: MessageEvent<string>, read?: (data: Record<string, unknown>) => Happened | Point): void => {
      const before = at;
      const news = !at || beyond(message.lastEventId, at);
      // Another store's positions begin anew: what was known says nothing any more.
      const fresh = read === undefined && at !== "" && beyond(at, message.lastEventId);
      at = message.lastEventId || at;
      misses = 0;
      become("live");
      if (fresh) hear({ kind: "gap" });
      // Now and then a word says how far the stream is, where all that happened is not for this page.
      if (!read && news && !fresh && before) tell(before);
      if (!read) return;
      const data = parsed(message.data);
      if (!data || !news) return;
      const told = read(data);
      tell(before, told);
      hear(told);
    };
    stream.addEventListener("hello", (message) => arrived(message));
    stream.addEventListener("event", (message) => arrived(message, happened));
    stream.addEventListener("point", (message) => arrived(message, point));
    stream.addEventListener("pulse", () => {
      const told: Told = { state: state.value, before: at, position: at, pulse: true };
      channel?.postMessage(told);
      lived();
    });
    stream.onerror = () => {
      if (closed || events !== stream) return;
      misses += 1;
      become(misses >= ASLEEP_AFTER ? "asleep" : "reconnecting");
      // Not left to the browser: it does not try again after an answer that is no stream, and asks from the old address.
      stream.close();
      events = null;
      retry = setTimeout(connect, RETRY_MS);
    };
  };

  const lead = (steal: boolean): void => {
    if (!locks || closed) return;
    const held = new Promise<void>((resolve) => {
      const asked = locks.request(name, steal ? { steal: true } : {}, () => {
        if (closed) return undefined;
        connect();
        return new Promise<void>((free) => {
          release = free;
        });
      });
      // Another tab took the lead: listen, and stand in line again.
      asked.then(() => resolve(), () => {
        disconnect();
        release = null;
        heard = Date.now();
        if (!closed) lead(false);
        resolve();
      });
    });
    void held;
  };

  if (channel) {
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data === ASKED && events) tell(at);
      if (!isTold(data) || events) return;
      heard = Date.now();
      state.value = data.state;
      const gap = at !== "" && data.before !== "" && beyond(data.before, at);
      if (!at || beyond(data.position, at)) {
        at = at ? furthest(at, data.position) : data.position;
        if (data.message && !gap) hear(data.message);
      }
      if (gap) hear({ kind: "gap" });
      if (data.pulse) lived();
    };
  }

  const visible = (): boolean => document.visibilityState === "visible";
  const beat = setInterval(() => {
    if (events) tell(at);
    else if (locks && !release && visible() && Date.now() - heard > SILENCE_MS) {
      heard = Date.now();
      lead(true);
    }
  }, BEAT_MS);

  /** Where a browser has many streams, those of hidden tabs are let go; each goes on where it was when it is looked at. */
  const looked = (): void => {
    if (!locks || closed) return;
    if (visible()) {
      if (release && !events) connect();
      return;
    }
    void locks.query().then(({ held }) => {
      const streams = held?.filter((lock) => lock.name?.startsWith(`swept:${root}:`)).length ?? 0;
      if (streams > STREAMS && !visible()) disconnect();
    });
  };
  document.addEventListener("visibilitychange", looked);

  if (channel) {
    channel.postMessage(ASKED);
    lead(false);
  } else connect();

  return {
    state,
    position: () => at,
    close: () => {
      closed = true;
      clearInterval(beat);
      document.removeEventListener("visibilitychange", looked);
      disconnect();
      channel?.close();
      release?.();
    },
  };
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && data !== null ? Object.fromEntries(Object.entries(data)) : null;
  } catch {
    return null;
  }
}

const text = (value: unknown): string | null => (typeof value === "string" ? value : null);

function happened(data: Record<string, unknown>): Happened {
  return { kind: "event", type: text(data["type"]) ?? "", sweep: text(data["sweep"]), run: text(data["run"]) };
}

function point(data: Record<string, unknown>): Point {
  return {
    kind: "point", run: text(data["run"]) ?? "", attempt: spelled(data["attempt"]), step: spelled(data["step"]),
    value: spelled(data["value"]),
  };
}
