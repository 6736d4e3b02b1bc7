/**
 * What lies above the lines of all runs: rungs, targets, forecasts, the runs that stand out and the
 * one pointed at.
 */

import { css, inks, type Inks } from "./colour";
import { lastPoint } from "./curves-geometry";
import { BANDS, byTime, expected, isObjective, xsOf, type CurvesData, type Placed } from "./curves-place";
import { clipped, FONT, haloText, inside, vertical } from "./frame";
import { rangeShape, type Dragged } from "./gestures";
import { draw, tenth, type SvgShape } from "./svg";
import { drawTargets, nameTargets } from "./targets";
import { cutShort } from "./words";

/** Rungs, targets, forecasts, and the few runs that stand out. */
export function drawStanding(
  context: CanvasRenderingContext2D,
  data: CurvesData,
  now: Placed,
  ratio: number,
): void {
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
      for (const rung of board.head.rungs)
        vertical(context, x.of(rung), plot.top, plot.bottom, ratio);
      context.stroke();
      context.setLineDash([]);
    }
    drawForecasts(context, data, now, ink);
    for (const row of chosen) draw(context, runShapes(data, now, row, ink.chosen, ink, 2));
    draw(context, runShapes(data, now, baseline, ink.baseline, ink, 1.75, "6 3"));
    draw(context, runShapes(data, now, best, ink.best, ink, 2.25));
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
    ...(best >= 0 && best !== baseline
      ? [{ row: best, text: `best #${board.numbers[best] ?? ""}`, colour: ink.best }]
      : []),
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
  context: CanvasRenderingContext2D,
  data: CurvesData,
  now: Placed,
  ends: readonly { readonly row: number; readonly text: string; readonly colour: number }[],
  ink: Inks,
): void {
  const { plot, x, y } = now;
  let free = -Infinity;
  const spots = ends
    .flatMap((end) => {
      const at = lastPoint(data.curves, end.row);
      const px = at < 0 ? NaN : x.of(xsOf(data)[at] ?? NaN);
      const py = at < 0 ? NaN : y.of(data.curves.values[at] ?? NaN);
      return inside(plot, px, py) ? [{ ...end, px, py }] : [];
    })
    .sort((a, b) => a.py - b.py);
  context.textAlign = "right";
  context.textBaseline = "bottom";
  for (const spot of spots) {
    const py = Math.min(plot.bottom - 2, Math.max(spot.py - 4, free + 13, plot.top + 12));
    free = py;
    haloText(
      context,
      spot.text,
      Math.max(spot.px, plot.left + context.measureText(spot.text).width + 4) - 2,
      py,
      spot.colour,
      ink.ground,
    );
  }
}

function drawForecasts(
  context: CanvasRenderingContext2D,
  data: CurvesData,
  now: Placed,
  ink: Inks,
): void {
  const { board, shown } = data;
  const full = board.head.full;
  if (byTime(data) || full === null || !isObjective(data)) return;
  const under = expected(data);
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

/** One run as a thick line on a halo, its end marked by what became of it; for canvas and SVG alike. */
function runShapes(
  data: CurvesData,
  now: Placed,
  row: number,
  colour: number,
  ink: Inks,
  width: number,
  dash = "",
): readonly SvgShape[] {
  const { offsets, x, y } = now.curves;
  const from = offsets[row] ?? 0;
  const to = offsets[row + 1] ?? from;
  if (row < 0 || from === to) return [];
  let trace = "";
  let open = false;
  for (let i = from; i < to; i++) {
    const [px, py] = [x[i] ?? NaN, y[i] ?? NaN];
    const there = Number.isFinite(px + py);
    if (there) trace += `${open ? "L" : "M"}${tenth(px)} ${tenth(py)}`;
    open = there;
  }
  const line = { fill: "none", "stroke-linejoin": "round" };
  const stroke = css(colour);
  const end = endOf(x[to - 1] ?? NaN, y[to - 1] ?? NaN, cutShort(data.board.states[row]), width);
  return [
    {
      tag: "path",
      attributes: { ...line, d: trace, stroke: css(ink.ground, 0.8), "stroke-width": width + 2.5 },
    },
    {
      tag: "path",
      attributes: {
        ...line,
        d: trace,
        stroke,
        "stroke-width": width,
        ...(dash && { "stroke-dasharray": dash }),
      },
    },
    {
      tag: "path",
      attributes: { d: end, fill: stroke, stroke, "stroke-width": end.includes("L") ? width : 0 },
    },
  ];
}

function endOf(x: number, y: number, short: ReturnType<typeof cutShort>, width: number): string {
  if (!Number.isFinite(x + y)) return "";
  const at = (dx: number, dy: number) => `${tenth(x + dx)} ${tenth(y + dy)}`;
  if (short === "failed") return `M${at(-4, -4)}L${at(4, 4)}M${at(-4, 4)}L${at(4, -4)}`;
  if (short) return `M${at(-3.5, -3.5)}h7v7h-7Z`;
  const radius = width + 0.5;
  const half = `a${radius} ${radius} 0 0 1`;
  return `M${at(-radius, 0)}${half} ${2 * radius} 0${half} ${-2 * radius} 0Z`;
}

/** The run that is pointed at, with its point, and the range that is dragged. */
export function followers(
  data: CurvesData,
  now: Placed,
  hover: number,
  point: number,
  dragged: Dragged | null,
): readonly SvgShape[] {
  const ink = inks(data.shown.dark);
  const { plot, x, y } = now;
  const px = x.of(xsOf(data)[point] ?? NaN);
  const py = y.of(data.curves.values[point] ?? NaN);
  const attributes = {
    cx: tenth(px),
    cy: tenth(py),
    r: 4,
    fill: css(ink.hover),
    stroke: css(ink.ground),
    "stroke-width": 1.5,
  };
  return [
    ...runShapes(data, now, hover, ink.hover, ink, 2),
    ...(hover >= 0 && point >= 0 && inside(plot, px, py)
      ? [{ tag: "circle", attributes } as const]
      : []),
    ...rangeShape(plot, dragged, ink),
  ];
}
