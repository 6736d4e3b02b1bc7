/**
 * The history of a sweep: every run's value over its number or its end, the best so far as steps,
 * baseline and targets. The shape of a mark says what became of the run. A drag along an axis
 * brushes its column.
 */

import { number } from "../format";
import { css } from "./colour";
import { worthwhile } from "./curves-geometry";
import { clipped, FONT, horizontal, labelRoom, plotIn, tickCounts } from "./frame";
import { bestSoFar, timeColumn, type Step } from "./history-geometry";
import { runPlot, type BrushCallbacks, type Pen, type RunsPlaced } from "./run-plot";
import { linear, log, scaleOf } from "./scale";
import type { Box } from "./surface";
import { drawTargets, nameLines } from "./targets";
import { cell, keptOnTop, remarksOf, runsOf, setAside, stateOf, titleOf } from "./words";
import type { Board, Brushes, Chart, Column, DataTable, Shown } from "../types";

export interface HistoryData {
  readonly board: Board;
  readonly shown: Shown;
  readonly x: "number" | "ended";
  readonly logY: boolean;
  /**
   * Those of "value", "number" and "ended" are shown. Across can be brushed where the board has
   * that column.
   */
  readonly brushes: Brushes;
}

/** Runs without a value stand on a rail below the plot's floor. */
const RAIL = 14;

interface Placed extends RunsPlaced {
  readonly column: Column;
  readonly steps: readonly Step[];
  readonly rail: boolean;
  readonly cut: boolean;
}

export function history(element: HTMLElement, callbacks: BrushCallbacks): Chart<HistoryData> {
  return runPlot<HistoryData, Placed>(element, callbacks, {
    label: "History",
    height: 240,
    placedBy: ({ board, shown, x, logY }) => [x, logY, ...setAside(board, shown)],
    groundedBy: ({ x, brushes, shown }) => [brushes.get(x), brushes.get("value"), shown.baseline],
    place: placedOf,
    titles: titlesOf,
    below(pen, data, now) {
      drawBrushes(pen, data, now);
      drawLines(pen, data, now);
    },
    above: drawNames,
    brushed: ({ board }, { column }) => ({
      x: board.columns.has(column.name) ? column.name : null,
      y: true,
    }),
    name: () => "History",
    describe,
    lines: linesOf,
  });
}

function valuesOf(board: Board): Float64Array {
  return board.columns.get("value")?.values ?? new Float64Array(board.n).fill(NaN);
}

function titlesOf({ board, x }: HistoryData): { x: string; y: string } {
  return { x: x === "number" ? "run" : "ended", y: board.head.metric?.name ?? "value" };
}

