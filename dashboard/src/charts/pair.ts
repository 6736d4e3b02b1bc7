/** The model's mean over two parameters as filled contours, with the runs as dots. */

import { number } from "../format";
import { css, inks, mix, sequential, type Inks } from "./colour";
import { nearestMark } from "./dots";
import { drawAxes, FONT, labelRoom, plotIn, textMeasure, tickCounts, type Plot } from "./frame";
import { listen } from "./gestures";
import { bilinear, levelOf } from "./pair-geometry";
import { circleRuns, runDots, type DotStyle } from "./run-dots";
import { extent, scaleOf, type Scale } from "./scale";
import { goalOf, jitter, placesAt, roomy } from "./slice-geometry";
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

const REACH = 16;
const LEVELS = 10;
/** The contours are softer than the runs on them. */
const SOFT = 0.45;

interface Placed {
  readonly plot: Plot;
  readonly x: Scale;
  readonly y: Scale;
  readonly across: Column;
  readonly up: Column;
  readonly xs: Float32Array;
  readonly ys: Float32Array;
}

export function pair(element: HTMLElement, callbacks: RunCallbacks): Chart<PairData> {
  let data: PairData | null = null;
  let key = "";
  let placed: Placed | null = null;
  let onTop: Uint32Array = new Uint32Array();
  let hover = -1;
  const dots = runDots();
  const measure = textMeasure();
  const area = surface(
    element,
    { label: "Pair of parameters", interactive: true, height: 300, resized: () => (placed = null) },
    [
      (context, box) => {
        context.clearRect(0, 0, box.width, box.height);
        const now = place();
        if (!data || !now) return;
        const ink = inks(data.shown.dark);
        drawAxes(
          context,
          box,
          now.plot,
          now.x,
          now.y,
          { x: now.across.label, y: now.up.label },
          ink,
        );
        if (data.pair) drawContours(context, data.pair, data, now, box, ink);
      },
      (context, box) => {
        const now = place();
        if (data && now)
          dots.draw(
            context,
            box,
            data.board,
            outlined(data.shown),
            now.xs,
            now.ys,
            styleOf(data.board.n),
          );
      },
      (context, box) => {
        context.clearRect(0, 0, box.width, box.height);
        const now = place();
        if (data && now) circleRuns(context, now.plot, data.shown, hover, now.xs, now.ys);
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
      if (!placed || !data) return;
      touch(
        at ? nearestMark(placed.xs, placed.ys, onTop, data.shown.kept, at.x, at.y, REACH) : -1,
      );
    },
    click(_, event) {
      if (hover >= 0) callbacks.onPick?.(hover, event);
    },
  });

  area.host.addEventListener("keydown", (event) => {
    const now = place();
    if (!data || !now || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && hover >= 0) callbacks.onPick?.(hover, event);
    else {
      const row = neighbour(now, onTop, hover, event.key);
      if (row < 0) return;
      touch(row);
      area.say(linesOf(data, now, row).join(", "));
    }
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    update(after) {
      const before = data;
      data = after;
      const next = [after.board.head.id, after.board.version, after.board.n, after.x, after.y].join(
        "\n",
      );
      const moved =
        next !== key ||
        before?.pair !== after.pair ||
        before?.board.columns !== after.board.columns;
      key = next;
      if (moved) placed = null;
      if (moved || differs(before?.shown ?? null, after.shown)) {
        onTop = keptOnTop(after.shown);
        area.soon("name", () => area.name(`${after.x} and ${after.y}`, describe(after)));
        // The contours cost the most, and no brush changes them.
        area.redraw(1);
        if (moved || before?.shown.dark !== after.shown.dark) area.redraw(0);
        if (moved || standsOut(before?.shown ?? null, after.shown)) area.redraw(2);
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

/**
 * The next run along one of the two axes, by the arrow that points there; -1 for other keys. The
 * first press begins at the end that it comes from.
 */
export function neighbour(
  { xs, ys }: Pick<Placed, "xs" | "ys">,
  rows: Uint32Array,
  from: number,
  key: string,
): number {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: -1, ArrowDown: 1 }[key];
  if (step === undefined) return -1;
  const places = key === "ArrowUp" || key === "ArrowDown" ? ys : xs;
  const along = [...rows]
    .filter((row) => !Number.isNaN(xs[row]) && !Number.isNaN(ys[row]))
    .sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0) || a - b);
  const at = along.indexOf(from);
  if (at < 0) return along.at(step > 0 ? 0 : -1) ?? -1;
  return along[Math.max(0, Math.min(along.length - 1, at + step))] ?? -1;
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

/** Runs in one ink: the ground already speaks of the objective. */
function outlined(shown: Shown): Shown {
  return { ...shown, colours: new Uint32Array(shown.colours.length).fill(inks(shown.dark).text) };
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

function drawContours(
  context: CanvasRenderingContext2D,
  found: Pair,
  data: PairData,
  now: Placed,
  box: Box,
  ink: Inks,
): void {
  const { plot, x, y, across, up } = now;
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
  const pen = picture.getContext("2d");
  if (!pen) return;
  const image = pen.createImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  const good = goalOf(data.board) === "maximize";
  const table = Array.from({ length: LEVELS }, (_, level) => {
    const share = (level + 0.5) / LEVELS;
    const rgb = mix(sequential(good ? share : 1 - share, data.shown.dark), ink.ground, SOFT);
    return (0xff000000 | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
  });
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
  pen.putImageData(image, 0, 0);
  context.drawImage(picture, plot.left, plot.top, width, height);
  drawKey(
    context,
    box,
    range,
    table.length,
    (level) => {
      const share = (level + 0.5) / LEVELS;
      return mix(sequential(good ? share : 1 - share, data.shown.dark), ink.ground, SOFT);
    },
    data,
    ink,
  );
}

/** Which colour is which mean. */
function drawKey(
  context: CanvasRenderingContext2D,
  box: Box,
  range: readonly [number, number],
  levels: number,
  colour: (level: number) => number,
  data: PairData,
  ink: Inks,
): void {
  const [low, high] = [number(range[0]), number(range[1])];
  context.font = FONT;
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.fillStyle = css(ink.muted);
  let right = box.width - 12;
  context.fillText(high, right, 10);
  right -= context.measureText(high).width + 6 + levels * 8;
  for (let level = 0; level < levels; level++) {
    context.fillStyle = css(colour(level));
    context.fillRect(right + level * 8, 5, 8, 10);
  }
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
