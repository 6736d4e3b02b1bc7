/**
 * Learning curves of all runs: what is kept in its colour, the rest faint, the best on top.
 *
 * The lines are ours and not uPlot's: with a thousand runs uPlot filters and draws within a frame,
 * with ten thousand a brush takes it 195 ms and the first picture 2.4 s (measured;
 * `docs/design/dashboard.md`). Here one rasteriser draws front to back in slices. Axes, rungs,
 * targets, forecasts and the few runs that stand out lie on a canvas above, and what the pointer
 * touches are shapes above that, so that hovering draws one line. A single run's metrics are
 * uPlot's: `series.ts`.
 */

import { inks } from "./colour";
import { lastPoint, nearestCurve, ranksOf } from "./curves-geometry";
import { groundOf, rasterOf } from "./curves-lines";
import { drawStanding, followers } from "./curves-marks";
import {
  byTime,
  isObjective,
  keyOf,
  placedOf,
  titlesOf,
  xsOf,
  type CurvesData,
  type Placed,
  type Zoom,
} from "./curves-place";
import { drawAxes, inside, plotIn, textMeasure } from "./frame";
import { listen, type Dragged } from "./gestures";
import { surface as raster } from "./raster";
import { duration, number } from "../format";
import { surface, whole, type Box } from "./surface";
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
import type { Chart, Curves, DataTable, Forecast } from "../types";

export type { CurvesData } from "./curves-place";

/** Layers, from the ground up. */
const [AXES, GROUND, LINES, STANDING] = [0, 1, 2, 3];
const REACH = 24;

export function curves(element: HTMLElement, callbacks: RunCallbacks): Chart<CurvesData> {
  let data: CurvesData | null = null;
  let key = "";
  let seen: Curves["values"] | null = null;
  let placed: Placed | null = null;
  let grounded: { readonly placed: Placed; readonly dark: boolean } | null = null;
  let onTop: Uint32Array = new Uint32Array();
  let ranks: Int32Array | null = null;
  let zoom: Zoom = { x: null, y: null };
  let dragged: Dragged | null = null;
  let hover = -1;
  let point = -1;
  let pointed: { x: number; y: number } | null = null;
  const measure = textMeasure();

  const area = surface(
    element,
    {
      label: "Learning curves",
      interactive: true,
      height: 320,
      resized: () => (placed = null),
      followers() {
        const now = place();
        return data && now
          ? { shapes: followers(data, now, hover, point, dragged), window: now.plot }
          : { shapes: [], window: whole(area.box()) };
      },
    },
    [
      (context, box) => {
        context.clearRect(0, 0, box.width, box.height);
        const now = place();
        if (data && now)
          drawAxes(
            context,
            box,
            now.plot,
            now.x,
            now.y,
            titlesOf(data, zoom),
            inks(data.shown.dark),
          );
      },
      () => undefined, // what lies there comes with the lines
      (_, box) => {
        const now = place();
        if (!data || !now) return;
        lines?.resize(box.width, box.height, box.ratio);
        const picture = rasterOf(data, now, onTop, box.ratio);
        lines?.paint(picture.count, picture.painter);
        lay(data, now, box);
      },
      (context, box) => {
        context.clearRect(0, 0, box.width, box.height);
        const now = place();
        if (data && now) drawStanding(context, data, now, box.ratio);
      },
    ],
  );
  const rasterAt = (layer = 0) => {
    const canvas = area.host.querySelectorAll("canvas")[layer];
    return canvas?.getContext("2d") ? raster(canvas) : null;
  };
  const ground = rasterAt(GROUND);
  const lines = rasterAt(LINES);
  const tip = tooltip(area.host);

  function place(): Placed | null {
    const box = area.box();
    if (!data || box.width < 1) return null;
    placed ??= placedOf(data, zoom, box, measure);
    return placed;
  }

  /** The ground, where any run is left out; only where it is not there as it should be. */
  function lay(now: CurvesData, at: Placed, box: Box): void {
    const { shown } = now;
    const wanted = onTop.length < shown.order.length ? { placed: at, dark: shown.dark } : null;
    if (wanted?.placed === grounded?.placed && wanted?.dark === grounded?.dark) return;
    grounded = wanted;
    ground?.resize(box.width, box.height, box.ratio);
    const picture = groundOf(now, at, box.ratio);
    ground?.paint(wanted ? picture.count : 0, picture.painter);
  }

  function afresh(): void {
    placed = null;
    area.redraw();
    area.follow();
  }

  function touch(row: number, at: number): void {
    if (row === hover && at === point) return;
    const other = row !== hover;
    hover = row;
    point = at;
    area.follow();
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
      const near =
        at && placed && data && inside(placed.plot, at.x, at.y, 8)
          ? nearestCurve(
              placed.curves,
              (ranks ??= ranksOf(onTop, data.board.n)),
              at.x,
              at.y,
              REACH,
            )
          : null;
      touch(near?.row ?? -1, near?.point ?? -1);
      tell();
    },
    click(_, event) {
      if (hover >= 0) callbacks.onPick?.(hover, event);
    },
    dragging(range) {
      dragged = range;
      tip.hide();
      area.follow();
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
  area.host.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey || !placed) return;
      event.preventDefault();
      const at = area.at(event);
      magnify(Math.exp(Math.max(-50, Math.min(50, event.deltaY)) / 100), at.x, at.y);
    },
    { passive: false },
  );

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
    else if (event.key === "+" || event.key === "=")
      magnify(0.7, (plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2);
    else if (event.key === "-")
      magnify(1 / 0.7, (plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2);
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
    pointed = {
      x: placed.x.of(xsOf(now)[at] ?? NaN),
      y: placed.y.of(now.curves.values[at] ?? NaN),
    };
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
      if (
        moved ||
        before?.forecasts !== after.forecasts ||
        differs(before?.shown ?? null, after.shown)
      ) {
        onTop = keptOnTop(after.shown);
        ranks = null;
        area.soon("name", () =>
          area.name(`Learning curves of ${after.curves.metric}`, describe(after)),
        );
        area.redraw(LINES);
        if (moved || before?.shown.dark !== after.shown.dark) {
          area.redraw(AXES);
          area.follow();
        }
        if (
          moved ||
          after.forecasts.length ||
          before?.forecasts !== after.forecasts ||
          standsOut(before?.shown ?? null, after.shown)
        ) {
          area.redraw(STANDING);
        }
      }
      if (after.shown.hover !== hover) {
        hover = after.shown.hover;
        point = hover >= 0 ? lastPoint(after.curves, hover) : -1;
        if (hover < 0 || !pointed) tip.hide();
        area.follow();
      }
    },
    destroy() {
      tip.hide();
      lines?.cancel();
      ground?.cancel();
      area.destroy();
    },
  };
}