function placedOf(data: HistoryData, box: Box, measure: (text: string) => number): Placed {
  const { board, logY } = data;
  const column = timeColumn(board, data.x);
  const aside = setAside(board, data.shown);
  const values = valuesOf(board).slice();
  for (const row of aside) values[row] = NaN;
  const goal = board.head.metric?.goal ?? null;
  const found = worthwhile(Float32Array.from(values), goal, logY);
  let [low, high] = found?.range ?? [0, 1];
  const near = high - low || Math.abs(high) || 1;
  for (const value of Object.values(board.head.targets)) {
    if (!(value > low - near / 2 && value < high + near / 2) || (logY && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const rail = Array.from({ length: board.n }, (_, row) => row).some(
    (row) =>
      !Number.isFinite(values[row]) &&
      Number.isFinite(column.values[row]) &&
      !aside.includes(row),
  );
  const margin = 0.05 * (high - low || Math.abs(high) || 1);
  const frame = plotIn(box);
  const floor = rail ? frame.bottom - RAIL : frame.bottom;
  const y =
    logY && low > 0
      ? log([low / 1.05, high * 1.05], [floor, frame.top])
      : linear([low - margin, high + margin], [floor, frame.top]);
  const labels = y.ticks(tickCounts(frame).y).map((tick) => tick.label);
  const room = labelRoom(rail ? [...labels, "none"] : labels, measure);
  const names = namesOf(data).map(({ text }) => measure(text));
  const plot = plotIn(box, { left: room, right: Math.max(12, ...names.map((name) => name + 12)) });
  const pad = 0.015 * (column.high - column.low);
  const x = scaleOf(column, [plot.left + 4, plot.right - 4], [column.low - pad, column.high + pad]);
  const xs = new Float32Array(board.n);
  const ys = new Float32Array(board.n);
  for (let row = 0; row < board.n; row++) {
    xs[row] = x.of(column.values[row] ?? NaN);
    const value = values[row] ?? NaN;
    const at = y.of(value);
    // What lies outside stands at the edge; what has no value on the rail.
    ys[row] = Number.isFinite(at)
      ? Math.min(floor, Math.max(plot.top, at))
      : plot.bottom - RAIL / 2;
  }
  for (const row of aside) xs[row] = NaN;
  return {
    plot,
    x,
    y,
    column,
    xs,
    ys,
    steps: bestSoFar(board, column.values, values),
    rail,
    cut: found?.cut ?? false,
  };
}

function drawLines({ context, box, ink }: Pen, data: HistoryData, now: Placed): void {
  const { plot, x, y, steps } = now;
  const { ratio } = box;
  const { board, shown } = data;
  if (now.rail) {
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillStyle = css(ink.muted);
    context.fillText("none", plot.left - 6, plot.bottom - RAIL / 2);
  }
  drawTargets(context, board, plot, y, ink, ratio);
  const baseline = shown.baseline < 0 ? NaN : y.of(valuesOf(board)[shown.baseline] ?? NaN);
  if (baseline >= plot.top && baseline <= plot.bottom) {
    context.strokeStyle = css(ink.baseline);
    context.lineWidth = 1;
    context.setLineDash([6, 3]);
    context.beginPath();
    horizontal(context, baseline, plot.left, plot.right, ratio);
    context.stroke();
    context.setLineDash([]);
  }
  if (!steps.length) return;
  clipped(context, plot, () => {
    context.strokeStyle = css(ink.best);
    context.lineWidth = 1.75;
    context.lineJoin = "round";
    context.beginPath();
    steps.forEach((step, place) => {
      const px = x.of(step.x);
      const py = Math.min(plot.bottom, Math.max(plot.top, y.of(step.value)));
      if (place === 0) context.moveTo(px, py);
      else {
        context.lineTo(
          px,
          Math.min(plot.bottom, Math.max(plot.top, y.of(steps[place - 1]?.value ?? NaN))),
        );
        context.lineTo(px, py);
      }
    });
    context.lineTo(plot.right, y.of(steps.at(-1)?.value ?? NaN));
    context.stroke();
  });
}

/** The lines across the plot: what they are called, and where they lie. That of the best is the line's own value, which the
 * named run need not have. */
export function namesOf({ board, shown }: Pick<HistoryData, "board" | "shown">): readonly {
  readonly text: string;
  readonly value: number;
  readonly ink: "muted" | "baseline" | "best";
}[] {
  const values = valuesOf(board);
  const baseline = values[shown.baseline] ?? NaN;
  const best = bestSoFar(board, board.numbers, values).at(-1)?.value ?? NaN;
  const seen = best === values[shown.best] ? "best" : "best seen";
  return [
    ...Object.entries(board.head.targets).map(([name, value]) => ({
      text: `${name} ${number(value)}`,
      value,
      ink: "muted" as const,
    })),
    { text: `baseline ${number(baseline)}`, value: baseline, ink: "baseline" as const },
    { text: `${seen} ${number(best)}`, value: best, ink: "best" as const },
  ].filter(({ value }) => Number.isFinite(value));
}

function drawBrushes({ context, ink }: Pen, data: HistoryData, now: Placed): void {
  const { plot, x, y, column } = now;
  context.fillStyle = css(ink.brush, 0.1);
  for (const [low, high] of data.brushes.get(column.name) ?? []) {
    const from = Math.max(plot.left, x.of(low));
    context.fillRect(
      from,
      plot.top,
      Math.min(plot.right, x.of(high)) - from,
      plot.bottom - plot.top,
    );
  }
  for (const [low, high] of data.brushes.get("value") ?? []) {
    const top = Math.max(plot.top, y.of(high));
    context.fillRect(
      plot.left,
      top,
      plot.right - plot.left,
      Math.min(plot.bottom, y.of(low)) - top,
    );
  }
}

function drawNames({ context, ink }: Pen, data: HistoryData, now: Placed): void {
  const { plot } = now;
  context.font = FONT;
  nameLines(
    context,
    namesOf(data).map(({ text, value, ink: which }) => ({ text, at: now.y.of(value), colour: ink[which] })),
    plot,
    ink.ground,
  );
  if (now.cut) {
    context.textAlign = "right";
    context.textBaseline = "top";
    context.fillStyle = css(ink.muted);
    context.fillText("some values lie outside, drawn at the edge", plot.right, 4);
  }
}

function linesOf({ board }: HistoryData, now: Placed, row: number): readonly string[] {
  const value = valuesOf(board)[row];
  const at =
    now.column.name === "ended" ? [`ended ${now.x.format(now.column.values[row] ?? NaN)}`] : [];
  const steps = board.columns.get("steps")?.values[row];
  const after = steps === undefined ? "" : ` after ${number(steps)} steps`;
  return [
    titleOf(board, row),
    `${board.head.metric?.name ?? "value"} ${number(value)}${after}`,
    stateOf(board, row),
    ...remarksOf(board, row),
    ...at,
  ];
}

/** One sentence. */
export function describe({ board, shown, x }: HistoryData): string {
  const values = valuesOf(board);
  const over = x === "number" ? "by run" : "by time of ending";
  const best =
    shown.best < 0
      ? "no run has a value yet"
      : `the best is #${board.numbers[shown.best]} with ${number(values[shown.best])}`;
  const base = shown.baseline < 0 ? "" : `, the baseline has ${number(values[shown.baseline])}`;
  const name = board.head.metric?.name ?? "Value";
  return `${name} ${over}, ${runsOf(shown.kept, board.n)}; ${best}${base}.`;
}

/** A row for each kept run, in the order of their numbers. */
export function rows({ board, shown, x }: HistoryData): DataTable {
  const values = valuesOf(board);
  const ended = timeColumn(board, "ended");
  const scale = scaleOf(ended, [0, 1]);
  const steps = new Set(
    bestSoFar(board, timeColumn(board, x).values, values).map((step) => step.row),
  );
  return {
    columns: ["run", "name", "state", board.head.metric?.name ?? "value", "ended", "best so far"],
    rows: Array.from(keptOnTop(shown))
      .sort((a, b) => a - b)
      .map((row) => [
        board.numbers[row] ?? null,
        board.names[row] ?? "",
        board.states[row] ?? "",
        cell(values[row]),
        scale.format(ended.values[row] ?? NaN),
        steps.has(row) ? "yes" : "",
      ]),
  };
}
