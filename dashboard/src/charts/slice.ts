/**
 * The runs' values over one parameter, with the model's mean and band; or their ranks, where single
 * values would squash the rest.
 */

import { number } from "../format";
import { css, inks } from "./colour";
import { worthwhile } from "./curves-geometry";
import { nearestMark } from "./dots";
import {
  clipped,
  drawAxes,
  FONT,
  haloText,
  labelRoom,
  plotIn,
  textMeasure,
  tickCounts,
  type Plot,
} from "./frame";
import { drawDragged, listen, type Dragged } from "./gestures";
import { circleRuns, runDots } from "./run-dots";
import { linear, scaleOf, type Scale } from "./scale";
import { bestOf, goalOf, jitter, placesAt, ranks, roomy } from "./slice-geometry";
import { surface, type Box } from "./surface";
import { tooltip } from "./tooltip";
import {
  cell,
  differs,
  keptOnTop,
  runsOf,
  standsOut,
  remarksOf,
  stateOf,
  titleOf,
  type RunCallbacks,
} from "./words";
import type { Board, Brush, Brushes, Chart, Column, DataTable, Shown, Slice } from "../types";

export interface SliceData {
  readonly board: Board;
  /** Its column's name. */
  readonly parameter: string;
  /** Of this parameter. Null while it is computed, or where there is no model. */
  readonly slice: Slice | null;
  readonly shown: Shown;
  readonly brushes: Brushes;
  readonly rank: boolean;
}

export interface SliceCallbacks extends RunCallbacks {
  onBrush?(column: string, brush: Brush): void;
}

const REACH = 16;

interface Placed {
  readonly plot: Plot;
  readonly column: Column;
  readonly x: Scale;
  readonly y: Scale;
  readonly heights: ArrayLike<number>;
  readonly xs: Float32Array;
  readonly ys: Float32Array;
}

export function slice(element: HTMLElement, callbacks: SliceCallbacks): Chart<SliceData> {
  let data: SliceData | null = null;
  let key = "";
  let placed: Placed | null = null;
  let onTop: Uint32Array = new Uint32Array();
  let hover = -1;
  let dragged: Dragged | null = null;
  const dots = runDots();
  const measure = textMeasure();
  const area = surface(
    element,
    { label: "Slice", interactive: true, height: 260, resized: () => (placed = null) },
    [
      (context, box) => {
        context.clearRect(0, 0, box.width, box.height);
        const now = place();
        if (!data || !now) return;
        const { plot, x, y, column } = now;
        drawAxes(context, box, plot, x, y, titlesOf(data, column), inks(data.shown.dark));
        drawBand(context, data, now);
      },
      (context, box) => {
        const now = place();
        if (data && now) dots.draw(context, box, data.board, data.shown, now.xs, now.ys);
      },
      (context, box) => {
        context.clearRect(0, 0, box.width, box.height);
        const now = place();
        if (!data || !now) return;
        drawMean(context, data, now);
        circleRuns(context, now.plot, data.shown, hover, now.xs, now.ys);
        drawDragged(context, now.plot, dragged, inks(data.shown.dark));
      },
    ],
  );
  const tip = tooltip(area.host);

  function place(): Placed | null {
    const box = area.box();
    if (!data || box.width < 1) return null;
    placed ??= placedOf(data, box, measure);
    return placed;
  }

  function touch(row: number): void {
    if (row !== hover) {
      hover = row;
      area.redraw(2);
      callbacks.onHover(row);
    }
    if (!data || !placed || row < 0) return tip.hide();
    tip.show(placed.xs[row] ?? 0, placed.ys[row] ?? 0, linesOf(data, placed, row));
  }

  listen(area, {
    plot: () => placed?.plot ?? plotIn(area.box()),
    hover(at) {
      if (placed)
        touch(
          at && data
            ? nearestMark(placed.xs, placed.ys, onTop, data.shown.kept, at.x, at.y, REACH)
            : -1,
        );
    },
    click(_, event) {
      if (hover >= 0) callbacks.onPick?.(hover, event);
    },
    dragging(range) {
      dragged = range;
      tip.hide();
      area.redraw(2);
    },
    dragged(range) {
      if (!placed || !data) return;
      const { x, y, column } = placed;
      if (range.x) callbacks.onBrush?.(column.name, [[x.invert(range.x[0]), x.invert(range.x[1])]]);
      if (range.y && !data.rank)
        callbacks.onBrush?.("value", [[y.invert(range.y[1]), y.invert(range.y[0])]]);
    },
    doubled() {
      if (!placed) return;
      callbacks.onBrush?.(placed.column.name, []);
      callbacks.onBrush?.("value", []);
    },
  });

  area.host.addEventListener("keydown", (event) => {
    if (!data || !placed || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Enter" && hover >= 0) callbacks.onPick?.(hover, event);
    else if (step) {
      const { xs } = placed;
      const across = Array.from(onTop)
        .filter((row) => !Number.isNaN(xs[row]))
        .sort((a, b) => (xs[a] ?? 0) - (xs[b] ?? 0));
      const row = across[Math.max(0, Math.min(across.length - 1, across.indexOf(hover) + step))];
      if (row === undefined) return;
      touch(row);
      area.say(linesOf(data, placed, row).join(", "));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    update(after) {
      const before = data;
      data = after;
      const next = [
        after.board.head.id,
        after.board.version,
        after.board.n,
        after.parameter,
        after.rank,
      ].join(" ");
      const moved =
        next !== key ||
        before?.slice !== after.slice ||
        before?.board.columns !== after.board.columns;
      key = next;
      if (moved) placed = null;
      if (
        moved ||
        before?.brushes !== after.brushes ||
        differs(before?.shown ?? null, after.shown)
      ) {
        onTop = keptOnTop(after.shown);
        area.soon("name", () => area.name(`Slice along ${labelOf(after)}`, describe(after)));
        area.redraw(1);
        const stands = moved || standsOut(before?.shown ?? null, after.shown);
        if (stands || before?.brushes !== after.brushes) area.redraw(0);
        if (stands) area.redraw(2);
      }
      if (after.shown.hover !== hover) {
        hover = after.shown.hover;
        tip.hide();
        area.redraw(2);
      }
    },
    destroy() {
      tip.hide();
      area.destroy();
    },
  };
}

function titlesOf({ board, rank }: SliceData, column: Column): { x: string; y: string } {
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
  const heights = rank ? ranks(values, board.n, goal) : values;
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
  return { plot, column, x, y, heights, xs, ys };
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
  context: CanvasRenderingContext2D,
  { slice: model, rank, shown, brushes }: SliceData,
  { plot, column, x, y }: Placed,
): void {
  const ink = inks(shown.dark);
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
function drawMean(context: CanvasRenderingContext2D, data: SliceData, now: Placed): void {
  const { slice: model, rank, shown } = data;
  const { plot, column, x, y } = now;
  if (!model || rank) return;
  const ink = inks(shown.dark);
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
  drawBest(context, data, now);
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
  context: CanvasRenderingContext2D,
  { board, slice: model, rank, shown }: SliceData,
  { plot, column, x, y }: Placed,
): void {
  const best = model && !rank ? bestOf(model, goalOf(board)) : null;
  if (!best) return;
  const ink = inks(shown.dark);
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
