/**
 * W&B histograms of one key: all steps as a strip of heat, and one step (the last, or the one
 * pointed at) as bars beside it.
 */

import { css, inks, mix, sequential, type Inks } from "./colour";
import {
  drawAxes,
  FONT,
  horizontal,
  inside,
  labelRoom,
  plotIn,
  textMeasure,
  tickCounts,
  type Plot,
} from "./frame";
import { listen } from "./gestures";
import {
  columnsOf,
  quantile,
  strip,
  usable,
  type Histogram,
  type Strip,
} from "./histogram-geometry";
import { number } from "../format";
import { linear, type Scale } from "./scale";
import { surface, type Box } from "./surface";
import { tooltip } from "./tooltip";
import { cell } from "./words";
import type { Chart, DataTable } from "../types";

export type { Histogram } from "./histogram-geometry";

export interface HistogramData {
  readonly title: string;
  /** By rising step. */
  readonly histograms: readonly Histogram[];
  readonly dark: boolean;
}

const BINS = 64;
/** Bars beside the strip. */
const BARS = 110;

interface Placed {
  /** Null for a single histogram: bars alone. */
  readonly heat: Plot | null;
  readonly bars: Plot;
  readonly x: Scale;
  readonly y: Scale;
  readonly strip: Strip;
}

export function histogram(element: HTMLElement): Chart<HistogramData> {
  let data: HistogramData | null = null;
  let placed: Placed | null = null;
  let pointed = -1;
  const measure = textMeasure();
  const area = surface(
    element,
    { label: "Histogram", interactive: true, height: 220, resized: () => (placed = null) },
    [
      (context, box) => {
        context.clearRect(0, 0, box.width, box.height);
        const now = place();
        if (!data) return;
        if (now) drawHeat(context, data, now, box);
        else drawNothing(context, data);
      },
      (context, box) => {
        context.clearRect(0, 0, box.width, box.height);
        const now = place();
        if (data && now) drawBars(context, data, now, pointed, box);
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

  function point(index: number): void {
    if (index === pointed) return;
    pointed = index;
    area.redraw(1);
  }

  listen(area, {
    plot: () => placed?.bars ?? plotIn(area.box()),
    hover(at) {
      if (!data || !placed) return;
      const { heat } = placed;
      if (!at || !heat || !inside(heat, at.x, at.y)) {
        point(-1);
        return tip.hide();
      }
      const step = placed.x.invert(at.x);
      point(
        columnsOf(data.histograms.map((one) => one.step)).findIndex(
          ([from, to]) => step >= from && step < to,
        ),
      );
      const found = data.histograms[pointed];
      if (found) tip.show(at.x, at.y, linesOf(found));
      else tip.hide();
    },
  });
  area.host.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!data || !step) return;
    event.preventDefault();
    event.stopPropagation();
    const from = pointed < 0 ? data.histograms.length : pointed;
    point(Math.max(0, Math.min(data.histograms.length - 1, from + step)));
    const found = data.histograms[pointed];
    if (!found) return;
    area.say(linesOf(found).join(", "));
    const heat = placed?.heat;
    if (placed && heat)
      tip.show(placed.x.of(found.step), (heat.top + heat.bottom) / 2, linesOf(found));
  });

  return {
    update(after) {
      if (
        data?.histograms === after.histograms &&
        data.dark === after.dark &&
        data.title === after.title
      )
        return;
      data = after;
      placed = null;
      if (pointed >= after.histograms.length) pointed = -1;
      area.soon("name", () => area.name(after.title, describe(after)));
      area.redraw();
    },
    destroy() {
      tip.hide();
      area.destroy();
    },
  };
}

function placedOf(
  { histograms }: HistogramData,
  box: Box,
  measure: (text: string) => number,
): Placed | null {
  const found = strip(histograms, BINS);
  if (!found) return null;
  const frame = plotIn(box);
  const y = linear([found.low, found.high], [frame.bottom, frame.top]);
  const whole = plotIn(box, {
    left: labelRoom(
      y.ticks(tickCounts(frame).y).map((tick) => tick.label),
      measure,
    ),
  });
  const many = histograms.length > 1;
  const split = many
    ? Math.max(whole.left + 40, whole.right - Math.min(BARS, 0.3 * (whole.right - whole.left)))
    : whole.left;
  const columns = columnsOf(histograms.map((one) => one.step));
  const heat = many ? { ...whole, right: split - 10 } : null;
  return {
    heat,
    bars: { ...whole, left: split },
    y,
    strip: found,
    x: linear([columns[0]?.[0] ?? 0, columns.at(-1)?.[1] ?? 1], [whole.left, split - 10], true),
  };
}

