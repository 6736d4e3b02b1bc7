import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { signal } from "@preact/signals";
import { syntheticBoard, syntheticCurves, syntheticSource } from "../testing/synthetic";
import { emptyCurves, viewOf } from "../testing/wired";
import type { Board, Curves, Source } from "../types";
import { boardOf } from "./board";
import { change, lengthOf } from "./curves";
import type { Liveness, Message } from "./live";
import { SweepData, type Updates } from "./sweep";

const OPTIONS = { runs: 12, epochs: 8, seed: 3, running: 3 };

/** A server whose sweep the test changes: the page has to come to the same picture. */
class Server {
  readonly board: Board = syntheticBoard(OPTIONS);
  readonly curves: Curves = syntheticCurves(OPTIONS);
  readonly asked: (readonly string[] | undefined)[] = [];
  hear: (message: Message) => void = () => undefined;
  away = false;
  /** Answers with curves are made at once, and arrive so much later. */
  slow = 0;
  /** Of each request for curves, whether it wanted times. */
  readonly timed: boolean[] = [];

  source(): Source {
    return {
      ...syntheticSource(OPTIONS),
      board: async () => {
        if (this.away) throw new Error("no server");
        return boardOf(structuredClone(viewOf(this.board)));
      },
      curves: (_, __, timed = false) => this.arriving(this.part(timed)),
    };
  }

  updates(): Updates {
    return {
      view: async (_, runs) => {
        this.asked.push(runs);
        if (this.away) throw new Error("no server");
        return structuredClone(viewOf(this.board, this.rowsOf(runs)));
      },
      curves: (_, __, timed, runs) => this.arriving(this.part(timed, runs)),
      listen: (_, __, hear) => {
        this.hear = hear;
        return { state: signal<Liveness>("live"), position: () => "", close: () => undefined };
      },
    };
  }

  report(row: number, step: number, value: number): void {
    change(this.curves, this.board.n, new Map([[row, { keep: lengthOf(this.curves, row), steps: [step], values: [value], times: [1] }]]));
    const column = this.board.columns.get("value");
    if (column) column.values[row] = value;
    this.hear({ kind: "point", run: this.board.ids[row] ?? "", step, value, attempt: 1 });
  }

  /** Takes a run out of all that is there. */
  delete(row: number): void {
    const id = this.board.ids[row] ?? "";
    const kept = this.board.ids.filter((one) => one !== id);
    const rest = this.part(true, kept);
    Object.assign(this.board, boardOf(viewOf(this.board, this.rowsOf(kept))));
    Object.assign(this.curves, rest);
    this.hear({ kind: "event", type: "run.deleted", sweep: "s", run: id });
  }

  private arriving(made: Curves): Promise<Curves> {
    const { slow } = this;
    return slow ? new Promise((resolve) => setTimeout(() => resolve(made), slow)) : Promise.resolve(made);
  }

  private rowsOf(runs: readonly string[] | undefined): number[] | undefined {
    return runs?.flatMap((id) => this.board.rows.get(id) ?? []).sort((a, b) => a - b);
  }

  private part(timed: boolean, runs?: readonly string[]): Curves {
    this.timed.push(timed);
    const rows = this.rowsOf(runs) ?? [...this.board.ids.keys()];
    const made = emptyCurves("mAP50", rows.length);
    change(made, rows.length, new Map(rows.map((row, at) => {
      const [from, to] = [this.curves.offsets[row] ?? 0, this.curves.offsets[row + 1] ?? 0];
      return [at, {
        keep: 0, steps: this.curves.steps.slice(from, to), values: this.curves.values.slice(from, to), times: this.curves.times.slice(from, to),
      }];
    })));
    return timed ? made : { ...made, times: new Float32Array() };
  }
}

async function opened(server: Server): Promise<SweepData> {
  const data = new SweepData({ kind: "sweep", id: "s" }, server.source(), server.updates());
  await data.open();
  await vi.advanceTimersByTimeAsync(0);
  return data;
}

function curveOf(data: SweepData, row: number): number[] {
  const state = data.curves.value;
  if (state.state !== "ready") throw new Error("no curves");
  return [...state.value.values.subarray(state.value.offsets[row], state.value.offsets[row + 1])];
}

