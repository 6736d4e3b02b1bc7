/** The sweep's targets as lines across a chart of its objective. */

import { css, type Inks } from "./colour";
import { haloText, horizontal, type Plot } from "./frame";
import { number, type Scale } from "./scale";
import type { Board } from "../types";

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
