/**
 * Scales: a number of a column ⇄ a place on the screen, with ticks that a person would choose.
 *
 * d3-array and d3-time choose linear and time ticks. Log ticks are our own: they are written as
 * decimal text and then read, so that 512 is 512 and never 512.0000000000001, and batch sizes get
 * powers of two.
 */

import { nice, tickIncrement, ticks as linearTicks } from "d3-array";
import { timeTicks } from "d3-time";

import { compact, moment, number, two } from "../format";
import type { Column } from "../types";

export interface Tick {
  readonly value: number;
  readonly at: number;
  readonly label: string;
}

export interface Scale {
  readonly kind: "linear" | "log" | "category" | "time";
  readonly domain: readonly [number, number];
  readonly range: readonly [number, number];
  /**
   * The place of a value, outside the range where the value is outside the domain; NaN where it has
   * none.
   */
  of(value: number): number;
  /** The value at a place; of a category a fraction around its number. */
  invert(place: number): number;
  /** About `count` ticks, never many more. */
  ticks(count: number): readonly Tick[];
  /** A value in words, for tooltips and labels. */
  format(value: number): string;
}

type Pair = readonly [number, number];

/** The smallest and largest finite value, or null if there is none. */
export function extent(values: ArrayLike<number>): Pair | null {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (value < low && value !== -Infinity) low = value;
    if (value > high && value !== Infinity) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** A domain widened to round numbers, for axes whose ends are nobody's bounds. */
export function rounded(domain: Pair, count = 5): Pair {
  const [low, high] = nice(domain[0], domain[1], count);
  return [low, high];
}

/** Place for a domain of one value, so that it lies in the middle. */
function opened([low, high]: Pair, log: boolean): Pair {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return log ? [0.1, 1] : [0, 1];
  if (low !== high) return [low, high];
  if (log) return [low / 2, high * 2];
  const margin = Math.abs(low) / 2 || 0.5;
  return [low - margin, high + margin];
}

function affine(from: Pair, to: Pair): (value: number) => number {
  const slope = (to[1] - to[0]) / (from[1] - from[0]);
  return (value) => to[0] + (value - from[0]) * slope;
}

export function linear(domain: Pair, range: Pair, whole = false): Scale {
  const opening = opened(domain, false);
  const of = affine(opening, range);
  return {
    kind: "linear",
    domain: opening,
    range,
    of,
    invert: affine(range, opening),
    format: (value) => number(value),
    ticks(count) {
      const [low, high] = opening;
      // d3 aims at a number of ticks and may pass it: fewer are asked for until they fit.
      for (let asked = Math.max(1, count); asked >= 1; asked--) {
        const values = linearTicks(low, high, asked).filter(
          (value) => !whole || Number.isInteger(value),
        );
        if (values.length > Math.max(2, count) && asked > 1) continue;
        const decimals = whole ? 0 : decimalsOf(low, high, asked);
        return values.map((value) => ({ value, at: of(value), label: fixed(value, decimals) }));
      }
      return [];
    },
  };
}

function decimalsOf(low: number, high: number, count: number): number {
  const step = tickIncrement(Math.min(low, high), Math.max(low, high), count);
  return step < 0 ? Math.ceil(Math.log10(-step) - 1e-9) : 0;
}

function fixed(value: number, decimals: number): string {
  if (Math.abs(value) >= 1e4 || decimals > 5) return compact(value);
  return value === 0 ? "0" : value.toFixed(decimals);
}

/** Mantissas to try, sparse to dense. */
const MANTISSAS: readonly (readonly number[])[] = [
  [1],
  [1, 3],
  [1, 2, 5],
  [1, 2, 3, 5, 7],
  [1, 2, 3, 4, 5, 6, 7, 8, 9],
];

/**
 * Ticks of a logarithmic axis. `whole` with powers of two at both ends is counted in powers of two.
 */
export function logTicks(
  low: number,
  high: number,
  count: number,
  whole = false,
): readonly number[] {
  if (low > high) return [...logTicks(high, low, count, whole)].reverse();
  if (whole && isPowerOfTwo(low) && isPowerOfTwo(high) && high >= 2 * low && high <= 4096 * low) {
    const first = Math.round(Math.log2(low));
    const steps = Math.round(Math.log2(high)) - first;
    const stride = Math.max(1, Math.ceil(steps / Math.max(1, count - 1)));
    return Array.from(
      { length: Math.floor(steps / stride) + 1 },
      (_, i) => 2 ** (first + i * stride),
    );
  }
  const from = Math.floor(Math.log10(low));
  const to = Math.floor(Math.log10(high));
  const inside = (value: number) => value >= low * (1 - 1e-12) && value <= high * (1 + 1e-12);
  let chosen: readonly number[] = [];
  for (const mantissas of MANTISSAS) {
    const values: number[] = [];
    for (let exponent = from; exponent <= to; exponent++) {
      for (const mantissa of mantissas) {
        const value = Number(`${mantissa}e${exponent}`);
        if (inside(value) && (!whole || Number.isInteger(value))) values.push(value);
      }
    }
    if (chosen.length && values.length > count) break;
    chosen = values;
  }
  if (chosen.length > count) {
    const stride = Math.ceil(chosen.length / Math.max(1, count));
    return chosen.filter((_, i) => i % stride === 0);
  }
  if (chosen.length >= 2) return chosen;
  const values = linearTicks(low, high, count).filter((value) => !whole || Number.isInteger(value));
  return values.length > chosen.length ? values : chosen;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

export function log(domain: Pair, range: Pair, whole = false): Scale {
  const opening = opened(domain, true);
  const inner: Pair = [Math.log(opening[0]), Math.log(opening[1])];
  const forth = affine(inner, range);
  const back = affine(range, inner);
  const of = (value: number) => (value > 0 ? forth(Math.log(value)) : NaN);
  return {
    kind: "log",
    domain: opening,
    range,
    of,
    invert: (place) => Math.exp(back(place)),
    format: (value) => number(value),
    ticks: (count) =>
      logTicks(opening[0], opening[1], count, whole).map((value) => ({
        value,
        at: of(value),
        label: compact(value),
      })),
  };
}

/** Names evenly placed, half a step of room at both ends. */
export function category(names: readonly string[], range: Pair): Scale {
  const domain: Pair = [-0.5, Math.max(1, names.length) - 0.5];
  const of = affine(domain, range);
  return {
    kind: "category",
    domain,
    range,
    of,
    invert: affine(range, domain),
    format: (value) => names[Math.round(value)] ?? "–",
    ticks(count) {
      // Every name is a tick as long as there is room for all; else every second, third, …
      const stride = Math.max(1, Math.ceil(names.length / Math.max(1, count)));
      return names.flatMap((label, value) =>
        value % stride ? [] : [{ value, at: of(value), label }],
      );
    },
  };
}

/** Seconds since 1970, ticks at round local times. */
export function time(domain: Pair, range: Pair): Scale {
  const opening = opened(domain, false);
  const of = affine(opening, range);
  return {
    kind: "time",
    domain: opening,
    range,
    of,
    invert: affine(range, opening),
    format: moment,
    ticks(count) {
      const dates = timeTicks(new Date(opening[0] * 1000), new Date(opening[1] * 1000), count);
      const apart = dates.length > 1 ? Number(dates[1]) - Number(dates[0]) : 0;
      return dates.map((date) => {
        const value = Number(date) / 1000;
        return { value, at: of(value), label: clockLabel(date, apart) };
      });
    },
  };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The largest unit that begins here: midnight shows its day, so that hours are never ambiguous. */
function clockLabel(date: Date, apart: number): string {
  if (apart > 27 * 86400e3 && apart <= 364 * 86400e3) return MONTHS[date.getMonth()] ?? "";
  if (apart > 364 * 86400e3) return String(date.getFullYear());
  if (date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0) {
    return `${date.getDate()} ${MONTHS[date.getMonth()]}`;
  }
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return apart > 0 && apart < 60e3 ? `${clock}:${two(date.getSeconds())}` : clock;
}

/** The scale of a column. A log column whose bounds allow no logarithm is linear. */
export function scaleOf(
  column: Column,
  range: Pair,
  domain: Pair = [column.low, column.high],
): Scale {
  if (column.kind === "category") return category(column.categories, range);
  if (column.kind === "time") return time(domain, range);
  return column.log && domain[0] > 0 && domain[1] > 0
    ? log(domain, range, column.whole)
    : linear(domain, range, column.whole);
}
