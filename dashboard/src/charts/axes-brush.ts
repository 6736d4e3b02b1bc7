/**
 * Brushes on an axis: what lies under the pointer, and the ranges that drags and keys make of it.
 * Pure.
 *
 * Drags are counted in pixels along the axis, because there a log axis, a flipped one and one of
 * categories are the same; ranges are kept in the column's own unit.
 */

import type { Brush } from "../types";
import type { Axis, Layout } from "./axes";
import { number } from "../format";
import { type Scale } from "./scale";

export type Range = readonly [number, number];

export type Hit =
  | { readonly kind: "title" | "flip" | "hide" | "axis"; readonly axis: number }
  | { readonly kind: "brush"; readonly axis: number; readonly part: number; readonly grip: Grip }
  | { readonly kind: "plot" };

/** Which part of a brush is held; "upper" is the end nearer to the top of the screen. */
export type Grip = "upper" | "lower" | "body";

const KEY_STEPS = 40;

/** So near to an axis' end a drag that begins or ends means the end: the best run stands there. */
const NEAR_END = 4;

/**
 * The range between two places of a scale, cut to the axis and rounded to what a pixel can tell.
 */
export function rangeBetween(scale: Scale, from: number, to: number): Range {
  const ends = scale.range;
  const low = Math.min(ends[0], ends[1]);
  const high = Math.max(ends[0], ends[1]);
  const values = [from, to].map((place) => {
    const inside = Math.min(high, Math.max(low, place));
    // The axis' own ends are exact, so that the best run on the edge is never lost to rounding.
    if (inside === ends[0]) return scale.domain[0];
    if (inside === ends[1]) return scale.domain[1];
    return shortened(scale, scale.invert(inside));
  });
  const [first = 0, last = 0] = values.sort((a, b) => a - b);
  if (scale.kind !== "category") return [first, last];
  const most = Math.round(scale.domain[1] - 0.5);
  return [
    Math.min(most, Math.max(0, Math.round(first))) - 0.5,
    Math.min(most, Math.max(0, Math.round(last))) + 0.5,
  ];
}

/** The range that a pointer has drawn on an axis. */
export function drawn(scale: Scale, from: number, to: number): Range {
  const [meantFrom = from, meantTo = to] = [from, to].map(
    (place) => scale.range.find((end) => Math.abs(end - place) <= NEAR_END) ?? place,
  );
  return meantFrom === meantTo
    ? rangeBetween(scale, from, to)
    : rangeBetween(scale, meantFrom, meantTo);
}

function shortened(scale: Scale, value: number): number {
  if (scale.kind === "log") return Number(value.toPrecision(4));
  if (scale.kind === "category") return value;
  const span = Math.abs(scale.domain[1] - scale.domain[0]);
  const decimals = Math.min(100, Math.max(0, 3 - Math.floor(Math.log10(span))));
  return Number(value.toFixed(decimals));
}

/** A range's ends on the screen, the upper one first. */
export function placesOf(scale: Scale, range: Range): Range {
  const [low, high] = [...scale.range].sort((a, b) => a - b);
  const places = range.map((value) => {
    const place = scale.of(value);
    // What a log axis has no place for (zero) is past its lower end.
    const there = Number.isNaN(place) ? scale.range[0] : place;
    return Math.min(high ?? 0, Math.max(low ?? 0, there));
  });
  const [upper = 0, lower = 0] = places.sort((a, b) => a - b);
  return [upper, lower];
}

/**
 * The range after its grip was dragged by `by` pixels downwards. A moved brush keeps its length on
 * the screen.
 */
export function dragged(scale: Scale, range: Range, grip: Grip, by: number): Range {
  const [upper, lower] = placesOf(scale, range);
  if (grip === "upper") return rangeBetween(scale, upper + by, lower);
  if (grip === "lower") return rangeBetween(scale, upper, lower + by);
  const top = Math.min(scale.range[0], scale.range[1]);
  const bottom = Math.max(scale.range[0], scale.range[1]);
  const moved = Math.min(bottom - lower, Math.max(top - upper, by));
  if (scale.kind !== "category") return rangeBetween(scale, upper + moved, lower + moved);
  // Whole categories: by their number, so that rounding never changes how many are held.
  const step = (scale.range[1] - scale.range[0]) / (scale.domain[1] - scale.domain[0]);
  const places = Math.round(moved / step);
  return [range[0] + places, range[1] + places];
}

/** How far one press of a key goes, in pixels. */
export function keyStep(scale: Scale): number {
  const length = Math.abs(scale.range[1] - scale.range[0]);
  return scale.kind === "category"
    ? length / (scale.domain[1] - scale.domain[0])
    : length / KEY_STEPS;
}

