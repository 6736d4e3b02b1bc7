/**
 * Small marks of thousands of runs, stamped into pixels: ten thousand arcs on a canvas take longer
 * than a frame, ten thousand stamps a few milliseconds. The shape of a mark tells what became of a
 * run, not its colour alone.
 */

import { word, type Pixels } from "./raster";

/** The pixels of a mark around its middle, and how far each is covered, 0 … 1. */
export interface Stamp {
  readonly reach: number;
  readonly dx: Int8Array;
  readonly dy: Int8Array;
  readonly cover: Float32Array;
}

export type Shape = "disc" | "ring" | "square" | "frame" | "cross" | "diamond";

const SAMPLES = 4;

/** How far a point (in radii of the mark) lies inside of the shape: positive inside. */
const INSIDE: Readonly<Record<Shape, (x: number, y: number, line: number) => boolean>> = {
  disc: (x, y) => x * x + y * y <= 1,
  ring: (x, y, line) => Math.abs(Math.hypot(x, y) - (1 - line / 2)) <= line / 2,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.82,
  frame: (x, y, line) =>
    Math.abs(Math.max(Math.abs(x), Math.abs(y)) - (0.88 - line / 2)) <= line / 2,
  cross: (x, y, line) =>
    Math.max(Math.abs(x), Math.abs(y)) <= 1 &&
    Math.min(Math.abs(x - y), Math.abs(x + y)) <= line * 0.75,
  diamond: (x, y) => Math.abs(x) + Math.abs(y) <= 1.15,
};

const made = new Map<string, Stamp>();

/** A mark of a radius in device pixels, its lines `line` device pixels wide; of a kind there is one. */
export function stamp(shape: Shape, radius: number, line = 1.3): Stamp {
  const kind = `${shape} ${radius} ${line}`;
  const there = made.get(kind) ?? carved(shape, radius, line);
  made.set(kind, there);
  return there;
}

function carved(shape: Shape, radius: number, line: number): Stamp {
  const reach = Math.ceil(radius * 1.2);
  const found: [number, number, number][] = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      let hits = 0;
      for (let i = 0; i < SAMPLES * SAMPLES; i++) {
        const dx = x + ((i % SAMPLES) + 0.5) / SAMPLES - 0.5;
        const dy = y + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES - 0.5;
        if (INSIDE[shape](dx / radius, dy / radius, line / radius)) hits++;
      }
      if (hits) found.push([x, y, hits / (SAMPLES * SAMPLES)]);
    }
  }
  return {
    reach,
    dx: Int8Array.from(found, ([x]) => x),
    dy: Int8Array.from(found, ([, y]) => y),
    cover: Float32Array.from(found, ([, , cover]) => cover),
  };
}

/** Puts a mark over what is there, its middle at the nearest pixel. */
export function press(
  { width, height, data, words }: Pixels,
  { reach, dx, dy, cover }: Stamp,
  x: number,
  y: number,
  rgb: number,
  alpha: number,
): void {
  if (!(x > -reach && x < width + reach && y > -reach && y < height + reach)) return;
  const column = Math.round(x - 0.5);
  const row = Math.round(y - 0.5);
  const full = word(rgb);
  const [r, g, b] = [rgb >> 16, (rgb >> 8) & 255, rgb & 255];
  for (let k = 0; k < cover.length; k++) {
    const i = column + (dx[k] ?? 0);
    const j = row + (dy[k] ?? 0);
    if (i < 0 || i >= width || j < 0 || j >= height) continue;
    const place = j * width + i;
    const over = (cover[k] ?? 0) * alpha;
    if (over > 0.99) {
      words[place] = full;
      continue;
    }
    const at = 4 * place;
    const under = ((data[at + 3] ?? 0) / 255) * (1 - over);
    const sum = over + under;
    data[at] = (r * over + (data[at] ?? 0) * under) / sum;
    data[at + 1] = (g * over + (data[at + 1] ?? 0) * under) / sum;
    data[at + 2] = (b * over + (data[at + 2] ?? 0) * under) / sum;
    data[at + 3] = 255 * sum;
  }
}

/** The row whose mark is nearest to a place, at most `reach` away, or -1. Marks drawn later win. */
export function nearestMark(
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  order: ArrayLike<number>,
  kept: ArrayLike<number>,
  x: number,
  y: number,
  reach: number,
): number {
  let found = -1;
  let least = reach * reach;
  for (let i = order.length - 1; i >= 0; i--) {
    const row = order[i] ?? 0;
    if (!kept[row]) continue;
    const dx = (xs[row] ?? NaN) - x;
    const dy = (ys[row] ?? NaN) - y;
    const distance = dx * dx + dy * dy;
    if (distance < least) {
      least = distance;
      found = row;
    }
  }
  return found;
}
