/**
 * Points of two columns with their names: accuracy over speed, and the front that nothing beats.
 */

import { css, inks } from "./colour";
import { nearestMark, press, stamp } from "./dots";
import {
  drawAxes,
  FONT,
  haloText,
  labelRoom,
  plotIn,
  textMeasure,
  tickCounts,
  type Plot,
} from "./frame";
import { listen } from "./gestures";
import { pixels, type Pixels } from "./raster";
import { extent, scaleOf, type Scale } from "./scale";
import { front, nameSpots, type Better } from "./scatter-geometry";
import { roomy } from "./slice-geometry";
import { circleShape } from "./run-dots";
import { surface, whole, type Box } from "./surface";
import { tooltip } from "./tooltip";
import { cell } from "./words";
import type { Chart, Column, DataTable } from "../types";

export interface ScatterData {
  readonly title: string;
  /** A point has the same place in `x.values`, `y.values`, `labels` and `colours`. */
  readonly x: Column;
  readonly y: Column;
  readonly labels: readonly string[];
  readonly colours: ArrayLike<number>;
  /** Which way is better, where that can be said: the front is drawn. */
  readonly better: { readonly x: Better; readonly y: Better } | null;
  /** From where to where y may truly lie, by point. */
  readonly spread?: readonly (readonly [number, number] | null)[];
  readonly hover: number;
  readonly dark: boolean;
}

export interface ScatterCallbacks {
  onHover?(index: number): void;
  onPick?(index: number, event: MouseEvent | KeyboardEvent): void;
}

/** More points than this go without names. */
const NAMED = 60;
const REACH = 18;

interface Placed {
  readonly plot: Plot;
  readonly x: Scale;
  readonly y: Scale;
  readonly xs: Float32Array;
  readonly ys: Float32Array;
  readonly order: Uint32Array;
}

