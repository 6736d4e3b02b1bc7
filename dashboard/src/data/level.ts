/** Two runs on the same level: at their ends where both came to theirs, else at the last step that both have. */
import type { Board, Curves } from "../types";

/** A run's curve of the objective, in step order. */
export interface Line {
  readonly steps: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/** `step`: where both are read; null: where each ended. */
export interface Level {
  readonly own: number;
  readonly theirs: number;
  readonly step: number | null;
}

export function lineOf(curves: Curves, row: number): Line {
  const [from, to] = [curves.offsets[row] ?? 0, curves.offsets[row + 1] ?? 0];
  return { steps: curves.steps.subarray(from, Math.max(from, to)), values: curves.values.subarray(from, Math.max(from, to)) };
}

/** The last step up to `most` of which both have a value, by its places; null where there is none. */
function common(one: Line, other: Line, most: number): readonly [number, number] | null {
  let [i, j] = [one.steps.length - 1, other.steps.length - 1];
  while (i >= 0 && j >= 0) {
    const [a, b] = [one.steps[i] ?? NaN, other.steps[j] ?? NaN];
    if (a === b && a <= most && Number.isFinite(one.values[i]) && Number.isFinite(other.values[j])) return [i, j];
    if (a >= b) i -= 1;
    if (b >= a) j -= 1;
  }
  return null;
}

/**
 * Null where nothing can be said: lengths differ and a curve is missing, or there is no value. `most`: no further than this
 * step, where people look at one.
 */
export function level(board: Board, row: number, other: number, lineAt: (row: number) => Line | null, most: number | null = null): Level | null {
  const whole = (at: number): boolean => board.states[at] === "finished";
  if (most === null && whole(row) && whole(other)) {
    const values = board.columns.get("value")?.values;
    const [own, theirs] = [values?.[row] ?? NaN, values?.[other] ?? NaN];
    return Number.isFinite(own) && Number.isFinite(theirs) ? { own, theirs, step: null } : null;
  }
  const [mine, its] = [lineAt(row), lineAt(other)];
  const places = mine && its && common(mine, its, most ?? Infinity);
  if (!mine || !its || !places) return null;
  const [i, j] = places;
  return { own: mine.values[i] ?? NaN, theirs: its.values[j] ?? NaN, step: mine.steps[i] ?? NaN };
}
