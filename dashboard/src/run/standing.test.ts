import { expect, test } from "vitest";
import { syntheticBoard } from "../testing/synthetic";
import type { Board, RunState } from "../types";
import { againstWords, distanceWords, placeWords, standing, without, worth } from "./standing";

interface Row { readonly kind?: string; readonly state?: RunState; readonly value: number }

function sweep(goal: "minimize" | "maximize", best: number, baseline: number, rows: readonly Row[]): Board {
  const board = syntheticBoard({ runs: rows.length, epochs: 5, goal });
  board.columns.get("value")?.values.set(rows.map((row) => row.value));
  board.columns.get("steps")?.values.set(rows.map((row) => (row.state === "running" ? 2 : 5)));
  board.kinds = rows.map((row) => row.kind ?? "search");
  board.states = rows.map((row) => row.state ?? "finished");
  return { ...board, head: { ...board.head, best, baseline } };
}

const ROWS: readonly Row[] = [
  { kind: "baseline", value: 0.7 }, { value: 0.8 }, { value: 0.75 }, { value: 0.6 }, { state: "running", value: 0.77 },
  { state: "failed", value: 0.99 }, { kind: "final", value: 0.9 }, { value: NaN },
];

test("a run has its place among the finished runs of the search, in the sense of the goal", () => {
  const up = sweep("maximize", 1, 0, ROWS);
  expect([1, 2, 3].map((row) => standing(up, row)?.place)).toEqual([1, 2, 3]);
  expect(standing(up, 2)).toMatchObject({ of: 3, ranked: true, best: false });
  expect([1, 2, 3].map((row) => standing(sweep("minimize", 3, 0, ROWS), row)?.place)).toEqual([3, 2, 1]);
});

test("the baseline and what is under way have the place that they would have", () => {
  const board = sweep("maximize", 1, 0, ROWS);
  expect([0, 4].map((row) => standing(board, row))).toMatchObject([{ place: 3, of: 3, ranked: false }, { place: 2, of: 3, ranked: false }]);
  expect(placeWords(standing(board, 4)!)).toEqual(["would be 2nd", "of 4 with the 3 finished, by its value at step 2"]);
  expect(placeWords(standing(board, 0)!)).toEqual(["would be 3rd", "of 4 with the 3 finished, itself not counted"]);
});

test("of failed runs, trainings afterwards and runs without a value nothing is said", () => {
  const board = sweep("maximize", 1, 0, ROWS);
  expect([5, 6, 7].map((row) => standing(board, row))).toEqual([null, null, null]);
});

test("a run from before a change of the file's fixed values has no place, and is none of those that are counted", () => {
  const board = { ...sweep("maximize", 2, 0, ROWS), incomparable: new Set([1]) };
  expect(standing(board, 1)).toBeNull();
  expect(without(board, 1)).toBe("trained with other fixed values than the file has now");
  expect(standing(board, 2)).toMatchObject({ place: 1, of: 2 });
});

test("the distances are in the metric's unit, and there is none to itself", () => {
  const board = sweep("maximize", 1, 0, ROWS);
  const third = standing(board, 3);
  expect(distanceWords(third!.toBaseline!)).toEqual(["−0.1", "−14 %"]);
  expect(distanceWords(third!.toBest!)).toEqual(["−0.2", "−25 %"]);
  expect(standing(board, 1)?.toBest).toBeNull();
  expect(standing(board, 0)?.toBaseline).toBeNull();
  expect(standing(sweep("maximize", -1, -1, ROWS), 2)).toMatchObject({ toBaseline: null, toBest: null });
});

test("a run under way is compared where the others were at its step, and not at all without their curves", () => {
  const board = sweep("maximize", 1, 0, ROWS);
  const lines = [[0.1, 0.3, 0.7], [0.2, 0.9, 0.8], [], [], [0.5, 0.77]];
  const found = standing(board, 4, (row) => ({ steps: [1, 2, 5], values: lines[row] ?? [] }));
  expect(found?.toBaseline).toMatchObject({ row: 0, value: 0.3, step: 2 });
  expect(distanceWords(found!.toBaseline!)[0]).toBe("+0.47");
  expect(againstWords(found!.toBaseline!)).toBe("at step 2: 0.3 of");
  expect(distanceWords(found!.toBest!)[0]).toBe("−0.13");
  expect(standing(board, 4)).toMatchObject({ toBaseline: null, toBest: null });
});

test("a difference within what two trainings differ by may be chance, where the noise is known", () => {
  const to = { row: 0, value: 0.7, step: null, difference: 0.05 };
  expect(worth(to, 0.02)).toBe("may be chance, ±0.02 a run");
  expect(worth(to, 0.01)).toBe("±0.01 a run");
  expect(worth(to, null)).toBe("");
});

test("a run that the model names as best says so where it is not the first", () => {
  expect(placeWords(standing(sweep("maximize", 2, 0, ROWS), 2)!)).toEqual(["2nd", "of 3 finished; named as the best"]);
});
