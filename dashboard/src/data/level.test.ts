import { describe, expect, test } from "vitest";
import { syntheticBoard } from "../testing/synthetic";
import type { Board, RunState } from "../types";
import { level, type Line } from "./level";

function two(states: readonly RunState[], values: readonly number[]): Board {
  const board = syntheticBoard({ runs: 2, epochs: 5 });
  board.states = [...states];
  board.columns.get("value")?.values.set(values);
  return board;
}

const WHOLE: Line = { steps: [1, 2, 4, 8], values: [0.1, 0.2, 0.5, 0.8] };
const SHORT: Line = { steps: [1, 2, 3], values: [0.3, 0.4, 0.45] };
const lines = (row: number): Line => (row === 0 ? WHOLE : SHORT);

describe("two runs are compared", () => {
  test("where each ended, where both came to their end, without any curve", () => {
    expect(level(two(["finished", "finished"], [0.8, 0.7]), 1, 0, () => null)).toEqual({ own: 0.7, theirs: 0.8, step: null });
  });

  test("at the last step that both have, whichever is the longer one", () => {
    const board = two(["finished", "stopped"], [0.8, 0.45]);
    expect(level(board, 1, 0, lines)).toEqual({ own: 0.4, theirs: 0.2, step: 2 });
    expect(level(board, 0, 1, lines)).toEqual({ own: 0.2, theirs: 0.4, step: 2 });
    expect(level(board, 1, 0, lines, 1)).toEqual({ own: 0.3, theirs: 0.1, step: 1 });
  });

  test("not at all without the other's curve, or without a step in common", () => {
    const board = two(["finished", "running"], [0.8, 0.45]);
    expect(level(board, 1, 0, (row) => (row === 1 ? SHORT : null))).toBeNull();
    expect(level(board, 1, 0, (row) => (row === 1 ? { steps: [3], values: [0.45] } : WHOLE))).toBeNull();
    expect(level(two(["finished", "finished"], [0.8, NaN]), 1, 0, lines)).toBeNull();
  });
});
