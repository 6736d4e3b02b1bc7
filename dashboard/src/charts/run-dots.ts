/**
 * Runs as marks: kept ones in their colour over faint ones, the shape by what became of the run.
 */

import { css, inks, type Inks } from "./colour";
import { press, stamp, type Shape } from "./dots";
import { inside, type Plot } from "./frame";
import { pixels, type Pixels } from "./raster";
import type { Box } from "./surface";
import { tenth, type SvgShape } from "./svg";
import type { Board, RunState, Shown } from "../types";

/** More runs than this get smaller marks. */
const MANY = 2000;

export interface DotStyle {
  /** In CSS pixels. */
  readonly radius: number;
  readonly alpha: number;
  /** Rows drawn hollow and faint, but the crosses of those that failed. */
  readonly hollow?: ReadonlySet<number>;
}

const HOLLOW_ALPHA = 0.55;

export function usualStyle(n: number): DotStyle {
  return n > MANY ? { radius: 2, alpha: 1 } : { radius: 3, alpha: 0.9 };
}

export const SHAPES: Readonly<Record<RunState, Shape>> = {
  finished: "disc",
  running: "ring",
  pending: "ring",
  paused: "frame",
  stopped: "square",
  killed: "square",
  failed: "cross",
  crashed: "cross",
};

export interface RunDots {
  /** Replaces the picture of the whole canvas. Places are in CSS pixels by row, NaN for none. */
  draw(
    context: CanvasRenderingContext2D,
    box: Box,
    board: Board,
    shown: Shown,
    xs: ArrayLike<number>,
    ys: ArrayLike<number>,
    style?: DotStyle,
  ): void;
}

export function runDots(): RunDots {
  let target: Pixels | null = null;
  return {
    draw(context, box, board, shown, xs, ys, style = usualStyle(board.n)) {
      const [width, height] = [
        Math.round(box.width * box.ratio),
        Math.round(box.height * box.ratio),
      ];
      if (target?.width !== width || target.height !== height) target = pixels(width, height);
      target.words.fill(0);
      stampRuns(target, board, shown, xs, ys, box.ratio, style);
      context.putImageData(new ImageData(target.data, target.width, target.height), 0, 0);
    },
  };
}

export function stampRuns(
  target: Pixels,
  board: Board,
  { order, kept, colours, dark }: Shown,
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  ratio: number,
  { radius, alpha, hollow }: DotStyle = usualStyle(board.n),
): void {
  const ink = inks(dark);
  const stamps = Object.fromEntries(
    Object.entries(SHAPES).map(([state, shape]) => [
      state,
      stamp(shape, radius * ratio, 1.3 * ratio),
    ]),
  );
  const other = stamp("ring", radius * ratio, 1.3 * ratio);
  const emptied = (row: number): boolean =>
    hollow?.has(row) === true && SHAPES[board.states[row] ?? "pending"] !== "cross";
  const mark = (row: number, rgb: number, opacity: number): void => {
    press(
      target,
      emptied(row) ? other : (stamps[board.states[row] ?? "pending"] ?? other),
      (xs[row] ?? NaN) * ratio,
      (ys[row] ?? NaN) * ratio,
      rgb,
      opacity,
    );
  };
  for (const row of order) if (!kept[row]) mark(row, ink.faint, 1);
  for (const row of order) if (kept[row]) mark(row, colours[row] ?? ink.none, hollow?.has(row) ? HOLLOW_ALPHA : alpha);
}

/** Circles around the runs that stand out: chosen, baseline, best. */
export function circleRuns(
  context: CanvasRenderingContext2D,
  plot: Plot,
  { chosen, baseline, best, dark }: Shown,
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
): void {
  const ink: Inks = inks(dark);
  const circle = (row: number, colour: number, radius: number): void => {
    const [x, y] = [xs[row] ?? NaN, ys[row] ?? NaN];
    if (!inside(plot, x, y, 2)) return;
    for (const [style, width] of [
      [css(ink.ground), 4],
      [css(colour), 2],
    ] as const) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.stroke();
    }
  };
  for (const row of chosen) circle(row, ink.chosen, 5);
  if (baseline >= 0) circle(baseline, ink.baseline, 5);
  if (best >= 0) circle(best, ink.best, 5);
}

/** A circle around what is pointed at, as a shape. */
export function circleShape(
  x: number,
  y: number,
  ink: Inks,
  radius = 6,
): readonly SvgShape[] {
  if (!Number.isFinite(x + y)) return [];
  const place = { cx: tenth(x), cy: tenth(y), r: radius, fill: "none" };
  return [
    { tag: "circle", attributes: { ...place, stroke: css(ink.ground), "stroke-width": 4 } },
    { tag: "circle", attributes: { ...place, stroke: css(ink.hover), "stroke-width": 2 } },
  ];
}