/** A brush to begin with by keyboard: the middle third of the axis, of categories the first. */
export function begun(scale: Scale): Range {
  if (scale.kind === "category") return [-0.5, 0.5];
  const [from, to] = scale.range;
  return rangeBetween(scale, from + (to - from) / 3, to - (to - from) / 3);
}

export function replaced(brush: Brush, part: number, range: Range): Brush {
  return brush.map((old, index) => (index === part ? range : old));
}

export function without(brush: Brush, part: number): Brush {
  return brush.filter((_, index) => index !== part);
}

/** Ranges that touch become one; in rising order. */
export function merged(brush: Brush): Brush {
  const result: Range[] = [];
  for (const range of [...brush].sort((a, b) => a[0] - b[0])) {
    const before = result.at(-1);
    if (before && range[0] <= before[1]) {
      result[result.length - 1] = [before[0], Math.max(before[1], range[1])];
    } else {
      result.push(range);
    }
  }
  return result;
}

/** The brush with one category more, or less where it was held. */
export function toggled(brush: Brush, place: number): Brush {
  const held = brush.some(([low, high]) => place >= low && place <= high);
  if (!held) return merged([...brush, [place - 0.5, place + 0.5]]);
  return brush.flatMap(([low, high]): Range[] => {
    if (place < low || place > high) return [[low, high]];
    const parts: Range[] = [
      [low, place - 0.5],
      [place + 0.5, high],
    ];
    return parts.filter(([from, to]) => to - from > 0.5);
  });
}

/** A brush in words: "0.001 to 0.01 or 0.1 to 0.2"; of categories their names. */
export function worded(axis: Axis, brush: Brush): string {
  const { column, scale } = axis;
  if (column.kind === "category") {
    return column.categories
      .filter((_, place) => brush.some(([low, high]) => place >= low && place <= high))
      .join(", ");
  }
  const format = column.kind === "time" ? scale.format : (value: number) => number(value, 3);
  return brush.map(([low, high]) => `${format(low)} to ${format(high)}`).join(" or ");
}

/** So far beyond both ends an axis is still meant: there a drag begins that is to catch the best. */
const BEYOND = 12;

/** What is under the pointer. A finger needs more room than a mouse. */
export function hit(
  plan: Layout,
  brushes: (name: string) => Brush,
  x: number,
  y: number,
  coarse = false,
): Hit {
  let axis = -1;
  let distance = Infinity;
  plan.axes.forEach((candidate, index) => {
    const away = Math.abs(candidate.x - x);
    if (away < distance) [axis, distance] = [index, away];
  });
  const found = plan.axes[axis];
  if (!found) return { kind: "plot" };
  if (y < plan.top - 20) return titleAt(plan, x, y);
  const reach = Math.min(coarse ? 20 : 12, plan.gap ? plan.gap / 3 : 20);
  if (y < plan.top - 3) {
    if (distance <= 9) return { kind: "flip", axis };
    if (x > found.x && distance <= 26) return { kind: "hide", axis };
    return distance <= reach && y >= plan.top - BEYOND ? { kind: "axis", axis } : { kind: "plot" };
  }
  if (distance > reach || y > plan.bottom + BEYOND) return { kind: "plot" };
  const grip = coarse ? 12 : 5;
  const brush = brushes(found.column.name);
  for (let part = 0; part < brush.length; part++) {
    const range = brush[part];
    if (!range) continue;
    const [upper, lower] = placesOf(found.scale, range);
    // A short brush is mostly body, else it could not be moved.
    const inner = Math.min(grip, (lower - upper) / 4);
    if (y >= upper - grip && y <= upper + inner)
      return { kind: "brush", axis, part, grip: "upper" };
    if (y <= lower + grip && y >= lower - inner)
      return { kind: "brush", axis, part, grip: "lower" };
    if (y > upper && y < lower) return { kind: "brush", axis, part, grip: "body" };
  }
  return { kind: "axis", axis };
}

function titleAt(plan: Layout, x: number, y: number): Hit {
  let best = -1;
  let least = Infinity;
  plan.axes.forEach((axis, index) => {
    const away = Math.max(0, Math.abs(axis.titleX - x) - axis.title.length * 3.4 - 4);
    const apart = Math.max(0, Math.abs(axis.titleY - 4 - y) - 9);
    if (away + apart < least) [best, least] = [index, away + apart];
  });
  return least <= 2 && best >= 0 ? { kind: "title", axis: best } : { kind: "plot" };
}
