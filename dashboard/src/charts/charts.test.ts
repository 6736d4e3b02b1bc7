/** What each chart says in words and in its table, on the made-up sweep. */
import { describe, expect, it } from "vitest";
import * as curves from "./curves";
import * as history from "./history";
import { bestSoFar, endOf, timeColumn } from "./history-geometry";
import * as pair from "./pair";
import { neighbour } from "./run-plot";
import * as slice from "./slice";
import * as timeline from "./timeline";
import { worstFirst } from "./colour";
import { differs, inShort, keptOnTop, ranWith, remarksOf, stateOf, titleOf } from "./words";
import {
  syntheticBoard,
  syntheticCurves,
  syntheticForecasts,
  syntheticPair,
  syntheticSlice,
} from "../testing/synthetic";
import type { Shown } from "../types";

const options = { runs: 40, running: 3 };
const board = syntheticBoard(options);
const values = board.columns.get("value")?.values ?? new Float64Array();

function shownOf(kept: (row: number) => boolean): Shown {
  return {
    kept: Uint8Array.from({ length: board.n }, (_, row) => (kept(row) ? 1 : 0)),
    order: worstFirst(values, board.n, "maximize"),
    colours: new Uint32Array(board.n),
    hover: -1,
    best: board.head.best,
    baseline: board.head.baseline,
    chosen: new Set(),
    dark: false,
  };
}
const shown = shownOf(() => true);
const few = shownOf((row) => row < 5);

describe("curves", () => {
  const data = {
    board,
    curves: syntheticCurves(options),
    shown: few,
    forecasts: syntheticForecasts(board),
    x: "step" as const,
    logX: false,
    logY: false,
    smoothing: 0,
  };

  it("says how many runs it shows, and where the best and the baseline end", () => {
    expect(curves.describe(data)).toMatch(
      /^Learning curves of mAP50, 5 of 40 runs; the best run #\d+ comes to 0\.\d+ at step \d+; the baseline #1 comes to/,
    );
  });

  it("has a row for each kept run, the best first", () => {
    const { columns, rows } = curves.rows(data);
    expect(columns[3]).toBe("step");
    expect(curves.rows({ ...data, curves: { ...data.curves, over: "epoch" } }).columns[3]).toBe("epoch");
    const last = rows
      .map((row) => row[columns.indexOf("mAP50")])
      .filter((value) => typeof value === "number");
    expect(rows).toHaveLength(5);
    expect(last).toEqual([...last].sort((a, b) => b - a));
  });

  it("says the same of a sweep without any run", () => {
    const empty = syntheticBoard({ runs: 0 });
    const none: Shown = {
      ...shown,
      kept: new Uint8Array(),
      order: new Uint32Array(),
      colours: new Uint32Array(),
      best: -1,
      baseline: -1,
    };
    const nothing = {
      ...data,
      board: empty,
      curves: syntheticCurves({ runs: 0 }),
      shown: none,
      forecasts: [],
    };
    expect(curves.describe(nothing)).toBe("Learning curves of mAP50, 0 runs.");
    expect(curves.rows(nothing).rows).toEqual([]);
  });
});

describe("history", () => {
  const data = { board, shown, x: "number" as const, logY: false, brushes: new Map() };

  it("steps only where a finished run is better than all before", () => {
    const steps = bestSoFar(board, board.numbers, values);
    expect(steps.length).toBeGreaterThan(1);
    expect(steps.at(-1)?.row).toBeDefined();
    for (const [place, step] of steps.entries()) {
      if (place) expect(step.value).toBeGreaterThan(steps[place - 1]?.value ?? Infinity);
      expect(board.states[step.row] === "finished" || step.row === board.head.best).toBe(true);
    }
  });

  it("falls where smaller is better", () => {
    const falling = {
      ...board,
      head: { ...board.head, metric: { name: "loss", goal: "minimize" as const }, best: -1 },
      states: board.states.map(() => "finished" as const),
      kinds: board.kinds.map(() => "search"),
    };
    expect(bestSoFar(falling, [1, 2, 3, 4], [5, 6, 3, NaN]).map((step) => step.value)).toEqual([
      5, 3,
    ]);
  });

  it("is no better for the baseline, a final training, whose steps are others, nor a lucky repeat", () => {
    const trained = {
      ...board,
      head: { ...board.head, best: -1 },
      states: board.states.map(() => "finished" as const),
      kinds: ["baseline", "search", "final", "repeat", "search"],
    };
    const steps = bestSoFar(trained, [1, 2, 3, 4, 5], [0.1, 0.3, 0.9, 0.8, 0.4]);
    expect(steps.map((step) => step.value)).toEqual([0.3, 0.4]);
    const changed = { ...trained, incomparable: new Set([1]) };
    expect(bestSoFar(changed, [1, 2, 3, 4, 5], [0.1, 0.3, 0.9, 0.8, 0.4]).map(({ row }) => row)).toEqual([4]);
  });

  it("puts a run under way at the sweep's last change", () => {
    const running = board.states.indexOf("running");
    expect(endOf(board, running)).toBe(board.head.updated);
    expect(endOf(board, 0)).toBe(board.attempts[0]?.[0]?.ended);
    expect(timeColumn(board, "ended").kind).toBe("time");
  });

  it("names its line by the line's own value, whichever run the model names", () => {
    const row = board.states.findIndex((state, at) => state === "finished" && board.kinds[at] === "search" && at !== board.head.best);
    const named = { ...board, head: { ...board.head, best: row } };
    const top = history.namesOf({ board, shown }).at(-1);
    expect(top?.text).toMatch(/^best 0/);
    expect(history.namesOf({ board: named, shown: { ...shown, best: row } }).at(-1)).toEqual({ ...top, text: top?.text.replace("best", "best seen") });
  });

  it("says the best and the baseline, and lists runs in their order", () => {
    expect(history.describe(data)).toMatch(
      /^mAP50 by run, 40 runs; the best is #\d+ with 0\.\d+, the baseline has 0\.\d+\.$/,
    );
    expect(history.rows(data).rows.map((row) => row[0])).toEqual(board.numbers);
    expect(history.rows({ ...data, shown: few }).rows).toHaveLength(5);
  });
});

