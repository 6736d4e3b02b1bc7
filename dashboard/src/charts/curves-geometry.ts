/**
 * Learning curves as places on the screen: smoothing, domains, thinning, and the curve nearest to a
 * place.
 */

import type { Scale } from "./scale";
import type { Curves } from "../types";

/**
 * Curves on the screen, in pixels: run `row` has the places `offsets[row]` up to `offsets[row +
 * 1]`.
 */
export interface Projected {
  readonly offsets: Uint32Array;
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Each place's point in the curves. */
  readonly source: Uint32Array;
}

/**
 * Exponential moving averages of every run's values, as TensorBoard's slider: weight 0 … 1 of what
 * was before, without the pull to zero at the start. A point without a value has none, and is
 * passed over.
 */
export function smoothed(values: Float32Array, offsets: Uint32Array, weight: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row + 1 < offsets.length; row++) {
    let sum = 0;
    let count = 0;
    const to = offsets[row + 1] ?? 0;
    for (let i = offsets[row] ?? 0; i < to; i++) {
      const value = values[i] ?? NaN;
      if (!Number.isFinite(value)) {
        result[i] = NaN;
        continue;
      }
      sum = weight * sum + (1 - weight) * value;
      count = weight * count + (1 - weight);
      result[i] = sum / count;
    }
  }
  return result;
}

type Range = readonly [number, number];

/** How many values decide on the bulk; more are thinned evenly. */
const SAMPLE = 40_000;

/**
 * The part of the values worth the height of a chart. The good side is always whole; on the bad
 * side (both, where no side is good) a few per cent of the values are cut if they would take more
 * than a quarter of the height of the rest.
 */