/** What the tooltip says of a run at a point of its curve. */
function linesOf(data: CurvesData, row: number, point: number): readonly string[] {
  const {
    board,
    curves: { metric, over = "step", steps, values },
    forecasts,
  } = data;
  const forecast = isObjective(data) ? forecasts.find((one) => one.row === row) : undefined;
  const where = byTime(data)
    ? `${duration(xsOf(data)[point] ?? NaN)} (${over} ${number(steps[point])})`
    : `${over} ${number(steps[point])}`;
  const at = board.head.full === null ? "" : ` at step ${board.head.full}`;
  return [
    titleOf(board, row),
    ...(point >= 0 ? [`${metric} ${number(values[point])} at ${where}`] : []),
    stateOf(board, row),
    ...remarksOf(board, row),
    ...(forecast ? [`predicted ${number(forecast.mean)} (${between(forecast)})${at}`] : []),
  ];
}

function between({ low, high }: Forecast): string {
  return `${number(low)} to ${number(high)}`;
}

/** One sentence. */
export function describe(data: CurvesData): string {
  const { board, curves: all, shown } = data;
  const end = (row: number, what: string): readonly string[] => {
    const at = row < 0 ? -1 : lastPoint(all, row);
    if (at < 0) return [];
    const value = `${number(all.values[at])} at ${all.over ?? "step"} ${number(all.steps[at])}`;
    return [`${what} #${board.numbers[row]} comes to ${value}`];
  };
  const parts = [
    `Learning curves of ${all.metric}, ${runsOf(shown.kept, board.n)}`,
    ...end(shown.best, "the best run"),
    ...end(shown.baseline, "the baseline"),
  ];
  return `${parts.join("; ")}.`;
}

/** A row for each kept run, the best first. */
export function rows({ board, curves: all, shown }: CurvesData): DataTable {
  return {
    columns: ["run", "name", "state", all.over ?? "step", all.metric, "why it ended"],
    rows: Array.from(keptOnTop(shown), (row) => {
      const at = lastPoint(all, row);
      return [
        board.numbers[row] ?? null,
        board.names[row] ?? "",
        board.states[row] ?? "",
        cell(at < 0 ? undefined : all.steps[at]),
        cell(at < 0 ? undefined : all.values[at]),
        board.endedBecause[row] ?? "",
      ];
    }),
  };
}