function colourOf(share: number, most: number, dark: boolean, ink: Inks): number {
  // The root, so that thin tails are seen beside a peak.
  return share <= 0
    ? ink.ground
    : mix(
        ink.ground,
        sequential(Math.sqrt(share / most), dark),
        0.25 + 0.75 * Math.sqrt(share / most),
      );
}

function drawHeat(
  context: CanvasRenderingContext2D,
  data: HistogramData,
  { heat, bars, x, y, strip: found }: Placed,
  box: Box,
): void {
  const ink = inks(data.dark);
  if (!heat) {
    drawAxes(
      context,
      box,
      bars,
      linear([0, 100 * found.most], [bars.left, bars.right]),
      y,
      { x: "% of the values", y: data.title },
      ink,
    );
    return;
  }
  drawAxes(context, box, heat, x, y, { x: "step", y: data.title }, ink);
  const table = Array.from({ length: 65 }, (_, i) =>
    css(colourOf((i / 64) * found.most, found.most, data.dark, ink)),
  );
  const columns = columnsOf(data.histograms.map((one) => one.step));
  found.shares.forEach((shares, i) => {
    const [from, to] = columns[i] ?? [0, 0];
    // On whole pixels, so that no seams show between columns.
    const left = crisp(Math.max(heat.left, x.of(from)), box.ratio);
    const width = Math.max(1 / box.ratio, crisp(Math.min(heat.right, x.of(to)), box.ratio) - left);
    shares.forEach((share, bin) => {
      if (share <= 0) return;
      const low = found.low + ((found.high - found.low) * bin) / found.bins;
      const top = crisp(y.of(low + (found.high - found.low) / found.bins), box.ratio);
      context.fillStyle = table[Math.max(1, Math.round((64 * share) / found.most))] ?? "";
      context.fillRect(left, top, width, crisp(y.of(low), box.ratio) - top);
    });
  });
}

function crisp(place: number, ratio: number): number {
  return Math.round(place * ratio) / ratio;
}

function drawBars(
  context: CanvasRenderingContext2D,
  data: HistogramData,
  { heat, bars, x, y, strip: found }: Placed,
  pointed: number,
  box: Box,
): void {
  const ink = inks(data.dark);
  const at = pointed >= 0 ? pointed : data.histograms.length - 1;
  const shares = found.shares[at] ?? new Float64Array();
  context.fillStyle = css(ink.brush, 0.8);
  shares.forEach((share, bin) => {
    const low = found.low + ((found.high - found.low) * bin) / found.bins;
    const top = y.of(low + (found.high - found.low) / found.bins);
    context.fillRect(
      bars.left,
      top,
      (share / found.most) * (bars.right - bars.left),
      Math.max(1, y.of(low) - top - 0.5),
    );
  });
  context.strokeStyle = css(ink.axis);
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(bars.left, bars.top);
  context.lineTo(bars.left, bars.bottom);
  if (heat) horizontal(context, bars.bottom, bars.left, bars.right, box.ratio);
  context.stroke();
  context.font = FONT;
  context.fillStyle = css(ink.muted);
  context.textBaseline = "top";
  context.textAlign = "left";
  const step = data.histograms[at]?.step;
  if (heat && step !== undefined)
    context.fillText(`step ${number(step)}`, bars.left, bars.bottom + 6);
  if (!heat || pointed < 0 || step === undefined) return;
  context.strokeStyle = css(ink.hover);
  context.beginPath();
  context.moveTo(x.of(step), heat.top);
  context.lineTo(x.of(step), heat.bottom);
  context.stroke();
}

function drawNothing(context: CanvasRenderingContext2D, { title, dark }: HistogramData): void {
  context.font = FONT;
  context.textBaseline = "top";
  context.fillStyle = css(inks(dark).muted);
  context.fillText(`${title}: no histogram yet`, 4, 2);
}

function linesOf(found: Histogram): readonly string[] {
  if (!usable(found)) return [`step ${number(found.step)}`, "no values"];
  const [low, middle, high] = [0.05, 0.5, 0.95].map((share) => number(quantile(found, share)));
  return [
    `step ${number(found.step)}`,
    `half of the values lie below ${middle}`,
    `90 % between ${low} and ${high}`,
  ];
}

/** One sentence. */
export function describe({ title, histograms }: HistogramData): string {
  const last = histograms.findLast(usable);
  if (!last) return `${title}: no histogram yet.`;
  const count =
    histograms.length === 1 ? "1 histogram" : `${histograms.length} histograms over steps`;
  return `${title}, ${count}; at ${linesOf(last).join(", ")}.`;
}

/** A row for each step. */
export function rows({ histograms }: HistogramData): DataTable {
  return {
    columns: ["step", "5 %", "25 %", "median", "75 %", "95 %"],
    rows: histograms
      .filter(usable)
      .map((one) => [
        one.step,
        ...[0.05, 0.25, 0.5, 0.75, 0.95].map((share) => cell(quantile(one, share))),
      ]),
  };
}
