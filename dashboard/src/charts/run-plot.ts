/**
 * Runs as dots over two axes: what the history, a slice and a pair of parameters have in common.
 *
 * There are two layers: the axes with what lies below the dots, and the dots with what lies above
 * them and the circles of the runs that stand out; each canvas on the screen costs every frame of
 * the page. A chart says where its runs lie and what it draws around them; picking by pointer and
 * keyboard, and what a change draws again, is here.
 */

import { inks, type Inks } from "./colour";
import { nearestMark } from "./dots";
import { drawAxes, plotIn, textMeasure, type Plot, type Titles } from "./frame";
import { listen, rangeShape, type Dragged } from "./gestures";
import { circleRuns, circleShape, runDots, usualStyle, type DotStyle } from "./run-dots";
import type { Scale } from "./scale";
import { surface, whole, type Box } from "./surface";
import { tooltip } from "./tooltip";
import { differs, keptOnTop, type RunCallbacks } from "./words";
import type { Board, Brush, Chart, Shown } from "../types";

export interface RunsShown {
  readonly board: Board;
  readonly shown: Shown;
}

export interface RunsPlaced {
  readonly plot: Plot;
  readonly x: Scale;
  readonly y: Scale;
  /** In CSS pixels, by row; NaN where the run has no place. */
  readonly xs: Float32Array;
  readonly ys: Float32Array;
}

/** Where a drawing goes, and in which colours. */
export interface Pen {
  readonly context: CanvasRenderingContext2D;
  readonly box: Box;
  readonly ink: Inks;
}

export interface BrushCallbacks extends RunCallbacks {
  /** A range of a column, in its own unit; [] takes the brush away. */
  onBrush?(column: string, brush: Brush): void;
}

/** What a drag along an axis brushes. */
export interface Brushed {
  /** A column, or null. */
  readonly x: string | null;
  /** Whether heights are the objective's values. */
  readonly y: boolean;
}

/** What makes one of these charts. `Placed` is made anew only when `placedBy` or the size changes. */
export interface RunPlot<Data extends RunsShown, Placed extends RunsPlaced> {
  readonly label: string;
  /** Where the element has none of its own. */
  readonly height: number;
  /** Beside the board: where one of these is another one, runs lie elsewhere. */
  placedBy(data: Data): readonly unknown[];
  /** Beside the theme: where one of these is another one, what lies below the dots does. */
  groundedBy?(data: Data): readonly unknown[];
  place(data: Data, box: Box, measure: (text: string) => number): Placed | null;
  titles(data: Data, now: Placed): Titles;
  below(pen: Pen, data: Data, now: Placed): void;
  above?(pen: Pen, data: Data, now: Placed): void;
  /** How the dots look, where it is not by the run's colour and in the usual size. */
  dots?(data: Data, now: Placed): { readonly colours: Uint32Array; readonly style: DotStyle };
  brushed?(data: Data, now: Placed): Brushed;
  name(data: Data): string;
  /** One sentence. */
  describe(data: Data): string;
  /** What the tooltip says of a run. */
  lines(data: Data, now: Placed, row: number): readonly string[];
}

/** Layers, from the ground up; what follows the pointer are shapes above them. */
const [GROUND, DOTS] = [0, 1];
const REACH = 16;