describe("timeline", () => {
  it("counts attempts, agents and outcomes", () => {
    expect(timeline.describe({ board, shown })).toMatch(
      /^40 attempts on 4 agents in \d+ slots: .*finished/,
    );
    expect(timeline.rows({ board, shown }).rows).toHaveLength(40);
    expect(timeline.rows({ board, shown: few }).rows).toHaveLength(5);
  });
});

describe("slice and pair", () => {
  it("say where the model's mean is best", () => {
    const model = syntheticSlice("optimizer");
    const data = {
      board,
      parameter: "optimizer",
      slice: model,
      shown,
      brushes: new Map(),
      rank: false, step: null,
    };
    expect(slice.describe(data)).toMatch(
      /^mAP50 over optimizer, 40 runs; the model's mean is best at AdamW with/,
    );
    expect(slice.rows(data).rows.map((row) => row[1])).toEqual(
      expect.arrayContaining(["SGD", "Adam", "AdamW"]),
    );
    const both = {
      board,
      x: "lr0",
      y: "optimizer",
      pair: syntheticPair("lr0", "optimizer"),
      shown,
    };
    expect(pair.describe(both)).toMatch(
      /the model's mean is best, 0\.\d+, at lr0 [\d.e-]+ and optimizer AdamW\.$/,
    );
    expect(pair.rows(both).rows).toHaveLength(3);
  });

  it("speak before there is a model", () => {
    expect(
      slice.describe({
        board,
        parameter: "lr0",
        slice: null,
        shown,
        brushes: new Map(),
        rank: false, step: null,
      }),
    ).toBe("mAP50 over lr0, 40 runs.");
    expect(pair.rows({ board, x: "lr0", y: "momentum", pair: null, shown }).rows).toEqual([]);
  });
});

describe("what is shown", () => {
  it("needs no new picture for a hovered run", () => {
    expect(differs(shown, { ...shown, hover: 3 })).toBe(false);
    expect(differs(shown, { ...shown, kept: few.kept })).toBe(true);
    expect(differs(null, shown)).toBe(true);
  });

  it("keeps the best first", () => {
    const rows = keptOnTop(few);
    expect([...rows].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(values[rows[0] ?? 0]).toBe(Math.max(...[0, 1, 2, 3, 4].map((row) => values[row] ?? 0)));
  });
});

describe("what is said of a run", () => {
  const other = {
    ...board,
    names: board.names.with(2, "n".repeat(10_000)),
    endedBecause: board.endedBecause.with(2, "r".repeat(10_000)),
    specVersions: board.specVersions.with(2, 1).with(3, 2),
    head: { ...board.head, specVersion: 2 },
    effective: new Map<string, Map<number, number | string>>([
      ["batch", new Map([[3, 48]])],
      ["optimizer", new Map([[3, "Lion"]])],
    ]),
  };

  it("is short, however long what programs say is", () => {
    expect(stateOf(other, 2).length).toBeLessThan(250);
    expect(stateOf(other, 2)).toContain("all of it on the run's page");
    expect(titleOf(other, 2).length).toBeLessThan(100);
    expect(inShort("CUDA error")).toBe("CUDA error");
  });

  it("says why a run waits as well as why one ended", () => {
    const row = board.attempts.findIndex((attempts) => attempts.length > 0);
    const attempts = board.attempts.with(row, (board.attempts[row] ?? []).map((one) => ({ ...one, reason: "rung 3: number 5 of 9" })));
    const waiting = { ...board, attempts, states: board.states.with(row, "paused"), endedBecause: board.endedBecause.with(row, "") };
    expect(stateOf(waiting, row)).toBe("paused: rung 3: number 5 of 9");
    expect(stateOf({ ...waiting, states: board.states.with(row, "finished") }, row)).toBe("finished");
  });

  it("names an earlier version of the sweep's file", () => {
    expect(remarksOf(other, 2)).toEqual(["of file version 1; the sweep has version 2 now"]);
    expect(remarksOf(board, 2)).toEqual([]);
  });

  it("has both values where a run had another one than was suggested", () => {
    const batch = board.columns.get("batch")?.values[3];
    expect(ranWith(other, "batch", 3)).toBe(`${batch}, ran with 48`);
    expect(remarksOf(other, 3)).toHaveLength(2);
    expect(remarksOf(other, 3)[1]).toMatch(/^optimizer \w+, ran with Lion$/);
    expect(ranWith(other, "batch", 2)).toBe("");
  });
});

describe("the pair's arrows", () => {
  const xs = Float32Array.from([30, 10, 20, NaN]);
  const ys = Float32Array.from([5, 15, 25, 1]);
  const go = (from: number, key: string) =>
    neighbour({ xs, ys }, Uint32Array.from([0, 1, 2, 3]), from, key);

  it("go from run to run along either axis, and stop at its ends", () => {
    expect([go(-1, "ArrowRight"), go(1, "ArrowRight"), go(2, "ArrowRight"), go(0, "ArrowRight")])
      .toEqual([1, 2, 0, 0]);
    expect([go(-1, "ArrowUp"), go(1, "ArrowUp"), go(0, "ArrowUp")]).toEqual([2, 0, 0]);
    expect(go(0, "a")).toBe(-1);
  });
});
