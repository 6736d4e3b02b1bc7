import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { syntheticBoard } from "../testing/synthetic";
import { viewOf } from "../testing/wired";
import type { Board } from "../types";
import { Standings, type OfSweep } from "./sweep";

/** A server whose sweep changes, and what it was asked for: null is all rows. */
class Server {
  readonly board: Board = syntheticBoard({ runs: 6, epochs: 5, goal: "maximize" });
  readonly asked: (readonly string[] | null)[] = [];
  away = false;
  /** What is asked of the noise, and how it is answered. */
  progress: () => Response | Promise<Response> = () => new Response(JSON.stringify({ noise: 0.1, targets: [] }));
  noises = 0;

  constructor() {
    this.board.states.fill("finished");
    this.board.kinds.fill("search");
    vi.stubGlobal("fetch", async (path: string) => {
      if (this.away) throw new TypeError("nobody there");
      const url = new URL(path, "http://here");
      if (!url.pathname.endsWith("/board")) {
        this.noises += 1;
        return this.progress();
      }
      const runs = url.searchParams.get("runs")?.split(",") ?? null;
      this.asked.push(runs);
      return new Response(JSON.stringify(viewOf(this.board, runs?.flatMap((run) => this.board.rows.get(run) ?? []))));
    });
  }

  best(row: number, value: number): void {
    this.board.columns.get("value")!.values[row] = value;
    this.board.head = { ...this.board.head, best: row };
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function standings(server: Server): Promise<{ of: Standings; found: () => OfSweep }> {
  let found: OfSweep | null = null;
  const of = new Standings({ kind: "sweep", id: "s" }, server.board.ids[0] ?? "", null, (news) => {
    found = news;
  });
  of.look();
  await vi.advanceTimersByTimeAsync(1_000);
  return { of, found: () => found! };
}

test("all rows are asked for once, and then the own one and those that it is compared with", async () => {
  const server = new Server();
  server.board.head = { ...server.board.head, best: 2, baseline: 1 };
  const { of } = await standings(server);
  of.look();
  await vi.advanceTimersByTimeAsync(1_000);
  const { ids } = server.board;
  expect(server.asked).toEqual([null, [ids[0], ids[2], ids[1]]]);
});

test("a run that ended is asked for when it is told of, also of a run that is over itself", async () => {
  const server = new Server();
  const { of, found } = await standings(server);
  server.best(4, 7);
  of.changed(server.board.ids[4] ?? "");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(found().board?.head.best).toBe(4);
  expect(found().board?.columns.get("value")?.values[4]).toBe(7);
  expect(server.asked.filter((runs) => runs === null)).toHaveLength(1);
});

test("another best than was asked for is asked for too: its row may be an old one", async () => {
  const server = new Server();
  const { of, found } = await standings(server);
  server.best(5, 8);
  of.look();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(found().board?.columns.get("value")?.values[5]).toBe(8);
});

test("a best run that is not known yet is never taken for none", async () => {
  const server = new Server();
  const { of, found } = await standings(server);
  const fresh = syntheticBoard({ runs: 8, epochs: 5, goal: "maximize" });
  Object.assign(server.board, fresh, { head: { ...fresh.head, best: 7 } });
  of.look();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(found().board?.head.best).toBe(7);
  expect(found().board?.n).toBe(8);
});

test("what happened between the first rows and the stream's begin is not missed", async () => {
  const server = new Server();
  server.board.position = "5.0";
  const { of, found } = await standings(server);
  of.connected("5.9");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(server.asked).toHaveLength(1);
  const other = await standings(server);
  server.best(3, 9);
  server.board.position = "7.0";
  // The answer for some runs is newer than what is known of the others.
  other.of.look();
  await vi.advanceTimersByTimeAsync(1_000);
  server.best(4, 9);
  other.of.connected("6.0");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(other.found().board?.columns.get("value")?.values[4]).toBe(9);
  expect(found().board?.n).toBe(6);
});

test("an answer that the browser kept, with its old place, is asked for once more and not without end", async () => {
  const server = new Server();
  server.board.position = "5.0";
  const { of } = await standings(server);
  of.connected("9.0");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.asked).toEqual([null, null]);
  of.connected("12.0");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.asked).toHaveLength(2);
});

test("a noise that failed is asked for again, and rows do not wait for it", async () => {
  const server = new Server();
  server.progress = () => new Response("{}", { status: 500 });
  const { of, found } = await standings(server);
  expect([found().noise, found().board?.n]).toEqual([null, 6]);
  let answer: (given: Response) => void = () => undefined;
  server.progress = () => new Promise((given) => {
    answer = given;
  });
  await vi.advanceTimersByTimeAsync(3_000);
  server.best(4, 7);
  of.changed(server.board.ids[4] ?? "");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(found().board?.head.best).toBe(4);
  answer(new Response(JSON.stringify({ noise: 0.2, targets: [] })));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(found().noise).toBe(0.2);
  expect(server.noises).toBe(2);
});

test("a run that is no training of the search asks for the noise again", async () => {
  const server = new Server();
  const { of, found } = await standings(server);
  expect(found().noise).toBe(0.1);
  server.progress = () => new Response(JSON.stringify({ noise: 0.3, targets: [] }));
  of.changed(server.board.ids[4] ?? "");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(found().noise).toBe(0.1);
  server.board.kinds[4] = "repeat";
  of.changed(server.board.ids[4] ?? "");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(found().noise).toBe(0.3);
});

test("runs that are new and end in another order than they began are a few rows, not all", async () => {
  const server = new Server();
  const { of, found } = await standings(server);
  Object.assign(server.board, syntheticBoard({ runs: 8, epochs: 5, goal: "maximize" }));
  for (const row of [7, 6]) {
    of.changed(server.board.ids[row] ?? "");
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(found().board?.n).toBe(8);
  expect(server.asked.filter((runs) => runs === null)).toHaveLength(1);
  server.board.head = { ...server.board.head, specVersion: 2 };
  of.look();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(server.asked.at(-1)).toBe(null);
});

test("a model that thinks, or a server that is away, is asked less and less, and at once when something happens", async () => {
  const server = new Server();
  server.board.head = { ...server.board.head, advising: true };
  const { of } = await standings(server);
  await vi.advanceTimersByTimeAsync(600_000);
  const asked = server.asked.length;
  expect(asked).toBeGreaterThan(8);
  expect(asked).toBeLessThan(20);
  of.look();
  await vi.advanceTimersByTimeAsync(7_500);
  expect(server.asked.length - asked).toBe(3);
});

test("a request that failed is made again, with all that was to be asked for", async () => {
  const server = new Server();
  const { of, found } = await standings(server);
  server.away = true;
  server.best(4, 7);
  of.changed(server.board.ids[4] ?? "");
  await vi.advanceTimersByTimeAsync(1_000);
  server.away = false;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(found().board?.columns.get("value")?.values[4]).toBe(7);
});
