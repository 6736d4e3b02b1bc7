/**
 * Parallel coordinates as shapes, for pictures to keep: the same layout, order and colours as on
 * the screen.
 */

import { crossings, layout, type Layout } from "./axes";
import { placesOf } from "./axes-brush";
import { css, inks, type Inks } from "./colour";
import type { Scene, Shape } from "./export";
import { thickness, type ParallelData } from "./parallel";

export interface SceneSize {
  readonly width: number;
  readonly height: number;
}

const HEADING = 26;
const LEGEND = 18;

export function parallelScene(data: ParallelData, size: SceneSize): Scene {
  const { columns, flipped, n, shown } = data;
  const ink = inks(shown.dark);
  const plan = layout({
    columns,
    flipped,
    n,
    width: size.width,
    height: size.height - HEADING - LEGEND,
  });
  const stride = columns.length;
  const places = new Float32Array(n * stride);
  plan.axes.forEach((axis, index) => crossings(axis, n, plan.none, places, stride, index));
  const pointsOf = (row: number) =>
    plan.axes.flatMap((axis, index) => [axis.x, (places[row * stride + index] ?? 0) + HEADING]);

  const rows = [...shown.order].filter((row) => row < n);
  const special = new Set([shown.best, shown.baseline]);
  const kept = rows.filter((row) => shown.kept[row] && !special.has(row));
  const left = rows.filter((row) => !shown.kept[row]);
  const width = thickness(kept.length);
  const shapes: Shape[] = [
    ...left.map((row): Shape => ({
      kind: "line",
      points: pointsOf(row),
      stroke: css(ink.faint),
      width,
    })),
    ...kept.map((row): Shape => ({
      kind: "line",
      points: pointsOf(row),
      stroke: css(shown.colours[row] ?? ink.none),
      width,
    })),
  ];
  if (shown.baseline >= 0 && shown.baseline < n) {
    shapes.push({
      kind: "line",
      points: pointsOf(shown.baseline),
      stroke: css(ink.baseline),
      width: 1.75,
      dash: [6, 4],
      title: "baseline",
    });
  }
  if (shown.best >= 0 && shown.best < n) {
    shapes.push({
      kind: "line",
      points: pointsOf(shown.best),
      stroke: css(ink.best),
      width: 2.5,
      title: "best",
    });
  }
  shapes.push(
    ...axisShapes(plan, data, ink),
    ...captions(data, size, ink, kept.length, left.length),
  );
  return {
    width: plan.width,
    height: size.height,
    title: data.title,
    ground: css(ink.ground),
    shapes,
  };
}

function axisShapes(plan: Layout, data: ParallelData, ink: Inks): Shape[] {
  const shapes: Shape[] = [];
  const ground = css(ink.ground);
  for (const axis of plan.axes) {
    const { x } = axis;
    shapes.push({
      kind: "line",
      points: [x, plan.top + HEADING, x, plan.bottom + HEADING],
      stroke: css(ink.axis),
      width: 1,
    });
    for (const range of data.brushes.get(axis.column.name) ?? []) {
      const [upper, lower] = placesOf(axis.scale, range);
      shapes.push({
        kind: "rectangle",
        x: x - 6,
        y: upper + HEADING,
        width: 12,
        height: lower - upper,
        fill: css(ink.brush, 0.25),
        stroke: css(ink.brush),
      });
    }
    for (const tick of axis.ticks) {
      shapes.push(
        {
          kind: "line",
          points: [x - 4, tick.at + HEADING, x, tick.at + HEADING],
          stroke: css(ink.axis),
          width: 1,
        },
        {
          kind: "text",
          x: x - 6,
          y: tick.at + HEADING + 3.5,
          text: tick.label,
          size: 10.5,
          fill: css(ink.text),
          anchor: "end",
          halo: ground,
        },
      );
    }
    if (axis.missing) {
      shapes.push({
        kind: "text",
        x: x - 6,
        y: plan.none + HEADING + 3.5,
        text: "none",
        size: 10.5,
        fill: css(ink.muted),
        anchor: "end",
        halo: ground,
      });
    }
    shapes.push({
      kind: "text",
      x: axis.titleX,
      y: axis.titleY + HEADING,
      text: axis.title,
      size: 11.5,
      fill: css(ink.text),
      anchor: "middle",
      bold: true,
      halo: ground,
    });
  }
  return shapes;
}

function captions(
  data: ParallelData,
  size: SceneSize,
  ink: Inks,
  kept: number,
  left: number,
): Shape[] {
  const all = kept + left;
  const marks = [
    data.shown.best >= 0 ? "thick: best" : "",
    data.shown.baseline >= 0 ? "dashed: baseline" : "",
    left ? "faint: left out by filters" : "",
  ].filter(Boolean);
  return [
    {
      kind: "text",
      x: 8,
      y: 17,
      text: data.title,
      size: 13,
      fill: css(ink.text),
      anchor: "start",
      bold: true,
    },
    {
      kind: "text",
      x: 8,
      y: size.height - 6,
      size: 10.5,
      fill: css(ink.muted),
      anchor: "start",
      text: [`${data.n - left} of ${Math.max(all, data.n)} runs`, ...marks].join(" · "),
    },
  ];
}
