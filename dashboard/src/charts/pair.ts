/** The model's mean over two parameters as filled contours, with the runs as dots. */

import { number } from "../format";
import { css, inks, mix, sequential } from "./colour";
import { FONT, labelRoom, plotIn, tickCounts } from "./frame";
import { bilinear, levelOf } from "./pair-geometry";
import { word } from "./raster";
import type { DotStyle } from "./run-dots";
import { runPlot, type Pen, type RunsPlaced } from "./run-plot";
import { extent, scaleOf, type Scale } from "./scale";
import { goalOf, jitter, placesAt, roomy } from "./slice-geometry";
import type { Box } from "./surface";
import { cell, remarksOf, runsOf, stateOf, titleOf, type RunCallbacks } from "./words";
import type { Board, Chart, Column, DataTable, Pair, Shown } from "../types";

export interface PairData {
  readonly board: Board;
  /** Names of columns. */
  readonly x: string;
  readonly y: string;
  /** Of these two. Null while it is computed. */
  readonly pair: Pair | null;
  readonly shown: Shown;
}

const LEVELS = 10;
/** The contours are softer than the runs on them. */
const SOFT = 0.45;

interface Placed extends RunsPlaced {
  readonly across: Column;
  readonly up: Column;
}

export function pair(element: HTMLElement, callbacks: RunCallbacks): Chart<PairData> {
  return runPlot<PairData, Placed>(element, callbacks, {
    label: "Pair of parameters",
    height: 300,
    placedBy: ({ x, y, pair: found }) => [x, y, found],
    place: placedOf,
    titles: (_, { across, up }) => ({ x: across.label, y: up.label }),
    below(pen, data, now) {
      if (data.pair) drawContours(pen, data.pair, data, now);
    },
    dots: ({ board, shown }) => ({ colours: inOneInk(shown), style: styleOf(board.n) }),
    name: ({ x, y }) => `${x} and ${y}`,
    describe,
    lines: linesOf,
  });
}

function linesOf({ board }: PairData, { across, up, x, y }: Placed, row: number): readonly string[] {
  return [
    titleOf(board, row),
    `${across.label} ${x.format(across.values[row] ?? NaN)}`,
    `${up.label} ${y.format(up.values[row] ?? NaN)}`,
    `${board.head.metric?.name ?? "value"} ${number(valuesOf(board)[row])}`,
    stateOf(board, row),
    ...remarksOf(board, row),
  ];
}

/** Many runs are small and let the ground through. */
function styleOf(n: number): DotStyle {
  return { radius: n > 300 ? 1.5 : 2.5, alpha: n > 3000 ? 0.35 : n > 300 ? 0.6 : 0.85 };
}

/** The ground already speaks of the objective. */
function inOneInk({ colours, dark }: Shown): Uint32Array {
  return new Uint32Array(colours.length).fill(inks(dark).text);
}

function valuesOf(board: Board): ArrayLike<number> {
  return board.columns.get("value")?.values ?? [];
}

function placedOf(data: PairData, box: Box, measure: (text: string) => number): Placed | null {
  const { board } = data;
  const across = board.columns.get(data.x);
  const up = board.columns.get(data.y);
  if (!across || !up) return null;
  const frame = plotIn(box);
  const y = scaleOf(up, [frame.bottom, frame.top], roomy(up));
  const plot = plotIn(box, {
    left: labelRoom(
      y.ticks(tickCounts(frame).y).map((tick) => tick.label),
      measure,
    ),
  });
  const x = scaleOf(across, [plot.left, plot.right], roomy(across));
  const spread = (column: Column, scale: Scale, by: number) =>
    Float32Array.from({ length: board.n }, (_, row) => {
      const at = column.values[row] ?? NaN;
      return scale.of(column.kind === "category" ? at + jitter(row * by) : at);
    });
  return { plot, x, y, across, up, xs: spread(across, x, 1), ys: spread(up, y, 7) };
}

