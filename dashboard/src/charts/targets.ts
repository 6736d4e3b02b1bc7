/** The sweep's targets as lines across a chart of its objective. */

import { css, type Inks } from "./colour";
import { haloText, horizontal, type Plot } from "./frame";
import { number } from "../format";
import { type Scale } from "./scale";
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

/** Names beside their lines, right of the plot, moved apart where they would lie over one another. */
export function nameLines(
  context: CanvasRenderingContext2D,
  lines: readonly Named[],
  plot: Plot,
  ground: number,
): void {
  context.textAlign = "left";
  context.textBaseline = "middle";
  const seen = lines
    .filter(({ at }) => at >= plot.top && at <= plot.bottom)
    .sort((a, b) => a.at - b.at);
  const places = apart(
    seen.map(({ at }) => at),
    NAME_ROW,
    plot.bottom,
  );
  seen.forEach(({ text, colour }, i) =>
    haloText(context, text, plot.right + 6, places[i] ?? 0, colour, ground),
  );
}

/** Places in rising order, each at least `gap` below the one before, the last not below `end`. */
export function apart(places: readonly number[], gap: number, end: number): readonly number[] {
  const moved: number[] = [];
  for (const place of places) moved.push(Math.max(place, (moved.at(-1) ?? -Infinity) + gap));
  let limit = end;
  for (let i = moved.length - 1; i >= 0; i--) {
    moved[i] = Math.min(moved[i] ?? limit, limit);
    limit = (moved[i] ?? limit) - gap;
  }
  // Half of what the first were pushed down, all go up.
  const pushed = Math.max(0, ...moved.map((place, i) => place - (places[i] ?? place)));
  const room = Math.max(0, (moved[0] ?? 0) - ((places[0] ?? 0) - pushed / 2));
  return moved.map((place) => place - Math.min(room, pushed / 2));
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