export function runPlot<Data extends RunsShown, Placed extends RunsPlaced>(
  element: HTMLElement,
  callbacks: BrushCallbacks,
  chart: RunPlot<Data, Placed>,
): Chart<Data> {
  let data: Data | null = null;
  let placed: Placed | null = null;
  let placedBy: readonly unknown[] = [];
  let groundedBy: readonly unknown[] = [];
  let hover = -1;
  let dragged: Dragged | null = null;
  const dots = runDots();
  const measure = textMeasure();

  const area = surface(
    element,
    {
      label: chart.label,
      interactive: true,
      height: chart.height,
      resized: () => (placed = null),
      followers,
    },
    [
      drawing((pen, given, now) => {
        const { context, box, ink } = pen;
        context.clearRect(0, 0, box.width, box.height);
        drawAxes(context, box, now.plot, now.x, now.y, chart.titles(given, now), ink);
        chart.below(pen, given, now);
      }),
      drawing((pen, given, now) => {
        const { context, box } = pen;
        const { board, shown } = given;
        const look = chart.dots?.(given, now) ?? { ...shown, style: usualStyle(board.n) };
        const coloured = { ...shown, colours: look.colours };
        dots.draw(context, box, board, coloured, now.xs, now.ys, look.style);
        chart.above?.(pen, given, now);
        circleRuns(context, now.plot, given.shown, now.xs, now.ys);
      }),
    ],
  );
  const tip = tooltip(area.host);

  function followers() {
    const now = place();
    const ink = inks(data?.shown.dark ?? false);
    const window = whole(area.box());
    if (!now) return { shapes: [], window };
    const shapes = [
      ...(hover < 0 ? [] : circleShape(now.xs[hover] ?? NaN, now.ys[hover] ?? NaN, ink)),
      ...rangeShape(now.plot, dragged, ink),
    ];
    return { shapes, window };
  }

  /** A layer, as long as there is something to place. */
  function drawing(draw: (pen: Pen, data: Data, now: Placed) => void) {
    return (context: CanvasRenderingContext2D, box: Box): void => {
      const now = place();
      if (data && now) draw({ context, box, ink: inks(data.shown.dark) }, data, now);
      else context.clearRect(0, 0, box.width, box.height);
    };
  }

  function place(): Placed | null {
    const box = area.box();
    if (!data || box.width < 1) return null;
    placed ??= chart.place(data, box, measure);
    return placed;
  }

  function touch(row: number): void {
    if (row !== hover) {
      hover = row;
      area.follow();
      callbacks.onHover(row);
    }
    if (!data || !placed || row < 0) return tip.hide();
    tip.show(placed.xs[row] ?? 0, placed.ys[row] ?? 0, chart.lines(data, placed, row));
  }

  const brushed = (): Brushed | null =>
    (data && placed && chart.brushed?.(data, placed)) ?? null;

  listen(area, {
    plot: () => placed?.plot ?? plotIn(area.box()),
    hover(at) {
      if (!placed || !data) return;
      const { order, kept } = data.shown;
      touch(at ? nearestMark(placed.xs, placed.ys, order, kept, at.x, at.y, REACH) : -1);
    },
    click(_, event) {
      if (hover >= 0) callbacks.onPick?.(hover, event);
    },
    ...(chart.brushed && {
      dragging(range) {
        dragged = range;
        tip.hide();
        area.follow();
      },
      dragged(range) {
        const meant = brushed();
        if (!placed || !meant) return;
        const { x, y } = placed;
        if (range.x && meant.x !== null)
          callbacks.onBrush?.(meant.x, [[x.invert(range.x[0]), x.invert(range.x[1])]]);
        if (range.y && meant.y)
          callbacks.onBrush?.("value", [[y.invert(range.y[1]), y.invert(range.y[0])]]);
      },
      doubled() {
        const meant = brushed();
        if (!meant) return;
        if (meant.x !== null) callbacks.onBrush?.(meant.x, []);
        callbacks.onBrush?.("value", []);
      },
    }),
  });

  area.host.addEventListener("keydown", (event) => {
    const now = place();
    if (!data || !now || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && hover >= 0) callbacks.onPick?.(hover, event);
    else {
      const row = neighbour(now, keptOnTop(data.shown), hover, event.key);
      if (row < 0) return;
      touch(row);
      area.say(chart.lines(data, now, row).join(", "));
    }
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    update(after) {
      const before = data;
      data = after;
      const { board, shown } = after;
      const places = [board.head.id, board.version, board.n, board.columns, ...chart.placedBy(after)];
      const grounds = [shown.dark, ...(chart.groundedBy?.(after) ?? [])];
      const moved = !same(places, placedBy);
      const grounded = !same(grounds, groundedBy);
      placedBy = places;
      groundedBy = grounds;
      if (moved) {
        placed = null;
        area.follow();
      }
      if (moved || grounded) area.redraw(GROUND);
      if (moved || differs(before?.shown ?? null, shown)) {
        area.soon("name", () => area.name(chart.name(after), chart.describe(after)));
        area.redraw(DOTS);
      }
      if (shown.hover !== hover) {
        hover = shown.hover;
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

function same(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((value, place) => Object.is(value, other[place]));
}

/**
 * The next run along one of the two axes, by the arrow that points there; -1 for other keys. The
 * first press begins at the end that it comes from.
 */
export function neighbour(
  { xs, ys }: Pick<RunsPlaced, "xs" | "ys">,
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
