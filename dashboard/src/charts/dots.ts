/**
 * Small marks of thousands of runs, stamped into pixels: ten thousand arcs on a canvas take longer than a frame, ten
 * thousand stamps a few milliseconds. The shape of a mark tells what became of a run, not its colour alone.
 */

import type { Pixels } from "./raster";

/** Coverage 0 … 1 of a square of `size` × `size` pixels around the middle. */
export interface Stamp {
  readonly size: number;
  readonly cover: Float32Array;
}

export type Shape = "disc" | "ring" | "square" | "frame" | "cross" | "diamond";

const SAMPLES = 4;

/** How far a point (in radii of the mark) lies inside of the shape: positive inside. */
const INSIDE: Readonly<Record<Shape, (x: number, y: number, line: number) => boolean>> = {
  disc: (x, y) => x * x + y * y <= 1,
  ring: (x, y, line) => Math.abs(Math.hypot(x, y) - (1 - line / 2)) <= line / 2,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.82,
  frame: (x, y, line) => Math.abs(Math.max(Math.abs(x), Math.abs(y)) - (0.88 - line / 2)) <= line / 2,
  cross: (x, y, line) =>
    Math.max(Math.abs(x), Math.abs(y)) <= 1 && Math.min(Math.abs(x - y), Math.abs(x + y)) <= line * 0.75,
  diamond: (x, y) => Math.abs(x) + Math.abs(y) <= 1.15,
};

/** A mark of a radius in device pixels, its lines `line` device pixels wide. */
export function stamp(shape: Shape, radius: number, line = 1.3): Stamp {
  const half = Math.ceil(radius * 1.2);
  const size = 2 * half + 1;
  const cover = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let hits = 0;
      for (let i = 0; i < SAMPLES * SAMPLES; i++) {
        const dx = x - half + ((i % SAMPLES) + 0.5) / SAMPLES - 0.5;
        const dy = y - half + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES - 0.5;
        if (INSIDE[shape](dx / radius, dy / radius, line / radius)) hits++;
      }
      cover[y * size + x] = hits / (SAMPLES * SAMPLES);
    }
  }
  return { size, cover };
}

/** Puts a mark over what is there, its middle at the nearest pixel. */
export function press(pixels: Pixels, mark: Stamp, x: number, y: number, rgb: number, alpha: number): void {
  const { width, height, data: bytes } = pixels;
  const { size, cover } = mark;
  if (!(x > -size && x < width + size && y > -size && y < height + size)) return;
  const left = Math.round(x - 0.5) - (size >> 1);
  const top = Math.round(y - 0.5) - (size >> 1);
  const r = rgb >> 16;
  const g = (rgb >> 8) & 255;
  const b = rgb & 255;
  for (let j = Math.max(0, -top); j < size && top + j < height; j++) {
    for (let i = Math.max(0, -left); i < size && left + i < width; i++) {
      const over = (cover[j * size + i] ?? 0) * alpha;
      if (over <= 0) continue;
      const at = 4 * ((top + j) * width + left + i);
      const under = ((bytes[at + 3] ?? 0) / 255) * (1 - over);
      const sum = over + under;
      bytes[at] = (r * over + (bytes[at] ?? 0) * under) / sum;
      bytes[at + 1] = (g * over + (bytes[at + 1] ?? 0) * under) / sum;
      bytes[at + 2] = (b * over + (bytes[at + 2] ?? 0) * under) / sum;
      bytes[at + 3] = 255 * sum;
    }
  }
}

/** The row whose mark is nearest to a place, at most `reach` away, or -1. Marks drawn later win. */
export function nearestMark(
  xs: ArrayLike<number>, ys: ArrayLike<number>, order: ArrayLike<number>, kept: ArrayLike<number>,
  x: number, y: number, reach: number,
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
