/**
 * Learning curves of all runs: what is kept in its colour, the rest faint, the best on top.
 *
 * The lines are ours and not uPlot's: with a thousand runs uPlot filters and draws within a frame, with ten thousand a brush
 * takes it 195 ms and the first picture 2.4 s (measured; `docs/design/dashboard.md`). Here one rasteriser draws front to back
 * in slices. Axes, rungs, targets, forecasts and the few runs that stand out lie on a canvas above, what the pointer
 * touches on one above that, so that hovering draws one line. A single run's metrics are uPlot's: `series.ts`.
 */

import { css, inks, type Inks } from "./colour";
import { lastPoint, nearestCurve, project, smoothed, worthwhile, type Projected } from "./curves-geometry";
import {
  clipped, drawAxes, FONT, haloText, horizontal, inside, labelRoom, lasting, plotIn, textMeasure, tickCounts, vertical, type Plot,
} from "./frame";
import { listen, type Dragged } from "./gestures";
import { hairline, line, rectangle, surface as raster, word, type Painter } from "./raster";
import { duration, linear, log, number, type Scale } from "./scale";
import { surface } from "./surface";
import { tooltip } from "./tooltip";
import { cell, cutShort, differs, keptOnTop, runsOf, said, standsOut, stateOf, titleOf, type RunCallbacks } from "./words";
import type { Board, Chart, Curves, DataTable, Forecast, Shown } from "../types";

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

/** More lines than this are drawn with hard edges: between so many nobody can tell. */
const SOFT_LINES = 400;
/** Up to so many runs, the values lie faint behind their smoothed curve. */
const RAW_LINES = 60;
/** Up to so many runs under way, the predicted end has its line and band; more have a mark at the end. */
const BANDS = 24;
/** The last segments of a run that was cut short. */
const FADING = 4;
/** Layers, from the ground up. */
const [AXES, LINES, STANDING, TOUCHED] = [0, 1, 2, 3];
const REACH = 24;
const MARK = 2.5;

interface Zoom {
  x: readonly [number, number] | null;
  y: readonly [number, number] | null;
}

