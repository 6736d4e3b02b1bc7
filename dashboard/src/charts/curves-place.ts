/** What the learning curves are given, and where all of it lies on the screen. */

import { project, smoothed, worthwhile, type Projected } from "./curves-geometry";
import { labelRoom, lasting, plotIn, tickCounts, type Plot } from "./frame";
import { number } from "../format";
import { linear, log, type Scale } from "./scale";
import type { Box } from "./surface";
import { setAside } from "./words";
import type { Board, Curves, Forecast, Shown } from "../types";

export interface CurvesData {
  readonly board: Board;
  readonly curves: Curves;
  readonly shown: Shown;
  readonly forecasts: readonly Forecast[];
  /** Time is seconds since the run's start; where the curves have none it is steps. */
  readonly x: "step" | "time";
  readonly logX: boolean;
  readonly logY: boolean;
  /** 0 … <1: the weight of what was before. */
  readonly smoothing: number;
}

/** Up to so many runs, the values lie faint behind their smoothed curve. */
const RAW_LINES = 60;

/** Up to so many runs, the predicted end has its line and band; more have a mark at the end. */
export const BANDS = 24;

/**
 * The predicted ends that are drawn: those of running runs. Where there are few, those of paused runs, which
 * may never go on, are too; else the tooltip says them.
 */
export function expected({ board, forecasts, shown }: CurvesData): readonly Forecast[] {
  const kept = forecasts.filter(({ row }) => shown.kept[row]);
  return kept.length <= BANDS ? kept : kept.filter(({ row }) => board.states[row] === "running");
}

export interface Zoom {
  x: readonly [number, number] | null;
  y: readonly [number, number] | null;
}

/** What is drawn, placed: made again when data, options, zoom or size change, not for a brush. */
export interface Placed {
  readonly plot: Plot;
  readonly x: Scale;
  readonly y: Scale;
  readonly curves: Projected;
  readonly raw: Projected | null;
  /** Some values lie outside of the axis. */
  readonly cut: boolean;
  /** No line has to be clipped. */
  readonly whole: boolean;
}

export function keyOf({
  board,
  curves: { metric, offsets },
  shown,
  x,
  logX,
  logY,
  smoothing,
}: CurvesData): string {
  return [
    ...setAside(board, shown),
    "-",
    board.head.id,
    board.version,
    metric,
    offsets.length,
    offsets.at(-1),
    x,
    logX,
    logY,
    smoothing,
  ].join(" ");
}

export function xsOf({ curves: { steps, times }, x }: CurvesData): Float32Array {
  return x === "time" && times.length >= steps.length ? times : steps;
}

export function byTime(data: CurvesData): boolean {
  return xsOf(data) !== data.curves.steps;
}

export function isObjective({ board, curves: { metric } }: CurvesData): boolean {
  return board.head.metric?.name === metric;
}

export function titlesOf(data: CurvesData, zoom: Zoom): { x: string; y: string } {
  const smoothed = data.smoothing > 0 ? `, smoothed by ${number(data.smoothing, 2)}` : "";
  const zoomed = zoom.x || zoom.y ? " · zoomed, double click for all" : "";
  return {
    x: byTime(data) ? "time since the run's start" : (data.curves.over ?? "step"),
    y: `${data.curves.metric}${smoothed}${zoomed}`,
  };
}

/** The points of all curves but those of some rows. */
function without(
  points: Float32Array,
  offsets: Uint32Array,
  rows: readonly number[],
): Float32Array {
  if (!rows.length) return points;
  const others = points.slice();
  for (const row of rows) others.fill(NaN, offsets[row], offsets[row + 1]);
  return others;
}

/** The whole of the data, before any zoom. */
function domainsOf(
  data: CurvesData,
  values: Float32Array,
): { x: readonly [number, number]; y: readonly [number, number]; cut: boolean } {
  const { board, logX, logY } = data;
  const aside = setAside(board, data.shown);
  const xs = without(xsOf(data), data.curves.offsets, aside);
  let from = Infinity;
  let to = -Infinity;
  for (let i = 0; i < xs.length; i++) {
    const at = xs[i] ?? NaN;
    if (logX && at <= 0) continue;
    if (at < from) from = at;
    if (at > to) to = at;
  }
  if (from > to) [from, to] = logX ? [1, 10] : [0, 1];
  if (!byTime(data) && board.head.full !== null && board.states.includes("running"))
    to = Math.max(to, board.head.full);
  const found = worthwhile(
    without(values, data.curves.offsets, aside),
    isObjective(data) ? (board.head.metric?.goal ?? null) : null,
    logY,
  );
  let [low, high] = found?.range ?? (logY ? [0.1, 1] : [0, 1]);
  if (isObjective(data)) {
    // A line that is near belongs into the picture; one far away would squash it.
    const near = high - low || Math.abs(high) || 1;
    const [least, most] = [low - near / 2, high + near / 2];
    const lines = [...Object.values(board.head.targets), ...expected(data).map(({ mean }) => mean)];
    for (const value of lines.filter((line) => line > least && line < most)) {
      if (logY && value <= 0) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  const margin = logY ? 0 : 0.04 * (high - low);
  return {
    x: [from, to],
    y: logY ? [low / 1.05, high * 1.05] : [low - margin, high + margin],
    cut: found?.cut ?? false,
  };
}

export function placedOf(
  data: CurvesData,
  zoom: Zoom,
  box: Box,
  measure: (text: string) => number,
): Placed {
  const { smoothing } = data;
  const values =
    smoothing > 0
      ? smoothed(data.curves.values, data.curves.offsets, smoothing)
      : data.curves.values;
  const whole = domainsOf(data, values);
  const xDomain = zoom.x ?? whole.x;
  const yDomain = zoom.y ?? whole.y;
  const make = (
    logged: boolean,
    domain: readonly [number, number],
    range: readonly [number, number],
    isWhole = false,
  ): Scale =>
    logged && domain[0] > 0 ? log(domain, range, isWhole) : linear(domain, range, isWhole);
  const frame = plotIn(box);
  const y = make(data.logY, yDomain, [frame.bottom, frame.top]);
  const room = labelRoom(
    y.ticks(tickCounts(frame).y).map((tick) => tick.label),
    measure,
  );
  const plot = plotIn(box, { left: room });
  const isTime = byTime(data);
  const plain = make(data.logX, xDomain, [plot.left, plot.right], !isTime);
  const x = isTime ? lasting(plain) : plain;
  const width = box.width * box.ratio;
  const xs = xsOf(data);
  const onScreen = (of: Float32Array) => project(data.curves, xs, of, x, y, width);
  return {
    plot,
    x,
    y,
    cut: whole.cut && !zoom.y,
    whole: !whole.cut && !zoom.x && !zoom.y,
    curves: onScreen(values),
    raw: smoothing > 0 && data.board.n <= RAW_LINES ? onScreen(data.curves.values) : null,
  };
}