export function scatter(
  element: HTMLElement,
  callbacks: ScatterCallbacks = {},
): Chart<ScatterData> {
  let data: ScatterData | null = null;
  let placed: Placed | null = null;
  let hover = -1;
  let target: Pixels | null = null;
  const measure = textMeasure();
  const area = surface(
    element,
    {
      label: "Scatter",
      interactive: true,
      height: 300,
      resized: () => (placed = null),
      followers() {
        const now = hover < 0 ? null : place();
        const ink = inks(data?.dark ?? false);
        const [x, y] = [now?.xs[hover] ?? NaN, now?.ys[hover] ?? NaN];
        return { shapes: circleShape(x, y, ink, 7), window: whole(area.box()) };
      },
    },
    [
      (context, box) => {
        context.clearRect(0, 0, box.width, box.height);
        const now = place();
        if (!data || !now) return;
        drawAxes(context, box, now.plot, now.x, now.y, titlesOf(data), inks(data.dark));
        drawFront(context, data, now);
        drawSpread(context, data, now);
      },
      (context, box) => {
        const now = place();
        if (!data || !now) return;
        const [width, height] = [
          Math.round(box.width * box.ratio),
          Math.round(box.height * box.ratio),
        ];
        if (target?.width !== width || target.height !== height) target = pixels(width, height);
        target.words.fill(0);
        const mark = stamp(
          "disc",
          (data.labels.length > 2000 ? 2 : data.labels.length > NAMED ? 3 : 4.5) * box.ratio,
        );
        for (const i of now.order) {
          press(
            target,
            mark,
            (now.xs[i] ?? NaN) * box.ratio,
            (now.ys[i] ?? NaN) * box.ratio,
            data.colours[i] ?? 0,
            0.95,
          );
        }
        context.putImageData(new ImageData(target.data, width, height), 0, 0);
      },
      (context, box) => {
        context.clearRect(0, 0, box.width, box.height);
        const now = place();
        if (data && now) drawNames(context, data, now, measure);
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

  function touch(index: number): void {
    if (index !== hover) {
      hover = index;
      area.follow();
      callbacks.onHover?.(index);
    }
    if (!data || !placed || index < 0) return tip.hide();
    tip.show(placed.xs[index] ?? 0, placed.ys[index] ?? 0, linesOf(data, placed, index));
  }

  listen(area, {
    plot: () => placed?.plot ?? plotIn(area.box()),
    hover(at) {
      if (!placed || !data) return;
      touch(
        at
          ? nearestMark(
              placed.xs,
              placed.ys,
              placed.order,
              new Uint8Array(placed.order.length).fill(1),
              at.x,
              at.y,
              REACH,
            )
          : -1,
      );
    },
    click(_, event) {
      if (hover >= 0) callbacks.onPick?.(hover, event);
    },
  });
  area.host.addEventListener("keydown", (event) => {
    if (!data || !placed || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Enter" && hover >= 0) callbacks.onPick?.(hover, event);
    else if (step) {
      const { xs } = placed;
      const across = Array.from(placed.order)
        .filter((i) => Number.isFinite(xs[i]))
        .sort((a, b) => (xs[a] ?? 0) - (xs[b] ?? 0));
      const index = across[Math.max(0, Math.min(across.length - 1, across.indexOf(hover) + step))];
      if (index === undefined) return;
      touch(index);
      area.say(linesOf(data, placed, index).join(", "));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    update(after) {
      const same = data && { ...data, hover: after.hover };
      const moved =
        !same ||
        (Object.keys(after) as (keyof ScatterData)[]).some((name) => same[name] !== after[name]);
      data = after;
      if (moved) {
        placed = null;
        area.soon("name", () => area.name(after.title, describe(after)));
        area.redraw();
        area.follow();
      }
      if (after.hover !== hover) {
        hover = after.hover;
        tip.hide();
        area.follow();
      }
    },
    destroy() {
      tip.hide();
      area.destroy();
    },
  };
}

function titlesOf({ x, y, better }: ScatterData): { x: string; y: string } {
  const way = { low: "lower is better", high: "higher is better" };
  const title = (column: Column, which: Better | undefined) =>
    which ? `${column.label} (${way[which]})` : column.label;
  return { x: title(x, better?.x), y: title(y, better?.y) };
}

/** The points decide on the range: a column's own may be of other runs, and what has no place on the other axis is no point. */
function fitted(column: Column, other: Column, more: readonly number[] = []): Column {
  const drawn = Array.from(column.values).filter((_, i) => Number.isFinite(other.values[i]));
  const range = extent([...drawn, ...more]);
  return range && column.kind !== "category"
    ? { ...column, low: range[0], high: range[1] }
    : column;
}

function placedOf(data: ScatterData, box: Box, measure: (text: string) => number): Placed {
  const [across, up] = [
    fitted(data.x, data.y),
    fitted(data.y, data.x, data.spread?.flatMap((range) => range ?? []) ?? []),
  ];
  const frame = plotIn(box);
  const y = scaleOf(up, [frame.bottom, frame.top], roomy(up));
  const plot = plotIn(box, {
    left: labelRoom(
      y.ticks(tickCounts(frame).y).map((tick) => tick.label),
      measure,
    ),
  });
  const x = scaleOf(across, [plot.left, plot.right], roomy(across));
  const n = data.labels.length;
  return {
    plot,
    x,
    y,
    order: Uint32Array.from({ length: n }, (_, i) => i),
    xs: Float32Array.from({ length: n }, (_, i) => x.of(across.values[i] ?? NaN)),
    ys: Float32Array.from({ length: n }, (_, i) => y.of(up.values[i] ?? NaN)),
  };
}

function drawFront(context: CanvasRenderingContext2D, data: ScatterData, { xs, ys }: Placed): void {
  if (!data.better) return;
  const ink = inks(data.dark);
  context.strokeStyle = css(ink.best);
  context.lineWidth = 1.5;
  context.setLineDash([5, 3]);
  context.beginPath();
  const points = front(data.x.values, data.y.values, data.better);
  points.forEach((i, place) => {
    const [px, py] = [xs[i] ?? NaN, ys[i] ?? NaN];
    if (place === 0) return context.moveTo(px, py);
    // The step turns on the side that both ends beat: nothing between them is promised.
    const before = points[place - 1] ?? i;
    const [bx, by] = [xs[before] ?? NaN, ys[before] ?? NaN];
    if (data.better?.x === "low") context.lineTo(px, by);
    else context.lineTo(bx, py);
    context.lineTo(px, py);
  });
  context.stroke();
  context.setLineDash([]);
}

function drawSpread(
  context: CanvasRenderingContext2D,
  { spread, dark }: ScatterData,
  { xs, y }: Placed,
): void {
  if (!spread) return;
  context.strokeStyle = css(inks(dark).axis);
  context.lineWidth = 1;
  context.beginPath();
  spread.forEach((range, i) => {
    if (!range) return;
    const [px, low, high] = [xs[i] ?? NaN, y.of(range[0]), y.of(range[1])];
    context.moveTo(px, low);
    context.lineTo(px, high);
    for (const end of [low, high]) {
      context.moveTo(px - 3, end);
      context.lineTo(px + 3, end);
    }
  });
  context.stroke();
}

function drawNames(
  context: CanvasRenderingContext2D,
  data: ScatterData,
  now: Placed,
  measure: (text: string) => number,
): void {
  const ink = inks(data.dark);
  const { xs, ys, plot } = now;
  context.font = FONT;
  context.textBaseline = "middle";
  if (data.labels.length > NAMED) return;
  const unbeaten = data.better ? front(data.x.values, data.y.values, data.better) : [];
  const order = [...unbeaten, ...Array.from(now.order).filter((i) => !unbeaten.includes(i))];
  const short = data.labels.map((label) =>
    label.length > 28 ? `${label.slice(0, 27)}…` : label,
  );
  const room = {
    left: plot.left,
    right: plot.right + 10,
    top: plot.top - 6,
    bottom: plot.bottom,
  };
  for (const spot of nameSpots(order, xs, ys, short.map(measure), room)) {
    context.textAlign = spot.align;
    haloText(context, short[spot.index] ?? "", spot.x, spot.y, ink.text, ink.ground);
  }
}

function linesOf(
  { x, y, labels, spread }: ScatterData,
  now: Placed,
  index: number,
): readonly string[] {
  const range = spread?.[index];
  const may = range ? ` (${now.y.format(range[0])} to ${now.y.format(range[1])})` : "";
  return [
    labels[index] ?? "",
    `${x.label} ${now.x.format(x.values[index] ?? NaN)}`,
    `${y.label} ${now.y.format(y.values[index] ?? NaN)}${may}`,
  ];
}

/** One sentence. */
export function describe({ title, x, y, labels, better }: ScatterData): string {
  const unbeaten = better ? front(x.values, y.values, better).map((i) => labels[i] ?? "") : [];
  const told = unbeaten.length ? `; nothing beats ${unbeaten.slice(0, 8).join(", ")}` : "";
  const points = labels.length === 1 ? "1 point" : `${labels.length} points`;
  return `${title}: ${y.label} over ${x.label} of ${points}${told}.`;
}

export function rows({ x, y, labels, better }: ScatterData): DataTable {
  const unbeaten = new Set(better ? front(x.values, y.values, better) : []);
  const of = (column: Column, i: number) =>
    column.kind === "category"
      ? (column.categories[column.values[i] ?? -1] ?? null)
      : cell(column.values[i]);
  return {
    columns: ["name", x.label, y.label, ...(better ? ["unbeaten"] : [])],
    rows: labels.map((label, i) => [
      label,
      of(x, i),
      of(y, i),
      ...(better ? [unbeaten.has(i) ? "yes" : ""] : []),
    ]),
  };
}
