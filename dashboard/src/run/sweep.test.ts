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

  constructor() {
    this.board.states.fill("finished");
    this.board.kinds.fill("search");
    vi.stubGlobal("fetch", async (path: string) => {
      if (this.away) throw new TypeError("nobody there");
      const url = new URL(path, "http://here");
      if (!url.pathname.endsWith("/board")) return new Response(JSON.stringify({ noise: null, targets: [] }));
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
  server.best(3, 9);
  server.board.position = "7.0";
  of.connected("6.0");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(found().board?.columns.get("value")?.values[3]).toBe(9);
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
