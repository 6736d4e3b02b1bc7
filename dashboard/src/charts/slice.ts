/**
 * The runs' values over one parameter, with the model's mean and band; or their ranks, where single
 * values would squash the rest.
 */

import { number } from "../format";
import { css } from "./colour";
import { worthwhile } from "./curves-geometry";
import {
  clipped,
  FONT,
  haloText,
  labelRoom,
  plotIn,
  tickCounts,
  type Plot,
  type Titles,
} from "./frame";
import { runPlot, type BrushCallbacks, type Pen, type RunsPlaced } from "./run-plot";
import { linear, scaleOf, type Scale } from "./scale";
import { usualStyle } from "./run-dots";
import { bestOf, goalOf, jitter, placesAt, ranks, roomy, shorter } from "./slice-geometry";
import type { Box } from "./surface";
import { cell, keptOnTop, remarksOf, runsOf, stateOf, titleOf } from "./words";
import type { Board, Brushes, Chart, Column, DataTable, Shown, Slice } from "../types";

export interface SliceData {
  readonly board: Board;
  /** Its column's name. */
  readonly parameter: string;
  /** Of this parameter. Null while it is computed, or where there is no model. */
  readonly slice: Slice | null;
  readonly shown: Shown;
  readonly brushes: Brushes;
  readonly rank: boolean;
  /** The one that values are of; null: where each ended. */
  readonly step: number | null;
}

interface Placed extends RunsPlaced {
  readonly column: Column;
  readonly heights: ArrayLike<number>;
  readonly shorter: ReadonlySet<number>;
}

export function slice(element: HTMLElement, callbacks: BrushCallbacks): Chart<SliceData> {
  return runPlot<SliceData, Placed>(element, callbacks, {
    label: "Slice",
    height: 260,
    placedBy: ({ parameter, slice: model, rank, step }) => [parameter, model, rank, step],
    dots: ({ board, shown }, { shorter: hollow }) => ({
      colours: shown.colours,
      style: { ...usualStyle(board.n), hollow },
    }),
    groundedBy: ({ parameter, brushes }) => [brushes.get(parameter), brushes.get("value")],
    place: placedOf,
    titles: titlesOf,
    below: drawBand,
    above: drawMean,
    brushed: ({ rank }, { column }) => ({ x: column.name, y: !rank }),
    name: (data) => `Slice along ${labelOf(data)}`,
    describe,
    lines: linesOf,
  });
}

function titlesOf({ board, rank }: SliceData, { column }: Placed): Titles {
  return {
    x: column.label,
    y: rank ? "rank, 1 is the best" : (board.head.metric?.name ?? "value"),
  };
}

function placedOf(data: SliceData, box: Box, measure: (text: string) => number): Placed | null {
  const { board, rank } = data;
  const column = board.columns.get(data.parameter);
  if (!column) return null;
  const values = board.columns.get("value")?.values ?? new Float64Array(board.n).fill(NaN);
  const goal = goalOf(board);
  const early = shorter(board, data.step);
  // A rank is among equals.
  const whole = values.map((value, row) => (early.has(row) ? NaN : value));
  const heights = rank ? ranks(whole, board.n, goal) : values;
  const frame = plotIn(box);
  const y = rank ? rankScale(heights, frame) : valueScale(data, values, goal, frame);
  const plot = plotIn(box, {
    left: labelRoom(
      y.ticks(tickCounts(frame).y).map((tick) => tick.label),
      measure,
    ),
  });
  const x = scaleOf(column, [plot.left, plot.right], roomy(column));
  const xs = new Float32Array(board.n);
  const ys = new Float32Array(board.n);
  for (let row = 0; row < board.n; row++) {
    const at = column.values[row] ?? NaN;
    xs[row] = x.of(column.kind === "category" ? at + jitter(row) : at);
    const height = y.of(heights[row] ?? NaN);
    ys[row] = Number.isFinite(height) ? Math.min(plot.bottom, Math.max(plot.top, height)) : NaN;
  }
  return { plot, column, x, y, heights, shorter: early, xs, ys };
}

/** The best rank lies on top. */
function rankScale(heights: ArrayLike<number>, { top, bottom }: Plot): Scale {
  const last = Math.max(2, ...Array.from(heights).filter(Number.isFinite));
  return linear([last + 0.02 * last, 1 - 0.03 * last], [bottom, top], true);
}

function valueScale(
  { slice: model, board }: SliceData,
  values: Float64Array,
  goal: "minimize" | "maximize",
  { top, bottom }: Plot,
): Scale {
  let [low, high] = worthwhile(Float32Array.from(values), board.head.metric ? goal : null, false)
    ?.range ?? [0, 1];
  for (const mean of model?.mean ?? []) {
    low = Math.min(low, mean);
    high = Math.max(high, mean);
  }
  const margin = 0.05 * (high - low || Math.abs(high) || 1);
  return linear([low - margin, high + margin], [bottom, top]);
}