function boardIn(data: SweepData): Board {
  const state = data.board.value;
  if (state.state !== "ready") throw new Error("no board");
  return state.value;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

test("a point is in the board and at the end of its curve within a tenth of a second", async () => {
  const server = new Server();
  const data = await opened(server);
  const before = curveOf(data, 10);
  const version = data.version.value;
  server.report(10, 50, 0.5);
  server.report(10, 51, 0.75);
  await vi.advanceTimersByTimeAsync(100);
  expect(curveOf(data, 10)).toEqual([...before, 0.5, 0.75]);
  expect(boardIn(data).columns.get("value")?.values[10]).toBe(0.75);
  expect(data.version.value).toBeGreaterThan(version);
  expect(server.asked).toEqual([]);
  data.close();
});

test("a point after a pause is taken at once, more of them together", async () => {
  const server = new Server();
  const data = await opened(server);
  const before = curveOf(data, 10).length;
  server.report(10, 50, 0.5);
  expect(curveOf(data, 10)).toHaveLength(before + 1);
  const version = data.curvesVersion.value;
  server.report(10, 51, 0.6);
  server.report(10, 52, 0.7);
  expect(data.curvesVersion.value).toBe(version);
  await vi.advanceTimersByTimeAsync(100);
  expect(data.curvesVersion.value).toBe(version + 1);
  expect(curveOf(data, 10)).toHaveLength(before + 3);
  data.close();
});

test("runs that changed are asked for together, and only they", async () => {
  const server = new Server();
  const data = await opened(server);
  for (const row of [3, 5, 3]) {
    server.board.states[row] = "killed";
    server.hear({ kind: "event", type: "run.ended", sweep: "s", run: server.board.ids[row] ?? "" });
  }
  await vi.advanceTimersByTimeAsync(1000);
  expect(server.asked).toEqual([["r000004", "r000006"]]);
  expect(boardIn(data).states[3]).toBe("killed");
  data.close();
});

test("a step once more is another attempt: its curve is asked for again", async () => {
  const server = new Server();
  const data = await opened(server);
  const had = curveOf(data, 10).length;
  change(server.curves, 12, new Map([[10, { keep: 0, steps: [1], values: [0.25], times: [1] }]]));
  server.hear({ kind: "point", run: "r000011", step: 1, value: 0.25, attempt: 2 });
  await vi.advanceTimersByTimeAsync(100);
  expect(curveOf(data, 10)).toHaveLength(had);
  await vi.advanceTimersByTimeAsync(1000);
  expect(curveOf(data, 10)).toEqual([0.25]);
  data.close();
});

test("a run that was not known is appended with its curve", async () => {
  const server = new Server();
  const data = await opened(server);
  const more = syntheticBoard({ ...OPTIONS, runs: 13 });
  Object.assign(server.board, more);
  change(server.curves, 13, new Map([[12, { keep: 0, steps: [1, 2], values: [0.125, 0.25], times: [1, 2] }]]));
  server.hear({ kind: "event", type: "run.claimed", sweep: "s", run: "r000013" });
  await vi.advanceTimersByTimeAsync(1000);
  expect(boardIn(data).n).toBe(13);
  expect(curveOf(data, 12)).toEqual([0.125, 0.25]);
  data.close();
});

test("what could not be asked for is asked for again", async () => {
  const server = new Server();
  const data = await opened(server);
  server.away = true;
  server.board.states[3] = "killed";
  server.hear({ kind: "event", type: "run.ended", sweep: "s", run: "r000004" });
  await vi.advanceTimersByTimeAsync(3000);
  expect(boardIn(data).states[3]).not.toBe("killed");
  server.away = false;
  await vi.advanceTimersByTimeAsync(5000);
  expect(boardIn(data).states[3]).toBe("killed");
  data.close();
});

test("while the model is being asked for advice, so is the head alone", async () => {
  const server = new Server();
  server.board.head = { ...server.board.head, advising: true };
  const data = await opened(server);
  await vi.advanceTimersByTimeAsync(2500);
  expect(server.asked).toEqual([[]]);
  server.board.head = { ...server.board.head, advising: false };
  await vi.advanceTimersByTimeAsync(20_000);
  expect(server.asked).toEqual([[], []]);
  expect(boardIn(data).n).toBe(12);
  data.close();
});

test("times of the points are asked for when somebody wants curves over time, then always", async () => {
  const server = new Server();
  const data = await opened(server);
  const times = (): number => (data.curves.value.state === "ready" ? data.curves.value.value.times.length : NaN);
  expect(times()).toBe(0);
  await data.showTimes();
  expect(times()).toBeGreaterThan(0);
  await data.showTimes(false);
  server.hear({ kind: "event", type: "run.ended", sweep: "s", run: "r000004" });
  await vi.advanceTimersByTimeAsync(1000);
  expect(server.timed).toEqual([false, true, true]);
  data.close();
});

test("a project's curves are without times again when nobody wants curves over time: only so they are in their axis' order", async () => {
  const server = new Server();
  const data = new SweepData({ kind: "project", id: "p" }, server.source(), server.updates());
  await data.open();
  await vi.advanceTimersByTimeAsync(0);
  await data.showTimes();
  await data.showTimes(false);
  expect(server.timed.slice(-2)).toEqual([true, false]);
  expect(data.curves.value.state === "ready" && data.curves.value.value.times.length).toBe(0);
  data.close();
});

test("after a gap everything is asked for again", async () => {
  const server = new Server();
  const data = await opened(server);
  server.board.states[1] = "killed";
  change(server.curves, 12, new Map([[1, { keep: 0, steps: [1], values: [0.5], times: [1] }]]));
  server.hear({ kind: "gap" });
  await vi.advanceTimersByTimeAsync(1000);
  expect(boardIn(data).states[1]).toBe("killed");
  expect(curveOf(data, 1)).toEqual([0.5]);
  data.close();
});

test("a point that comes while curves are on their way is in them afterwards, once", async () => {
  const server = new Server();
  const data = await opened(server);
  const before = curveOf(data, 10);
  server.slow = 500;
  const loading = data.loadCurves("");
  await vi.advanceTimersByTimeAsync(100);
  server.report(10, 50, 0.5);
  await vi.advanceTimersByTimeAsync(100);
  expect(curveOf(data, 10)).toEqual([...before, 0.5]);
  await vi.advanceTimersByTimeAsync(500);
  await loading;
  expect(curveOf(data, 10)).toEqual([...before, 0.5]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(curveOf(data, 10)).toEqual([...before, 0.5]);
  data.close();
});

test("a point between the first curves and the first board is not missing", async () => {
  const server = new Server();
  const before = [...server.curves.values.subarray(server.curves.offsets[10], server.curves.offsets[11])];
  server.slow = 300;
  const curves = server.source().curves("s", "");
  const data = new SweepData({ kind: "sweep", id: "s" }, { ...server.source(), curves: () => curves }, server.updates());
  const steps = server.board.columns.get("steps");
  server.report(10, 50, 0.5);
  if (steps) steps.values[10] = 50;
  const open = data.open();
  await vi.advanceTimersByTimeAsync(100);
  server.report(10, 51, 0.75);
  await vi.advanceTimersByTimeAsync(300);
  await open;
  server.slow = 0;
  await vi.advanceTimersByTimeAsync(2000);
  expect(curveOf(data, 10)).toEqual([...before, 0.5, 0.75]);
  data.close();
});

test("a run that is deleted goes, and the others keep their curves; whoever keeps rows is told", async () => {
  const server = new Server();
  const data = await opened(server);
  const moved: [string | undefined, string | undefined][] = [];
  data.replaced = (one, other) => moved.push([one.ids[5], other.ids[4]]);
  const kept = curveOf(data, 5);
  server.delete(2);
  server.hear({ kind: "event", type: "run.changed", sweep: "s", run: "r000006" });
  await vi.advanceTimersByTimeAsync(1000);
  const board = boardIn(data);
  expect(board.rows.has("r000003")).toBe(false);
  expect(board.ids[4]).toBe("r000006");
  expect(curveOf(data, 4)).toEqual(kept);
  expect(moved).toEqual([["r000006", "r000006"]]);
  data.close();
});

test("an error that passes takes nothing off the screen", async () => {
  const server = new Server();
  const data = await opened(server);
  server.away = true;
  server.hear({ kind: "gap" });
  await vi.advanceTimersByTimeAsync(1000);
  expect(data.board.value.state).toBe("ready");
  server.away = false;
  server.board.states[1] = "killed";
  await vi.advanceTimersByTimeAsync(5000);
  expect(boardIn(data).states[1]).toBe("killed");
  data.close();
});

test("what the server has to compute is asked for when what has come is drawn", async () => {
  const server = new Server();
  const asked: string[] = [];
  const source = server.source();
  const progress: Source["progress"] = (id) => {
    asked.push("progress");
    return source.progress(id);
  };
  const idle: (() => void)[] = [];
  vi.stubGlobal("requestIdleCallback", (act: () => void) => idle.push(act));
  const data = new SweepData({ kind: "sweep", id: "s" }, { ...source, progress }, server.updates());
  await data.open();
  await vi.advanceTimersByTimeAsync(0);
  expect(data.curves.value.state).toBe("ready");
  expect(asked).toEqual([]);
  idle.forEach((act) => act());
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(["progress"]);
  data.close();
  vi.unstubAllGlobals();
});

test("what a model computes is asked for once at a time, however much happens meanwhile", async () => {
  const server = new Server();
  const answers: (() => void)[] = [];
  const importance: Source["importance"] = () => new Promise((resolve) => {
    answers.push(() => resolve({ runs: answers.length, caution: "", rows: [] }));
  });
  const data = new SweepData({ kind: "sweep", id: "s" }, { ...server.source(), importance }, server.updates());
  await data.open();
  for (let event = 0; event < 5; event += 1) {
    server.hear({ kind: "event", type: "run.finished", sweep: "s", run: "r000001" });
    await vi.advanceTimersByTimeAsync(3000);
  }
  expect(answers).toHaveLength(1);
  answers[0]?.();
  await vi.advanceTimersByTimeAsync(10);
  expect(answers).toHaveLength(2);
  data.close();
});
