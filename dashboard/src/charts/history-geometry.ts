/** What the history shows: where each run stands, and how the best value came about. */

import type { Board, Column } from "../types";

/**
 * When a run ended; what is still under way stands at the last change of the sweep. NaN for one
 * that never began.
 */
export function endOf(board: Board, row: number): number {
  const attempts = board.attempts[row] ?? [];
  const last = attempts.at(-1);
  if (last) return last.ended ?? board.head.updated;
  const started = board.columns.get("started")?.values[row] ?? NaN;
  return started + (board.columns.get("seconds")?.values[row] ?? NaN);
}

/** The columns that the history can stand on; a brush across names them. */
export function timeColumn(board: Board, x: "number" | "ended"): Column {
  const values = Float64Array.from({ length: board.n }, (_, row) =>
    x === "number" ? (board.numbers[row] ?? NaN) : endOf(board, row),
  );
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return {
    name: x,
    label: x === "number" ? "run" : "ended",
    role: "info",
    kind: x === "number" ? "number" : "time",
    whole: x === "number",
    log: false,
    low: low <= high ? low : 0,
    high: low <= high ? high : 1,
    categories: [],
    inert: "",
    values,
  };
}

function compared(board: Board, row: number): boolean {
  return (
    board.states[row] === "finished" &&
    board.kinds[row] === "search" &&
    !board.incomparable.has(row)
  );
}

export interface Step {
  readonly x: number;
  readonly value: number;
  readonly row: number;
}

/**
 * Each improvement of the best value, in the order of `xs`. Only finished runs of the search count:
 * a value after fewer steps is another thing, or after more, a repeat has luck, and the baseline,
 * which has a line of its own, is what the search is measured by; a run from before a change of the
 * file's fixed values was another training. The run that the sweep calls its
 * best counts whatever became of it.
 */
export function bestSoFar(
  board: Board,
  xs: ArrayLike<number>,
  values: ArrayLike<number>,
): readonly Step[] {
  const sign = board.head.metric?.goal === "maximize" ? 1 : -1;
  const rows = Array.from({ length: board.n }, (_, row) => row)
    .filter((row) => row === board.head.best || compared(board, row))
    .filter((row) => Number.isFinite(values[row]) && Number.isFinite(xs[row]))
    .sort((a, b) => (xs[a] ?? 0) - (xs[b] ?? 0));
  const steps: Step[] = [];
  for (const row of rows) {
    const value = values[row] ?? NaN;
    const last = steps.at(-1);
    if (!last || sign * value > sign * last.value) steps.push({ x: xs[row] ?? NaN, value, row });
  }
  return steps;
}
