/**
 * The frame of a chart with two axes: where the plot lies, and its ticks, grid and titles on a
 * canvas.
 */

import { css, type Inks } from "./colour";
import { duration, elided } from "../format";
import { type Scale, type Tick } from "./scale";
import type { Box } from "./surface";

export interface Plot {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export const FONT = "11px system-ui, sans-serif";
const TICK_GAP = 6;
const LINE = 14;

export interface Margins {
  readonly top?: number;
  readonly right?: number;
  readonly bottom?: number;
  /** Widest text left of the plot, in pixels. */
  readonly left?: number;
}

/** The plot inside of a box: room for a title above, ticks and a title below. */
export function plotIn(
  box: Box,
  { top = 22, right = 12, bottom = 34, left = 40 }: Margins = {},
): Plot {
  return {
    left: Math.min(left, box.width / 2),
    top,
    right: Math.max(box.width - right, box.width / 2 + 1),
    bottom: Math.max(box.height - bottom, top + 1),
  };
}

/** As many ticks as there is room for. */
export function tickCounts(plot: Plot): { readonly x: number; readonly y: number } {
  return {
    x: Math.max(2, Math.floor((plot.right - plot.left) / 72)),
    y: Math.max(2, Math.floor((plot.bottom - plot.top) / 34)),
  };
}

/** Steps between ticks of a length of time: a clock's, not the decimal system's. In seconds. */
export const CLOCK_STEPS: readonly number[] = [
  0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800,
  21600, 43200, 86400, 172800, 432000, 864000, 1728000, 4320000, 8640000,
];

/** A scale of seconds since a start, with ticks at round minutes and hours. */
export function lasting(scale: Scale): Scale {
  if (scale.kind === "log")
    return { ...scale, format: duration, ticks: (count) => scale.ticks(count).map(inWords) };
  const [low, high] = scale.domain;
  return {
    ...scale,
    format: duration,
    ticks(count) {
      const step = CLOCK_STEPS.find((one) => (high - low) / one <= count) ?? (high - low) / count;
      const first = Math.ceil(low / step - 1e-9);
      const last = Math.floor(high / step + 1e-9);
      return Array.from(
        { length: Math.max(0, last - first + 1) },
        (_, i) => (first + i) * step,
      ).map((value) => inWords({ value, at: scale.of(value), label: "" }));
    },
  };
}

function inWords(tick: Tick): Tick {
  return { ...tick, label: tick.value === 0 ? "0" : duration(tick.value) };
}

/** The room that the labels of the left axis want, names cut at 16 characters. */
export function labelRoom(labels: readonly string[], measure: (text: string) => number): number {
  return (
    Math.ceil(labels.reduce((room, label) => Math.max(room, measure(elided(label, 16))), 0)) +
    TICK_GAP +
    6
  );
}

/** Measures text as a chart writes it. Without a canvas (in tests) a character is 6 px. */
export function textMeasure(): (text: string) => number {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return (text) => text.length * 6;
  context.font = FONT;
  return (text) => context.measureText(text).width;
}

/** The ticks that can be written beside one another: `gap` pixels lie between two labels. */
export function unobstructed(
  ticks: readonly Tick[],
  measure: (text: string) => number,
  low: number,
  high: number,
  gap = 10,
): readonly (Tick & { readonly place: number })[] {
  let end = -Infinity;
  return [...ticks]
    .sort((a, b) => a.at - b.at)
    .flatMap((tick) => {
      const half = measure(tick.label) / 2;
      // A label at an end moves in rather than out of the chart.
      const place = Math.min(Math.max(tick.at, low + half), high - half);
      if (place - half < end + gap) return [];
      end = place + half;
      return [{ ...tick, place }];
    });
}

export interface Titles {
  readonly x: string;
  readonly y: string;
}

/** Grid, axes and titles. They belong below the data: a grid over dense lines cuts them. */
export function drawAxes(
  context: CanvasRenderingContext2D,
  box: Box,
  plot: Plot,
  x: Scale,
  y: Scale,
  titles: Titles,
  ink: Inks,
): void {
  context.font = FONT;
  const measure = (text: string) => context.measureText(text).width;
  const counts = tickCounts(plot);
  const across = x.ticks(counts.x);
  const up = y.ticks(counts.y);
  context.lineWidth = 1;
  context.strokeStyle = css(ink.grid);
  context.beginPath();
  for (const tick of up) horizontal(context, tick.at, plot.left, plot.right, box.ratio);
  for (const tick of across) vertical(context, tick.at, plot.top, plot.bottom, box.ratio);
  context.stroke();
  context.strokeStyle = css(ink.axis);
  context.beginPath();
  horizontal(context, plot.bottom, plot.left, plot.right, box.ratio);
  context.stroke();

  context.fillStyle = css(ink.muted);
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const tick of up) {
    context.fillText(
      fitted(tick.label, plot.left - TICK_GAP - 2, measure),
      plot.left - TICK_GAP,
      tick.at,
    );
  }
  context.textBaseline = "top";
  context.textAlign = "center";
  for (const tick of unobstructed(labelled(across, plot, x, measure), measure, 0, box.width)) {
    context.fillText(tick.label, tick.place, plot.bottom + TICK_GAP);
  }
  drawTitles(context, box, plot, titles, ink);
}