/** The brush and the model's band, below the runs. */
function drawBand(
  { context, ink }: Pen,
  { slice: model, rank, brushes }: SliceData,
  { plot, column, x, y }: Placed,
): void {
  context.fillStyle = css(ink.brush, 0.1);
  for (const [low, high] of brushes.get(column.name) ?? []) {
    const from = Math.max(plot.left, x.of(low));
    context.fillRect(
      from,
      plot.top,
      Math.max(1, Math.min(plot.right, x.of(high)) - from),
      plot.bottom - plot.top,
    );
  }
  if (!model || rank) return;
  const places = placesAt(column, model.at);
  context.fillStyle = css(ink.muted, 0.2);
  clipped(context, plot, () => {
    if (column.kind === "category") {
      const half = halfOf(x);
      places.forEach((place, i) => {
        const [at, low, high] = [
          x.of(place),
          y.of(model.low[i] ?? NaN),
          y.of(model.high[i] ?? NaN),
        ];
        context.fillRect(at - half, high, 2 * half, low - high);
      });
      return;
    }
    const order = [...places.keys()];
    context.beginPath();
    lineThrough(
      context,
      order.map((i) => [x.of(places[i] ?? NaN), y.of(model.high[i] ?? NaN)]),
    );
    lineThrough(
      context,
      order.reverse().map((i) => [x.of(places[i] ?? NaN), y.of(model.low[i] ?? NaN)]),
    );
    context.fill();
  });
}

/** The model's mean on a halo, above the runs. */
function drawMean(pen: Pen, data: SliceData, now: Placed): void {
  const { slice: model, rank } = data;
  const { plot, column, x, y } = now;
  if (!model || rank) return;
  const { context, ink } = pen;
  const places = placesAt(column, model.at);
  clipped(context, plot, () => {
    context.lineJoin = "round";
    context.beginPath();
    if (column.kind === "category") {
      const half = halfOf(x);
      places.forEach((place, i) => {
        const height = y.of(model.mean[i] ?? NaN);
        context.moveTo(x.of(place) - half, height);
        context.lineTo(x.of(place) + half, height);
      });
    } else
      lineThrough(
        context,
        Array.from(places, (place, i) => [x.of(place), y.of(model.mean[i] ?? NaN)]),
      );
    for (const [colour, width] of [
      [css(ink.ground, 0.8), 5],
      [css(ink.text), 2],
    ] as const) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    }
  });
  drawBest(pen, data, now);
}

/** Half of the width of a category's mark. */
function halfOf(x: Scale): number {
  return Math.min(40, 0.35 * Math.abs(x.of(1) - x.of(0)));
}

function lineThrough(
  context: CanvasRenderingContext2D,
  points: readonly (readonly [number, number])[],
): void {
  for (const [px, py] of points)
    if (Number.isFinite(px) && Number.isFinite(py)) context.lineTo(px, py);
}

/** Where the model's mean is best, marked on its line. */
function drawBest(
  { context, ink }: Pen,
  { board, slice: model, rank }: SliceData,
  { plot, column, x, y }: Placed,
): void {
  const best = model && !rank ? bestOf(model, goalOf(board)) : null;
  if (!best) return;
  const px = x.of(placesAt(column, [best.at])[0] ?? NaN);
  const text = `model's best ${typeof best.at === "number" ? number(best.at) : best.at}`;
  // Named at the far side, away from the good runs that crowd there.
  const rising = goalOf(board) === "maximize";
  context.strokeStyle = css(ink.muted);
  context.lineWidth = 1;
  context.setLineDash([2, 3]);
  context.beginPath();
  context.moveTo(px, y.of(best.mean));
  context.lineTo(px, rising ? plot.bottom : plot.top);
  context.stroke();
  context.setLineDash([]);
  context.font = FONT;
  const room = context.measureText(text).width;
  context.textAlign = px + room + 8 > plot.right ? "right" : "left";
  context.textBaseline = "bottom";
  haloText(
    context,
    text,
    px + (context.textAlign === "left" ? 4 : -4),
    rising ? plot.bottom - 4 : plot.top + 14,
    ink.text,
    ink.ground,
  );
}

function linesOf(
  { board, rank }: SliceData,
  { column, x, heights }: Placed,
  row: number,
): readonly string[] {
  const value = board.columns.get("value")?.values[row];
  const place = rank ? `, rank ${number(heights[row])}` : "";
  return [
    titleOf(board, row),
    `${column.label} ${x.format(column.values[row] ?? NaN)}`,
    `${board.head.metric?.name ?? "value"} ${number(value)}${place}`,
    stateOf(board, row),
    ...remarksOf(board, row),
  ];
}

function labelOf({ board, parameter }: SliceData): string {
  return board.columns.get(parameter)?.label ?? parameter;
}

/** One sentence. */
export function describe(data: SliceData): string {
  const { board, slice: model, shown } = data;
  const best = model ? bestOf(model, goalOf(board)) : null;
  const at = typeof best?.at === "number" ? number(best.at) : best?.at;
  const told = best ? `; the model's mean is best at ${at} with ${number(best.mean)}` : "";
  const over = `${board.head.metric?.name ?? "Value"} over ${labelOf(data)}`;
  return `${over}, ${runsOf(shown.kept, board.n)}${told}.`;
}

/** A row for each kept run, in the order of the parameter. */
export function rows({ board, parameter, shown }: SliceData): DataTable {
  const column = board.columns.get(parameter);
  const values = board.columns.get("value")?.values ?? new Float64Array();
  const at = (row: number) => column?.values[row] ?? NaN;
  return {
    columns: ["run", column?.label ?? parameter, board.head.metric?.name ?? "value", "state"],
    rows: Array.from(keptOnTop(shown))
      .sort((a, b) => at(a) - at(b))
      .map((row) => [
        board.numbers[row] ?? null,
        column?.kind === "category" ? (column.categories[at(row)] ?? null) : cell(at(row)),
        cell(values[row]),
        board.states[row] ?? "",
      ]),
  };
}