/** What is drawn, placed: made again when data, options, zoom or size change, not for a brush. */
interface Placed {
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

export function curves(element: HTMLElement, callbacks: RunCallbacks): Chart<CurvesData> {
  let data: CurvesData | null = null;
  let key = "";
  let seen: Curves["values"] | null = null;
  let placed: Placed | null = null;
  let onTop: Uint32Array = new Uint32Array();
  let zoom: Zoom = { x: null, y: null };
  let dragged: Dragged | null = null;
  let hover = -1;
  let point = -1;
  let pointed: { x: number; y: number } | null = null;
  const measure = textMeasure();

  const area = surface(element, { label: "Learning curves", interactive: true, height: 320, resized: () => (placed = null) }, [
    (context, box) => {
      context.clearRect(0, 0, box.width, box.height);
      const now = place();
      if (data && now) drawAxes(context, box, now.plot, now.x, now.y, titlesOf(data, zoom), inks(data.shown.dark));
    },
    (_, box) => {
      const now = place();
      if (!data || !now || !lines) return;
      lines.resize(box.width, box.height, box.ratio);
      const picture = rasterOf(data, now, onTop, box.ratio);
      lines.paint(picture.count, picture.painter);
    },
    (context, box) => {
      context.clearRect(0, 0, box.width, box.height);
      const now = place();
      if (data && now) drawStanding(context, data, now, box.ratio);
    },
    (context, box) => {
      context.clearRect(0, 0, box.width, box.height);
      if (data && placed) drawTouched(context, data, placed, hover, point, dragged);
    },
  ]);
  const canvas = area.host.querySelectorAll("canvas")[1];
  const lines = canvas?.getContext("2d") ? raster(canvas) : null;
  const tip = tooltip(area.host);

  function place(): Placed | null {
    const box = area.box();
    if (!data || box.width < 1) return null;
    placed ??= placedOf(data, zoom, box, measure);
    return placed;
  }

  function afresh(): void {
    placed = null;
    area.redraw();
  }

  function touch(row: number, at: number): void {
    if (row === hover && at === point) return;
    const other = row !== hover;
    hover = row;
    point = at;
    area.redraw(TOUCHED);
    if (other) callbacks.onHover(row);
  }

  function tell(): void {
    if (!data || !placed || hover < 0 || !pointed) return tip.hide();
    tip.show(pointed.x, pointed.y, linesOf(data, hover, point));
  }

  listen(area, {
    plot: () => placed?.plot ?? plotIn(area.box()),
    hover(at) {
      pointed = at;
      const near = at && placed && inside(placed.plot, at.x, at.y, 8)
        ? nearestCurve(placed.curves, onTop, at.x, at.y, REACH) : null;
      touch(near?.row ?? -1, near?.point ?? -1);
      tell();
    },
    click(_, event) {
      if (hover >= 0) callbacks.onPick?.(hover, event);
    },
    dragging(range) {
      dragged = range;
      tip.hide();
      area.redraw(TOUCHED);
    },
    dragged(range) {
      if (!placed) return;
      const { x, y } = placed;
      zoom = {
        x: range.x ? [x.invert(range.x[0]), x.invert(range.x[1])] : zoom.x,
        y: range.y ? [y.invert(range.y[1]), y.invert(range.y[0])] : zoom.y,
      };
      afresh();
    },
    doubled() {
      zoom = { x: null, y: null };
      afresh();
    },
  });

  // A pinch on a touchpad arrives as a wheel with ctrl; a plain wheel scrolls the page.
  area.host.addEventListener("wheel", (event) => {
    if (!event.ctrlKey || !placed) return;
    event.preventDefault();
    const at = area.at(event);
    magnify(Math.exp(Math.max(-50, Math.min(50, event.deltaY)) / 100), at.x, at.y);
  }, { passive: false });

  function magnify(factor: number, px: number, py: number): void {
    if (!placed) return;
    const { plot, x, y } = placed;
    zoom = {
      x: [x.invert(px - (px - plot.left) * factor), x.invert(px + (plot.right - px) * factor)],
      y: [y.invert(py + (plot.bottom - py) * factor), y.invert(py - (py - plot.top) * factor)],
    };
    area.soon("zoom", afresh);
  }

  area.host.addEventListener("keydown", (event) => {
    if (!data || !placed || event.ctrlKey || event.metaKey || event.altKey) return;
    const { plot } = placed;
    const move = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (move) next(data, move);
    else if (step && hover >= 0) along(data, step);
    else if (event.key === "+" || event.key === "=") magnify(0.7, (plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2);
    else if (event.key === "-") magnify(1 / 0.7, (plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2);
    else if (event.key === "0") {
      zoom = { x: null, y: null };
      afresh();
    } else if (event.key === "Enter" && hover >= 0) callbacks.onPick?.(hover, event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  /** The next better or worse of the kept runs: `onTop` begins with the best. */
  function next(now: CurvesData, by: number): void {
    const at = onTop.indexOf(hover);
    const row = onTop[at < 0 ? 0 : Math.min(onTop.length - 1, Math.max(0, at - by))] ?? -1;
    if (row < 0) return;
    show(now, row, lastPoint(now.curves, row));
  }

  function along(now: CurvesData, by: number): void {
    const from = now.curves.offsets[hover] ?? 0;
    const to = (now.curves.offsets[hover + 1] ?? 0) - 1;
    show(now, hover, Math.min(to, Math.max(from, point + by)));
  }

  function show(now: CurvesData, row: number, at: number): void {
    touch(row, at);
    area.say(linesOf(now, row, at).join(", "));
    if (!placed || at < 0) return;
    pointed = { x: placed.x.of(xsOf(now)[at] ?? NaN), y: placed.y.of(now.curves.values[at] ?? NaN) };
    tell();
  }

  return {
    update(after) {
      const before = data;
      data = after;
      const nextKey = keyOf(after);
      // Live values are appended in place, so the version tells, not the object.
      const moved = nextKey !== key || seen !== after.curves.values;
      if (before && before.curves.metric !== after.curves.metric) zoom = { x: null, y: null };
      if (moved) placed = null;
      key = nextKey;
      seen = after.curves.values;
      if (moved || before?.forecasts !== after.forecasts || differs(before?.shown ?? null, after.shown)) {
        onTop = keptOnTop(after.shown);
        area.soon("name", () => area.name(`Learning curves of ${after.curves.metric}`, describe(after)));
        area.redraw(LINES);
        if (moved || before?.shown.dark !== after.shown.dark) area.redraw(AXES, TOUCHED);
        if (moved || after.forecasts.length || before?.forecasts !== after.forecasts || standsOut(before?.shown ?? null, after.shown)) {
          area.redraw(STANDING);
        }
      }
      if (after.shown.hover !== hover) {
        hover = after.shown.hover;
        point = hover >= 0 ? lastPoint(after.curves, hover) : -1;
        if (hover < 0 || !pointed) tip.hide();
        area.redraw(TOUCHED);
      }
    },
    destroy() {
      lines?.cancel();
      area.destroy();
    },
  };
}

function keyOf({ board, curves: { metric, offsets }, x, logX, logY, smoothing }: CurvesData): string {
  return [board.head.id, board.version, metric, offsets.length, offsets.at(-1), x, logX, logY, smoothing].join(" ");
}

function xsOf({ curves: { steps, times }, x }: CurvesData): Float32Array {
  return x === "time" && times.length >= steps.length ? times : steps;
}

function byTime(data: CurvesData): boolean {
  return xsOf(data) !== data.curves.steps;
}

function isObjective({ board, curves: { metric } }: CurvesData): boolean {
  return board.head.metric?.name === metric;
}

function titlesOf(data: CurvesData, zoom: Zoom): { x: string; y: string } {
  const zoomed = zoom.x || zoom.y ? " · zoomed, double click for all" : "";
  return {
    x: byTime(data) ? "time since the run's start" : "step",
    y: `${data.curves.metric}${data.smoothing > 0 ? `, smoothed by ${number(data.smoothing, 2)}` : ""}${zoomed}`,
  };
}

/** The whole of the data, before any zoom. */
function domainsOf(data: CurvesData, values: Float32Array): { x: readonly [number, number]; y: readonly [number, number]; cut: boolean } {
  const { board, logX, logY } = data;
  const xs = xsOf(data);
  let from = Infinity;
  let to = -Infinity;
  for (let i = 0; i < xs.length; i++) {
    const at = xs[i] ?? NaN;
    if (logX && at <= 0) continue;
    if (at < from) from = at;
    if (at > to) to = at;
  }
  if (from > to) [from, to] = logX ? [1, 10] : [0, 1];
  if (!byTime(data) && board.head.full !== null && board.states.includes("running")) to = Math.max(to, board.head.full);
  const found = worthwhile(values, isObjective(data) ? (board.head.metric?.goal ?? null) : null, logY);
  let [low, high] = found?.range ?? (logY ? [0.1, 1] : [0, 1]);
  if (isObjective(data)) {
    // A line that is near belongs into the picture; one far away would squash it.
    const near = high - low || Math.abs(high) || 1;
    const inReach = Object.values(board.head.targets).filter((target) => target > low - near / 2 && target < high + near / 2);
    for (const value of [...inReach, ...data.forecasts.map((forecast) => forecast.mean)]) {
      if (!Number.isFinite(value) || (logY && value <= 0)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  const margin = logY ? 0 : 0.04 * (high - low);
  return { x: [from, to], y: logY ? [low / 1.05, high * 1.05] : [low - margin, high + margin], cut: found?.cut ?? false };
}

function placedOf(data: CurvesData, zoom: Zoom, box: { width: number; height: number; ratio: number }, measure: (text: string) => number): Placed {
  const { smoothing } = data;
  const values = smoothing > 0 ? smoothed(data.curves.values, data.curves.offsets, smoothing) : data.curves.values;
  const whole = domainsOf(data, values);
  const xDomain = zoom.x ?? whole.x;
  const yDomain = zoom.y ?? whole.y;
  const make = (logged: boolean, domain: readonly [number, number], range: readonly [number, number], isWhole = false): Scale =>
    logged && domain[0] > 0 ? log(domain, range, isWhole) : linear(domain, range, isWhole);
  const frame = plotIn(box);
  const y = make(data.logY, yDomain, [frame.bottom, frame.top]);
  const room = labelRoom(y.ticks(tickCounts(frame).y).map((tick) => tick.label), measure);
  const plot = plotIn(box, { left: room });
  const isTime = byTime(data);
  const plain = make(data.logX, xDomain, [plot.left, plot.right], !isTime);
  const x = isTime ? lasting(plain) : plain;
  const width = box.width * box.ratio;
  const xs = xsOf(data);
  const onScreen = (of: Float32Array) => project(data.curves, xs, of, x, y, width);
  return {
    plot, x, y, cut: whole.cut && !zoom.y, whole: !whole.cut && !zoom.x && !zoom.y,
    curves: onScreen(values),
    raw: smoothing > 0 && data.board.n <= RAW_LINES ? onScreen(data.curves.values) : null,
  };
}

/** A plain mixture, two channels at once: the eye's own takes too long for every run of a frame. */
export function faded(colour: number, ground: number, share: number): number {
  const part = Math.round(share * 256);
  const mixed = (mask: number) => (((colour & mask) * (256 - part) + (ground & mask) * part) / 256) & mask;
  return mixed(0xff00ff) | mixed(0x00ff00);
}

/** The lines front to back: kept runs from the best on, then faint ones. */
function rasterOf(data: CurvesData, now: Placed, onTop: Uint32Array, ratio: number): { count: number; painter: Painter } {
  const { shown, board } = data;
  const ink = inks(shown.dark);
  const { plot, curves: { offsets, x, y }, raw, whole } = now;
  const rows = new Uint32Array(shown.order.length);
  rows.set(onTop);
  let count = onTop.length;
  for (let i = shown.order.length - 1; i >= 0; i--) {
    const row = shown.order[i] ?? 0;
    if (!shown.kept[row]) rows[count++] = row;
  }
  const soft = onTop.length <= SOFT_LINES;
  const faint = word(ink.faint);
  const mark = MARK * ratio;
  const within = { left: plot.left * ratio, right: plot.right * ratio, top: plot.top * ratio, bottom: plot.bottom * ratio };

  const painter: Painter = (target, index) => {
    const row = rows[index] ?? 0;
    if (row + 1 >= offsets.length) return;
    const kept = index < onTop.length;
    const from = offsets[row] ?? 0;
    const to = offsets[row + 1] ?? 0;
    if (to === from) return;
    const rgb = shown.colours[row] ?? ink.none;
    const full = kept ? word(rgb) : faint;
    const short = kept ? cutShort(board.states[row]) : null;
    const pale = short ? word(faded(rgb, ink.ground, 0.55)) : full;
    const endX = (x[to - 1] ?? NaN) * ratio;
    const endY = (y[to - 1] ?? NaN) * ratio;
    if (short && endX >= within.left && endX <= within.right && endY >= within.top && endY <= within.bottom) {
      if (short === "stopped") rectangle(target, endX - mark, endY - mark, 2 * mark, 2 * mark, full);
      else {
        line(target, endX - mark, endY - mark, endX + mark, endY + mark, full, 1.4 * ratio);
        line(target, endX - mark, endY + mark, endX + mark, endY - mark, full, 1.4 * ratio);
      }
    }
    if (to - from === 1 && !short) rectangle(target, endX - ratio, endY - ratio, 2 * ratio, 2 * ratio, full);
    const fading = short ? to - FADING : to;
    for (let i = from; i + 1 < to; i++) {
      let x0 = (x[i] ?? NaN) * ratio;
      let y0 = (y[i] ?? NaN) * ratio;
      let x1 = (x[i + 1] ?? NaN) * ratio;
      let y1 = (y[i + 1] ?? NaN) * ratio;
      if (!whole && (x0 < within.left || x1 > within.right || y0 < within.top || y0 > within.bottom || y1 < within.top || y1 > within.bottom)) {
        const cut = clip(x0, y0, x1, y1, within);
        if (!cut) continue;
        [x0, y0, x1, y1] = cut;
      }
      const colour = i + 1 < fading ? full : pale;
      if (kept && soft) line(target, x0, y0, x1, y1, colour, ratio);
      else if (ratio > 1.4) line(target, x0, y0, x1, y1, colour, 0.75 * ratio);
      else hairline(target, x0, y0, x1, y1, colour);
    }
    if (!raw || !kept) return;
    const behind = word(faded(rgb, ink.ground, 0.7));
    for (let i = raw.offsets[row] ?? 0; i + 1 < (raw.offsets[row + 1] ?? 0); i++) {
      const cut = clip((raw.x[i] ?? NaN) * ratio, (raw.y[i] ?? NaN) * ratio, (raw.x[i + 1] ?? NaN) * ratio, (raw.y[i + 1] ?? NaN) * ratio, within);
      if (cut) line(target, cut[0], cut[1], cut[2], cut[3], behind, 0.8 * ratio);
    }
  };
  return { count, painter };
}

/** The part of a segment that lies in the plot (Liang and Barsky), or null. */
export function clip(
  x0: number, y0: number, x1: number, y1: number, { left, right, top, bottom }: Plot,
): [number, number, number, number] | null {
  const dx = x1 - x0;
  const dy = y1 - y0;
  let enter = 0;
  let leave = 1;
  for (const [along, room] of [[-dx, x0 - left], [dx, right - x0], [-dy, y0 - top], [dy, bottom - y0]] as const) {
    if (Number.isNaN(along) || Number.isNaN(room)) return null;
    if (along === 0) {
      if (room < 0) return null;
    } else if (along < 0) enter = Math.max(enter, room / along);
    else leave = Math.min(leave, room / along);
  }
  return enter > leave ? null : [x0 + enter * dx, y0 + enter * dy, x0 + leave * dx, y0 + leave * dy];
}

/** Rungs, targets, forecasts, and the few runs that stand out. */
function drawStanding(context: CanvasRenderingContext2D, data: CurvesData, now: Placed, ratio: number): void {
  const { board, shown } = data;
  const ink = inks(shown.dark);
  const { plot, x, y } = now;
  const { best, baseline, chosen } = shown;
  clipped(context, plot, () => {
    if (!byTime(data)) {
      context.strokeStyle = css(ink.axis, 0.7);
      context.lineWidth = 1;
      context.setLineDash([1, 3]);
      context.beginPath();
      for (const rung of board.head.rungs) vertical(context, x.of(rung), plot.top, plot.bottom, ratio);
      context.stroke();
      context.setLineDash([]);
    }
    drawForecasts(context, data, now, ink);
    for (const row of chosen) drawRun(context, data, now, row, ink.chosen, ink, 2);
    if (baseline >= 0) drawRun(context, data, now, baseline, ink.baseline, ink, 1.75, [6, 3]);
    if (best >= 0) drawRun(context, data, now, best, ink.best, ink, 2.25);
  });
  context.font = FONT;
  context.textBaseline = "top";
  context.textAlign = "center";
  if (!byTime(data)) {
    let free = -Infinity;
    for (const rung of board.head.rungs) {
      const at = x.of(rung);
      const label = `rung ${rung}`;
      const half = context.measureText(label).width / 2;
      if (!(at - half > free && at - half > plot.left && at + half < plot.right)) continue;
      haloText(context, label, at, plot.bottom - 14, ink.muted, ink.ground);
      free = at + half + 8;
    }
  }
  if (isObjective(data)) {
    drawTargets(context, board, plot, y, ink, ratio);
    nameTargets(context, board, plot, y, ink);
  }
  const ends = [
    ...(baseline >= 0 ? [{ row: baseline, text: "baseline", colour: ink.baseline }] : []),
    ...(best >= 0 && best !== baseline ? [{ row: best, text: `best #${board.numbers[best] ?? ""}`, colour: ink.best }] : []),
  ];
  drawEnds(context, data, now, ends, ink);
  if (now.cut) {
    context.textAlign = "right";
    context.textBaseline = "top";
    context.fillStyle = css(ink.muted);
    context.fillText("some values lie outside", plot.right, 4);
  }
}

/** Names of runs beside their ends, moved apart where they would lie over one another. */
function drawEnds(
  context: CanvasRenderingContext2D, data: CurvesData, now: Placed,
  ends: readonly { readonly row: number; readonly text: string; readonly colour: number }[], ink: Inks,
): void {
  const { plot, x, y } = now;
  let free = -Infinity;
  const spots = ends.flatMap((end) => {
    const at = lastPoint(data.curves, end.row);
    const px = at < 0 ? NaN : x.of(xsOf(data)[at] ?? NaN);
    const py = at < 0 ? NaN : y.of(data.curves.values[at] ?? NaN);
    return inside(plot, px, py) ? [{ ...end, px, py }] : [];
  }).sort((a, b) => a.py - b.py);
  context.textAlign = "right";
  context.textBaseline = "bottom";
  for (const spot of spots) {
    const py = Math.min(plot.bottom - 2, Math.max(spot.py - 4, free + 13, plot.top + 12));
    free = py;
    haloText(context, spot.text, Math.max(spot.px, plot.left + context.measureText(spot.text).width + 4) - 2, py, spot.colour, ink.ground);
  }
}

export function drawTargets(
  context: CanvasRenderingContext2D, board: Board, plot: Plot, y: Scale, ink: Inks, ratio: number,
): void {
  context.strokeStyle = css(ink.muted, 0.8);
  context.lineWidth = 1;
  context.setLineDash([4, 4]);
  context.beginPath();
  for (const { at } of targetsIn(board, plot, y)) horizontal(context, at, plot.left, plot.right, ratio);
  context.stroke();
  context.setLineDash([]);
}

export function nameTargets(context: CanvasRenderingContext2D, board: Board, plot: Plot, y: Scale, ink: Inks): void {
  context.textAlign = "left";
  context.textBaseline = "bottom";
  let free = -Infinity;
  for (const { name, value, at } of targetsIn(board, plot, y)) {
    if (at < free + 12) continue;
    haloText(context, `${name} ${number(value)}`, plot.left + 6, at - 2, ink.muted, ink.ground);
    free = at;
  }
}

function targetsIn(board: Board, plot: Plot, y: Scale): readonly { readonly name: string; readonly value: number; readonly at: number }[] {
  return Object.entries(board.head.targets)
    .map(([name, value]) => ({ name, value, at: y.of(value) }))
    .filter(({ at }) => at >= plot.top && at <= plot.bottom)
    .sort((a, b) => a.at - b.at);
}

function drawForecasts(context: CanvasRenderingContext2D, data: CurvesData, now: Placed, ink: Inks): void {
  const { board, shown, forecasts } = data;
  const full = board.head.full;
  if (byTime(data) || full === null || !isObjective(data)) return;
  const under = forecasts.filter((forecast) => shown.kept[forecast.row]);
  const end = now.x.of(full);
  for (const { row, mean, low, high } of under) {
    const at = lastPoint(data.curves, row);
    const colour = shown.colours[row] ?? ink.none;
    const [yMean, yLow, yHigh] = [now.y.of(mean), now.y.of(low), now.y.of(high)];
    context.strokeStyle = css(colour);
    context.lineWidth = 1.5;
    if (under.length <= BANDS && at >= 0) {
      const px = now.x.of(data.curves.steps[at] ?? NaN);
      const py = now.y.of(data.curves.values[at] ?? NaN);
      context.fillStyle = css(colour, 0.14);
      context.beginPath();
      context.moveTo(px, py);
      context.lineTo(end, yLow);
      context.lineTo(end, yHigh);
      context.fill();
      context.setLineDash([2, 3]);
      context.beginPath();
      context.moveTo(px, py);
      context.lineTo(end, yMean);
      context.stroke();
      context.setLineDash([]);
    }
    context.beginPath();
    context.moveTo(end - 1, yLow);
    context.lineTo(end - 1, yHigh);
    context.moveTo(end - 5, yMean);
    context.lineTo(end, yMean);
    context.stroke();
  }
}

/** One run as a thick line on a halo. */
function drawRun(
  context: CanvasRenderingContext2D, data: CurvesData, now: Placed, row: number, colour: number, ink: Inks, width: number,
  dash: readonly number[] = [],
): void {
  const { offsets, x, y } = now.curves;
  const from = offsets[row] ?? 0;
  const to = offsets[row + 1] ?? from;
  if (from === to) return;
  const trace = new Path2D();
  let open = false;
  for (let i = from; i < to; i++) {
    const px = x[i] ?? NaN;
    const py = y[i] ?? NaN;
    if (!Number.isFinite(px) || !Number.isFinite(py)) open = false;
    else if (open) trace.lineTo(px, py);
    else {
      trace.moveTo(px, py);
      open = true;
    }
  }
  context.lineJoin = "round";
  context.strokeStyle = css(ink.ground, 0.8);
  context.lineWidth = width + 2.5;
  context.stroke(trace);
  context.strokeStyle = css(colour);
  context.lineWidth = width;
  context.setLineDash([...dash]);
  context.stroke(trace);
  context.setLineDash([]);
  const short = cutShort(data.board.states[row]);
  const [px, py] = [x[to - 1] ?? NaN, y[to - 1] ?? NaN];
  context.fillStyle = css(colour);
  context.beginPath();
  if (short === "failed") {
    context.moveTo(px - 4, py - 4);
    context.lineTo(px + 4, py + 4);
    context.moveTo(px - 4, py + 4);
    context.lineTo(px + 4, py - 4);
    context.stroke();
  } else {
    if (short) context.rect(px - 3.5, py - 3.5, 7, 7);
    else context.arc(px, py, width + 0.5, 0, 7);
    context.fill();
  }
}

function drawTouched(
  context: CanvasRenderingContext2D, data: CurvesData, now: Placed, hover: number, point: number, dragged: Dragged | null,
): void {
  const ink = inks(data.shown.dark);
  const { plot, x, y } = now;
  if (hover >= 0) {
    clipped(context, plot, () => drawRun(context, data, now, hover, ink.hover, ink, 2));
    const px = x.of(xsOf(data)[point] ?? NaN);
    const py = y.of(data.curves.values[point] ?? NaN);
    if (point >= 0 && inside(plot, px, py)) {
      context.fillStyle = css(ink.hover);
      context.strokeStyle = css(ink.ground);
      context.lineWidth = 1.5;
      context.beginPath();
      context.arc(px, py, 4, 0, 7);
      context.fill();
      context.stroke();
    }
  }
  drawDragged(context, plot, dragged, ink);
}

export function drawDragged(context: CanvasRenderingContext2D, plot: Plot, dragged: Dragged | null, ink: Inks): void {
  if (!dragged) return;
  const [left, right] = dragged.x ?? [plot.left, plot.right];
  const [top, bottom] = dragged.y ?? [plot.top, plot.bottom];
  context.fillStyle = css(ink.brush, 0.15);
  context.strokeStyle = css(ink.brush);
  context.lineWidth = 1;
  context.fillRect(left, top, right - left, bottom - top);
  context.strokeRect(left + 0.5, top + 0.5, right - left - 1, bottom - top - 1);
}

/** What the tooltip says of a run at a point of its curve. */
function linesOf(data: CurvesData, row: number, point: number): readonly string[] {
  const { board, curves: { metric, steps, values }, forecasts } = data;
  const forecast = isObjective(data) ? forecasts.find((one) => one.row === row) : undefined;
  const where = byTime(data) ? `${duration(xsOf(data)[point] ?? NaN)} (step ${said(steps[point])})` : `step ${said(steps[point])}`;
  return [
    titleOf(board, row),
    ...(point >= 0 ? [`${metric} ${said(values[point])} at ${where}`] : []),
    stateOf(board, row),
    ...(forecast
      ? [`predicted ${said(forecast.mean)} (${said(forecast.low)} to ${said(forecast.high)})${board.head.full === null ? "" : ` at step ${board.head.full}`}`]
      : []),
  ];
}

/** One sentence. */
export function describe(data: CurvesData): string {
  const { board, curves: all, shown } = data;
  const end = (row: number, what: string) => {
    const at = row < 0 ? -1 : lastPoint(all, row);
    return at < 0 ? [] : [`${what} #${board.numbers[row]} comes to ${said(all.values[at])} at step ${said(all.steps[at])}`];
  };
  const count = runsOf(shown.kept, board.n);
  return `${[`Learning curves of ${all.metric}, ${count}`, ...end(shown.best, "the best run"), ...end(shown.baseline, "the baseline")].join("; ")}.`;
}

/** A row for each kept run, the best first. */
export function rows({ board, curves: all, shown }: CurvesData): DataTable {
  return {
    columns: ["run", "name", "state", "step", all.metric, "why it ended"],
    rows: Array.from(keptOnTop(shown), (row) => {
      const at = lastPoint(all, row);
      return [
        board.numbers[row] ?? null, board.names[row] ?? "", board.states[row] ?? "",
        cell(at < 0 ? undefined : all.steps[at]), cell(at < 0 ? undefined : all.values[at]), board.endedBecause[row] ?? "",
      ];
    }),
  };
}
