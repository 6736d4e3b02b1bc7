/** The sweep's targets as lines across a chart of its objective. */

import { css, type Inks } from "./colour";
import { haloText, horizontal, type Plot } from "./frame";
import { number, type Scale } from "./scale";
import type { Board } from "../types";

const NAME_ROW = 12;

export function drawTargets(
  context: CanvasRenderingContext2D,
  board: Board,
  plot: Plot,
  y: Scale,
  ink: Inks,
  ratio: number,
): void {
  context.strokeStyle = css(ink.muted, 0.8);
  context.lineWidth = 1;
  context.setLineDash([4, 4]);
  context.beginPath();
  for (const { at } of targetsIn(board, plot, y))
    horizontal(context, at, plot.left, plot.right, ratio);
  context.stroke();
  context.setLineDash([]);
}

/** A line across the plot that is named at its right end. */
export interface Named {
  readonly text: string;
  readonly at: number;
  readonly colour: number;
}

/** Names above their lines at the right edge, moved down where they would lie over one another. */
export function nameLines(
  context: CanvasRenderingContext2D,
  lines: readonly Named[],
  plot: Plot,
  ground: number,
): void {
  context.textAlign = "right";
  context.textBaseline = "bottom";
  const seen = lines.filter(({ at }) => at >= plot.top && at <= plot.bottom);
  let free = plot.top;
  for (const { text, at, colour } of seen.sort((a, b) => a.at - b.at)) {
    const place = Math.max(at - 2, free + NAME_ROW);
    if (place > plot.bottom) return;
    haloText(context, text, plot.right - 4, place, colour, ground);
    free = place;
  }
}

export function targetLines(board: Board, plot: Plot, y: Scale, ink: Inks): readonly Named[] {
  return targetsIn(board, plot, y).map(({ name, value, at }) => ({
    text: `${name} ${number(value)}`,
    at,
    colour: ink.muted,
  }));
}

export function nameTargets(
  context: CanvasRenderingContext2D,
  board: Board,
  plot: Plot,
  y: Scale,
  ink: Inks,
): void {
  context.textAlign = "left";
  context.textBaseline = "bottom";
  let free = -Infinity;
  for (const { name, value, at } of targetsIn(board, plot, y)) {
    if (at < free + 12) continue;
    haloText(context, `${name} ${number(value)}`, plot.left + 6, at - 2, ink.muted, ink.ground);
    free = at;
  }
}

function targetsIn(
  board: Board,
  plot: Plot,
  y: Scale,
): readonly { readonly name: string; readonly value: number; readonly at: number }[] {
  return Object.entries(board.head.targets)
    .map(([name, value]) => ({ name, value, at: y.of(value) }))
    .filter(({ at }) => at >= plot.top && at <= plot.bottom)
    .sort((a, b) => a.at - b.at);
}