export function worthwhile(
  values: Float32Array,
  goal: "minimize" | "maximize" | null,
  positive: boolean,
): { readonly range: Range; readonly cut: boolean } | null {
  const stride = Math.max(1, Math.ceil(values.length / SAMPLE));
  const sample: number[] = [];
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (!Number.isFinite(value) || (positive && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
    if (i % stride === 0) sample.push(value);
  }
  if (low > high) return null;
  const sorted = Float64Array.from(sample).sort();
  const quantile = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? NaN;
  const [bulkLow, bulkHigh] = [quantile(0.03), quantile(0.97)];
  // On a logarithmic axis nothing squashes the rest.
  const margin = positive || !(bulkHigh > bulkLow) ? Infinity : 0.25 * (bulkHigh - bulkLow);
  const from = goal === "minimize" ? low : Math.max(low, bulkLow - margin);
  const to = goal === "maximize" ? high : Math.min(high, bulkHigh + margin);
  return { range: [from, to], cut: from > low || to < high };
}

/**
 * Places all points. Where a run has far more points than there are pixels, each column of pixels
 * keeps its first, lowest, highest and last point: the picture is the same.
 */
export function project(
  curves: Curves,
  xs: Float32Array,
  values: Float32Array,
  x: Scale,
  y: Scale,
  width: number,
): Projected {
  const { offsets } = curves;
  const n = Math.max(0, offsets.length - 1);
  const total = offsets[n] ?? 0;
  const thin = 4 * Math.max(1, width);
  const outOffsets = new Uint32Array(n + 1);
  const outX = new Float32Array(total);
  const outY = new Float32Array(total);
  const source = new Uint32Array(total);
  const across = affine(x);
  const up = affine(y);
  let out = 0;
  const put = (i: number, px: number): void => {
    outX[out] = px;
    outY[out] = up(values[i] ?? NaN);
    source[out++] = i;
  };
  for (let row = 0; row < n; row++) {
    const from = offsets[row] ?? 0;
    const to = offsets[row + 1] ?? 0;
    outOffsets[row] = out;
    if (to - from <= thin) {
      for (let i = from; i < to; i++) put(i, across(xs[i] ?? NaN));
      continue;
    }
    for (let i = from; i < to;) {
      const column = Math.floor(across(xs[i] ?? NaN));
      let low = i;
      let high = i;
      let last = i;
      for (let j = i + 1; j < to && Math.floor(across(xs[j] ?? NaN)) === column; j++) {
        if ((values[j] ?? NaN) < (values[low] ?? NaN) || Number.isNaN(values[low])) low = j;
        if ((values[j] ?? NaN) > (values[high] ?? NaN) || Number.isNaN(values[high])) high = j;
        last = j;
      }
      for (const place of [...new Set([i, low, high, last])].sort((a, b) => a - b)) {
        put(place, across(xs[place] ?? NaN));
      }
      i = last + 1;
    }
  }
  outOffsets[n] = out;
  return {
    offsets: outOffsets,
    x: outX.subarray(0, out),
    y: outY.subarray(0, out),
    source: source.subarray(0, out),
  };
}

/** A scale as one multiplication, since it is asked a million times. */
function affine(scale: Scale): (value: number) => number {
  if (scale.kind === "log") return scale.of;
  const [low, high] = scale.domain;
  const slope = (scale.range[1] - scale.range[0]) / (high - low);
  const start = scale.range[0] - low * slope;
  return (value) => start + value * slope;
}

export interface Near {
  readonly row: number;
  /** In the curves' own numbering. */
  readonly point: number;
  readonly distance: number;
}

/** By row the place in `onTop`, -1 of a row that is not in it. */
export function ranksOf(onTop: ArrayLike<number>, n: number): Int32Array {
  const ranks = new Int32Array(n).fill(-1);
  for (let k = 0; k < onTop.length; k++) ranks[onTop[k] ?? 0] = k;
  return ranks;
}

/**
 * The kept curve nearest to a place, at most `reach` pixels away; of equals the one on top. Points
 * of a run lie in order along x, so that of each run only the segments are looked at that can be
 * nearer than the nearest so far; among thousands those are one or two, and mostly at the same
 * place as in the run before, where no search is needed. Runs are taken as they lie in memory:
 * by rank, ten thousand of them wait for it four times as long.
 */
export function nearestCurve(
  { offsets, x, y, source }: Projected,
  ranks: Int32Array,
  px: number,
  py: number,
  reach: number,
): Near | null {
  let near = reach;
  let least = reach * reach;
  let found = -1;
  let place = 0;
  let usual = 0;
  for (let row = 0; row < ranks.length; row++) {
    const rank = ranks[row] ?? -1;
    if (rank < 0) continue;
    const from = offsets[row] ?? 0;
    const to = offsets[row + 1] ?? 0;
    const left = px - near;
    let low = from;
    let high = to;
    const guess = from + usual;
    if (guess > from && guess < to) {
      if ((x[guess] ?? NaN) < left) low = guess + 1;
      else {
        high = guess;
        if ((x[guess - 1] ?? NaN) < left) low = guess;
      }
    }
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((x[middle] ?? NaN) < left) low = middle + 1;
      else high = middle;
    }
    usual = low - from;
    for (let i = Math.max(from, low - 1); i < to; i++) {
      const ax = x[i] ?? NaN;
      if (ax > px + near) break;
      const ay = y[i] ?? NaN;
      const bx = i + 1 < to ? (x[i + 1] ?? NaN) : ax;
      const by = i + 1 < to ? (y[i + 1] ?? NaN) : ay;
      if ((ay > py + near && by > py + near) || (ay < py - near && by < py - near)) continue;
      const distance = toSegment(px, py, ax, ay, bx, by);
      if (distance < least || (distance === least && rank < (ranks[found] ?? -1))) {
        least = distance;
        // What is as near, but for rounding, is still looked at.
        near = Math.sqrt(distance) + 1e-6;
        found = row;
        place = Math.abs(bx - px) < Math.abs(ax - px) && i + 1 < to ? i + 1 : i;
      }
    }
  }
  return found < 0 ? null : { row: found, point: source[place] ?? 0, distance: Math.sqrt(least) };
}

/** The square of the distance; of a segment with an end that has no value, to the other end. */
function toSegment(px: number, py: number, ax: number, ay: number, bx: number, by: number): number {
  if (Number.isNaN(by) || Number.isNaN(bx)) return (px - ax) ** 2 + (py - ay) ** 2;
  const dx = bx - ax;
  const dy = by - ay;
  const length = dx * dx + dy * dy;
  const t = length > 0 ? Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / length)) : 0;
  return (px - ax - t * dx) ** 2 + (py - ay - t * dy) ** 2;
}

/** The last point of a run that has a value, or -1. */
export function lastPoint(curves: Curves, row: number): number {
  const from = curves.offsets[row] ?? 0;
  for (let i = (curves.offsets[row + 1] ?? 0) - 1; i >= from; i--) {
    if (Number.isFinite(curves.values[i])) return i;
  }
  return -1;
}