/** Titles are horizontal, so that nobody tilts the head: y's above its axis, x's below its end. */
export function drawTitles(
  context: CanvasRenderingContext2D,
  box: Box,
  plot: Plot,
  titles: Titles,
  ink: Inks,
): void {
  context.font = FONT;
  context.fillStyle = css(ink.text);
  const measure = (text: string) => context.measureText(text).width;
  context.textBaseline = "top";
  context.textAlign = "left";
  context.fillText(fitted(titles.y, box.width - 8, measure), 4, 2);
  context.textAlign = "right";
  context.fillText(
    fitted(titles.x, box.width - 8, measure),
    plot.right,
    plot.bottom + TICK_GAP + LINE,
  );
}

/** Names of categories are cut to the room between two of them. */
function labelled(
  ticks: readonly Tick[],
  plot: Plot,
  x: Scale,
  measure: (text: string) => number,
): readonly Tick[] {
  if (x.kind !== "category") return ticks;
  const room = (plot.right - plot.left) / Math.max(1, ticks.length) - 10;
  return ticks.map((tick) => ({ ...tick, label: fitted(tick.label, Math.max(room, 24), measure) }));
}

/** Text cut with an ellipsis to a width. */
export function fitted(text: string, width: number, measure: (text: string) => number): string {
  const shown = text.length > 400 ? text.slice(0, 400) : text;
  if (measure(shown) <= width) return shown;
  let low = 0;
  let high = shown.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (measure(`${shown.slice(0, middle)}…`) <= width) low = middle;
    else high = middle - 1;
  }
  return low ? `${shown.slice(0, low)}…` : "";
}

/** Text on a halo of the ground, so that lines below do not cut it. */
export function haloText(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  colour: number,
  ground: number,
): void {
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = css(ground, 0.85);
  context.strokeText(text, x, y);
  context.fillStyle = css(colour);
  context.fillText(text, x, y);
}

export function horizontal(
  context: CanvasRenderingContext2D,
  y: number,
  from: number,
  to: number,
  ratio: number,
): void {
  const crisp = (Math.round(y * ratio) + 0.5) / ratio;
  context.moveTo(from, crisp);
  context.lineTo(to, crisp);
}

export function vertical(
  context: CanvasRenderingContext2D,
  x: number,
  from: number,
  to: number,
  ratio: number,
): void {
  const crisp = (Math.round(x * ratio) + 0.5) / ratio;
  context.moveTo(crisp, from);
  context.lineTo(crisp, to);
}

/** Everything that `draw` draws stays inside of the plot. */
export function clipped(context: CanvasRenderingContext2D, plot: Plot, draw: () => void): void {
  context.save();
  context.beginPath();
  context.rect(plot.left, plot.top, plot.right - plot.left, plot.bottom - plot.top);
  context.clip();
  draw();
  context.restore();
}

export function inside(plot: Plot, x: number, y: number, margin = 0): boolean {
  return (
    x >= plot.left - margin &&
    x <= plot.right + margin &&
    y >= plot.top - margin &&
    y <= plot.bottom + margin
  );
}
