/** Runs and the model's mean along one parameter. */

import type { Board, Column, Slice } from "../types";

/**
 * Places of a slice as numbers of the column: of a category its place among the categories, NaN for
 * one unknown.
 */
export function placesAt(column: Column, at: readonly (number | string)[]): Float64Array {
  return Float64Array.from(at, (value) => {
    if (column.kind !== "category") return Number(value);
    const place = column.categories.indexOf(String(value));
    return place < 0 ? NaN : place;
  });
}

/**
 * Runs that did not come as far as those that finished: their values are of an earlier step, and lie where no end would. None
 * where all are looked at as they were at one step, but those that had ended before it.
 */
export function shorter(board: Board, step: number | null): ReadonlySet<number> {
  const { columns, states, n } = board;
  const steps = columns.get("steps")?.values;
  const values = columns.get("value")?.values;
  const found = new Set<number>();
  const full = step ?? board.head.full ?? Infinity;
  for (let row = 0; row < n; row++) {
    const whole = step === null && states[row] === "finished";
    if (!whole && (steps?.[row] ?? NaN) < full && Number.isFinite(values?.[row])) found.add(row);
  }
  return found;
}

/** 1 is the best; runs alike share the better rank; NaN without a value. */
export function ranks(
  values: ArrayLike<number>,
  n: number,
  goal: "minimize" | "maximize",
): Float64Array {
  const sign = goal === "maximize" ? -1 : 1;
  const rows = Array.from({ length: n }, (_, row) => row)
    .filter((row) => Number.isFinite(values[row]))
    .sort((a, b) => sign * ((values[a] ?? 0) - (values[b] ?? 0)));
  const result = new Float64Array(n).fill(NaN);
  rows.forEach((row, place) => {
    const before = rows[place - 1];
    result[row] =
      before !== undefined && values[before] === values[row] ? (result[before] ?? NaN) : place + 1;
  });
  return result;
}

/** Spreads the runs of a category sideways, the same way each time: -0.3 … 0.3 of a step. */
export function jitter(row: number): number {
  const mixed = Math.imul(row + 1, 0x9e3779b1) >>> 0;
  return (mixed / 4294967296 - 0.5) * 0.6;
}

/** A column's domain with a little room, so that marks at the bounds are whole. */
export function roomy({ low, high, log, kind }: Column): readonly [number, number] {
  if (kind === "category") return [low, high];
  if (log && low > 0) {
    const room = (high / low) ** 0.03;
    return [low / room, high * room];
  }
  const room = 0.03 * (high - low || Math.abs(high) || 1);
  return [low - room, high + room];
}

/** Where the slice is best: its place and the mean there. */
export function bestOf(
  slice: Slice,
  goal: "minimize" | "maximize",
): { readonly at: number | string; readonly mean: number } | null {
  const sign = goal === "maximize" ? 1 : -1;
  let found = -1;
  slice.mean.forEach((mean, place) => {
    if (Number.isFinite(mean) && (found < 0 || sign * mean > sign * (slice.mean[found] ?? NaN)))
      found = place;
  });
  const at = slice.at[found];
  const mean = slice.mean[found];
  return at === undefined || mean === undefined ? null : { at, mean };
}

export function goalOf(board: Board): "minimize" | "maximize" {
  return board.head.metric?.goal ?? "minimize";
}