function drawContours(pen: Pen, found: Pair, data: PairData, now: Placed): void {
  const { plot, x, y, across, up } = now;
  const { ink } = pen;
  const range = extent(found.mean.flat());
  if (!range) return;
  const columns = Float64Array.from(placesAt(across, found.x.at), (value) => x.of(value));
  const lines = Float64Array.from(placesAt(up, found.y.at), (value) => y.of(value));
  const [width, height] = [
    Math.max(1, Math.floor(plot.right - plot.left)),
    Math.max(1, Math.floor(plot.bottom - plot.top)),
  ];
  const picture = document.createElement("canvas");
  picture.width = width;
  picture.height = height;
  const paper = picture.getContext("2d");
  if (!paper) return;
  const image = paper.createImageData(width, height);
  const words = new Int32Array(image.data.buffer);
  const good = goalOf(data.board) === "maximize";
  const colours = Array.from({ length: LEVELS }, (_, level) => {
    const share = (level + 0.5) / LEVELS;
    return mix(sequential(good ? share : 1 - share, data.shown.dark), ink.ground, SOFT);
  });
  const table = colours.map(word);
  const mean = bilinear(
    found.mean,
    columns,
    lines,
    across.kind === "category",
    up.kind === "category",
  );
  for (let j = 0; j < height; j++) {
    for (let i = 0; i < width; i++) {
      const value = mean(plot.left + i + 0.5, plot.top + j + 0.5);
      if (!Number.isNaN(value)) words[j * width + i] = table[levelOf(value, range, LEVELS)] ?? 0;
    }
  }
  paper.putImageData(image, 0, 0);
  pen.context.drawImage(picture, plot.left, plot.top, width, height);
  drawKey(pen, range, colours, data);
}

/** Which colour is which mean. */
function drawKey(
  { context, box, ink }: Pen,
  range: readonly [number, number],
  colours: readonly number[],
  data: PairData,
): void {
  const [low, high] = [number(range[0]), number(range[1])];
  context.font = FONT;
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.fillStyle = css(ink.muted);
  let right = box.width - 12;
  context.fillText(high, right, 10);
  right -= context.measureText(high).width + 6 + colours.length * 8;
  colours.forEach((colour, level) => {
    context.fillStyle = css(colour);
    context.fillRect(right + level * 8, 5, 8, 10);
  });
  context.fillStyle = css(ink.muted);
  const name = `mean ${data.board.head.metric?.name ?? "value"}`;
  const all = `${name} ${low}`;
  context.fillText(context.measureText(all).width < right - 110 ? all : low, right - 6, 10);
}

/** One sentence. */
export function describe({ board, x, y, pair: found, shown }: PairData): string {
  const metric = board.head.metric?.name ?? "the objective";
  const count = runsOf(shown.kept, board.n);
  if (!found) return `${metric} over ${x} and ${y}, ${count}; the model's mean is not known yet.`;
  const sign = goalOf(board) === "maximize" ? 1 : -1;
  let best: { mean: number; i: number; j: number } | null = null;
  for (const [j, line] of found.mean.entries()) {
    for (const [i, mean] of line.entries())
      if (Number.isFinite(mean) && (!best || sign * mean > sign * best.mean)) best = { mean, i, j };
  }
  const at = (value: number | string | undefined) =>
    typeof value === "number" ? number(value) : (value ?? "–");
  const place = best && `${x} ${at(found.x.at[best.i])} and ${y} ${at(found.y.at[best.j])}`;
  const told = best ? `; the model's mean is best, ${number(best.mean)}, at ${place}` : "";
  return `${metric} over ${x} and ${y}, ${count}${told}.`;
}

/** The model's mean: a row for each place of y, a column for each of x. */
export function rows({ x, y, pair: found }: PairData): DataTable {
  if (!found) return { columns: [x, y, "mean"], rows: [] };
  const written = (value: number | string) => (typeof value === "number" ? cell(value) : value);
  return {
    columns: [`${y} \\ ${x}`, ...found.x.at.map((value) => String(written(value)))],
    rows: found.mean.map((line, j) => [written(found.y.at[j] ?? NaN), ...line.map(cell)]),
  };
}
