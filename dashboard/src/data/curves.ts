/** Curves of all runs end to end: read from the wire's buffer, and changed run by run in place. */
import type { Curves, CurvesHeader } from "../types";

export class Garbled extends Error {}

/** @throws Garbled where the buffer is none of ours. */
export function decode(buffer: ArrayBuffer): Curves {
  const view = new DataView(buffer);
  const size = buffer.byteLength >= 4 ? view.getUint32(0, true) : Infinity;
  if (4 + size > buffer.byteLength) throw new Garbled("the curves were cut off");
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size))) as CurvesHeader;
  const { n, points, encoding } = header;
  let at = 4 + size;
  const width = encoding === "f32" ? 4 : 2;
  if (at + 4 * n + width * points * (header.times ? 3 : 2) > buffer.byteLength && encoding === "f32") {
    throw new Garbled("the curves were cut off");
  }
  const lengths = new Uint32Array(buffer.slice(at, at + 4 * n));
  at += 4 * n;
  const offsets = new Uint32Array(n + 1);
  for (let row = 0; row < n; row += 1) offsets[row + 1] = (offsets[row] ?? 0) + (lengths[row] ?? 0);

  if (encoding === "f32") {
    const plane = (): Float32Array => {
      const read = new Float32Array(buffer.slice(at, at + 4 * points));
      at += 4 * points;
      return read;
    };
    const steps = plane();
    const values = plane();
    return { metric: header.metric, over: header.over, lacking: header.lacking, offsets, steps, values, times: header.times ? plane() : new Float32Array() };
  }
  const plane = (): Uint16Array => {
    const read = differences(new Uint8Array(buffer, at, 2 * points), offsets, points);
    at += 2 * points;
    return read;
  };
  const steps = Float32Array.from(plane());
  const { low, high } = header;
  const values = Float32Array.from(plane(), (place) => (place === 65535 ? NaN : low + ((high - low) * place) / 65534));
  return { metric: header.metric, over: header.over, lacking: header.lacking, offsets, steps, values, times: new Float32Array() };
}

/** A plane of low bytes and one of high bytes, each value the difference to the one before in its run. */
function differences(bytes: Uint8Array, offsets: Uint32Array, points: number): Uint16Array {
  const values = new Uint16Array(points);
  for (let row = 0; row + 1 < offsets.length; row += 1) {
    let before = 0;
    for (let place = offsets[row] ?? 0; place < (offsets[row + 1] ?? 0); place += 1) {
      before = (before + (bytes[place] ?? 0) + ((bytes[points + place] ?? 0) << 8)) & 65535;
      values[place] = before;
    }
  }
  return values;
}

/** What becomes of one run's curve: the first `keep` points stay, these follow. */
export interface Change {
  readonly keep: number;
  readonly steps: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  readonly times: ArrayLike<number>;
}

/**
 * Applies the changes to `n` runs (new ones at the end included). Where curves only grow, the points behind are moved
 * up in place, in buffers that grow by half, so that a point more at the newest runs costs next to nothing.
 */
export function change(curves: Curves, n: number, changes: ReadonlyMap<number, Change>): void {
  const before = curves.offsets.length - 1;
  const offsets = new Uint32Array(n + 1);
  let total = 0;
  let first = n;
  let grows = true;
  for (let row = 0; row < n; row += 1) {
    const had = row < before ? (curves.offsets[row + 1] ?? 0) - (curves.offsets[row] ?? 0) : 0;
    const changed = changes.get(row);
    if (changed) {
      first = Math.min(first, row);
      grows &&= changed.keep + changed.values.length >= had;
    }
    total += changed ? changed.keep + changed.values.length : had;
    offsets[row + 1] = total;
  }
  const timed = curves.times.length > 0 || curves.values.length === 0;
  const inPlace = grows && fits(curves.steps, total) && fits(curves.values, total) && (!timed || fits(curves.times, total));
  const made = (old: Float32Array): Float32Array =>
    inPlace ? new Float32Array(old.buffer, 0, total) : new Float32Array(new ArrayBuffer(4 * Math.ceil(total * 1.5 + 64)), 0, total);
  const steps = made(curves.steps);
  const values = made(curves.values);
  const times = timed ? made(curves.times) : curves.times;
  const planes: [Float32Array, Float32Array][] = [[steps, curves.steps], [values, curves.values]];
  if (timed) planes.push([times, curves.times]);
  if (!inPlace) {
    const kept = curves.offsets[Math.min(first, before)] ?? 0;
    for (const [to, from] of planes) to.set(from.subarray(0, kept));
  }
  // From the end, so that in place nothing is overwritten before it has moved.
  for (let row = n - 1; row >= first; row -= 1) {
    const start = offsets[row] ?? 0;
    const from = row < before ? curves.offsets[row] ?? 0 : 0;
    const had = row < before ? (curves.offsets[row + 1] ?? 0) - from : 0;
    const changed = changes.get(row);
    const keep = changed ? Math.min(changed.keep, had) : had;
    for (const [to, old] of planes) {
      if (inPlace) to.copyWithin(start, from, from + keep);
      else if (keep) to.set(old.subarray(from, from + keep), start);
    }
    if (changed) {
      steps.set(changed.steps, start + keep);
      values.set(changed.values, start + keep);
      if (timed) {
        if (changed.times.length) times.set(changed.times, start + keep);
        else times.fill(NaN, start + keep, start + keep + changed.values.length);
      }
    }
  }
  curves.offsets = offsets;
  curves.steps = steps;
  curves.values = values;
  curves.times = times;
}

function fits(plane: Float32Array, length: number): boolean {
  return plane.byteOffset === 0 && plane.buffer.byteLength >= 4 * length;
}

/** Changes that put the curves of `rows` in place of what there was; `other` has them in this order. */
export function replacing(rows: readonly number[], other: Curves): Map<number, Change> {
  return new Map(
    rows.map((row, at) => {
      const from = other.offsets[at] ?? 0;
      const to = other.offsets[at + 1] ?? from;
      return [row, {
        keep: 0, steps: other.steps.subarray(from, to), values: other.values.subarray(from, to),
        times: other.times.subarray(from, to),
      }];
    }),
  );
}

export function lengthOf(curves: Curves, row: number): number {
  return Math.max(0, (curves.offsets[row + 1] ?? 0) - (curves.offsets[row] ?? 0));
}

export function lastStep(curves: Curves, row: number): number {
  return lengthOf(curves, row) ? curves.steps[(curves.offsets[row + 1] ?? 0) - 1] ?? -Infinity : -Infinity;
}

/** Whether the run's curve has this point. */
export function holds(curves: Curves, row: number, step: number, value: number): boolean {
  const place = placeBehind(curves, row, step) - 1;
  const same = place >= (curves.offsets[row] ?? Infinity) && curves.steps[place] === Math.fround(step);
  return same && Object.is(curves.values[place], Math.fround(value));
}

/** Where the first point after the step is, or would be. */
function placeBehind(curves: Curves, row: number, step: number): number {
  let low = curves.offsets[row] ?? 0;
  let high = curves.offsets[row + 1] ?? low;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((curves.steps[middle] ?? Infinity) <= step) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The value of every run at a step, or before it; NaN for those that had none yet. */
export function valuesAt(curves: Curves, n: number, step: number): Float64Array {
  const values = new Float64Array(n).fill(NaN);
  for (let row = 0; row < Math.min(n, curves.offsets.length - 1); row += 1) {
    const start = curves.offsets[row] ?? 0;
    const behind = placeBehind(curves, row, step);
    if (behind > start) values[row] = curves.values[behind - 1] ?? NaN;
  }
  return values;
}
