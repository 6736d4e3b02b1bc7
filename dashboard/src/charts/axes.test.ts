import { expect, test } from "vitest";

import type { Brush, Column } from "../types";
import { crossings, histogram, layout, nearest, NEAREST, reordered } from "./axes";
import {
  begun,
  dragged,
  drawn,
  hit,
  keyStep,
  merged,
  placesOf,
  rangeBetween,
  toggled,
  worded,
} from "./axes-brush";
import { category, linear, log } from "./scale";

function column(name: string, values: readonly number[], more: Partial<Column> = {}): Column {
  return {
    name,
    label: name,
    role: "parameter",
    kind: "number",
    whole: false,
    log: false,
    low: 0,
    high: 1,
    categories: [],
    inert: "",
    values: Float64Array.from(values),
    ...more,
  };
}

const COLUMNS = [
  column("lr0", [0.001, 0.01, 0.1], { log: true, low: 0.001, high: 0.1 }),
  column("optimizer", [0, 1, 1], { kind: "category", categories: ["SGD", "AdamW"], high: 1 }),
  column("value", [0.2, NaN, 0.8], { role: "metric" }),
];

function plan(columns: readonly Column[] = COLUMNS, flipped: readonly string[] = [], width = 800) {
  return layout({ columns, flipped: new Set(flipped), n: 3, width, height: 300 });
}

function placesIn(made: ReturnType<typeof plan>, n = 3): Float32Array {
  const places = new Float32Array(n * made.axes.length);
  made.axes.forEach((axis, i) => crossings(axis, n, made.none, places, made.axes.length, i));
  return places;
}

test("axes spread over the width, and never nearer than can be used", () => {
  expect(plan().width).toBe(800);
  const many = Array.from({ length: 20 }, (_, i) => column(`p${i}`, [0, 1, 0.5]));
  const narrow = plan(many, [], 390);
  expect(narrow.width).toBeGreaterThan(19 * NEAREST);
  narrow.axes.slice(1).forEach((axis, i) => {
    expect(axis.x - (narrow.axes[i]?.x ?? 0)).toBeGreaterThanOrEqual(NEAREST - 1e-9);
  });
});

test("what cannot be scrolled is as wide as there is room", () => {
  const columns = Array.from({ length: 20 }, (_, i) => column(`p${i}`, [0, 1, 0.5]));
  const paper = layout({ columns, flipped: new Set(), n: 3, width: 690, height: 300, apart: 0 });
  expect(paper.width).toBe(690);
});

test("no axes, one axis and no runs are layouts, too", () => {
  expect(plan([]).axes).toEqual([]);
  expect(plan(COLUMNS.slice(0, 1)).axes[0]?.x).toBe(400);
  expect(
    layout({ columns: COLUMNS, flipped: new Set(), n: 0, width: 500, height: 300 }).none,
  ).toBeNaN();
});

test("a log axis is even in its exponents; a flipped one stands on its head", () => {
  const places = placesIn(plan());
  const at = (row: number) => places[row * 3] ?? NaN;
  expect(at(1)).toBeCloseTo((at(0) + at(2)) / 2, 3);
  expect(at(0)).toBeGreaterThan(at(2));
  const other = placesIn(plan(COLUMNS, ["lr0"]));
  expect(other[0]).toBeLessThan(other[6] ?? NaN);
});

test("a run without a value crosses below the axis, and only that axis says none", () => {
  const made = plan();
  expect(placesIn(made)[5]).toBeCloseTo(made.none);
  expect(made.none).toBeGreaterThan(made.bottom);
  expect(made.axes.map((axis) => axis.missing)).toEqual([false, false, true]);
});

test("a value out of its bounds widens the axis", () => {
  const made = plan([column("mixup", [0, 0.5, 1.4])]);
  expect(made.axes[0]?.scale.domain).toEqual([0, 1.4]);
});

test("many runs of a category are spread inside of its step", () => {
  const n = 200;
  const made = layout({
    columns: [
      column("o", Array<number>(n).fill(1), { kind: "category", categories: ["a", "b", "c"] }),
    ],
    flipped: new Set(),
    n,
    width: 300,
    height: 300,
  });
  const places = placesIn(made, n);
  expect(new Set(places).size).toBeGreaterThan(n / 2);
  for (const place of places) {
    expect(Math.round(made.axes[0]?.scale.invert(place) ?? NaN)).toBe(1);
  }
});

test("long names take turns in two rows and are cut to their room", () => {
  const many = Array.from({ length: 14 }, (_, i) =>
    column(`model/backbone/block_${i}/drop_path`, [0, 1, 0]),
  );
  const made = plan(many, [], 900);
  expect(new Set(made.axes.map((axis) => axis.titleY)).size).toBe(2);
  for (const axis of made.axes) {
    expect(axis.title.length * 6.7).toBeLessThan(2 * made.gap);
    expect(axis.titleX - (axis.title.length * 6.7) / 2).toBeGreaterThanOrEqual(0);
    expect(axis.titleX + (axis.title.length * 6.7) / 2).toBeLessThanOrEqual(made.width);
  }
});

test("the nearest run is found between axes, and of equal ones the one on top", () => {
  const axes = [{ x: 0 }, { x: 100 }, { x: 200 }];
  const places = Float32Array.from([10, 10, 90, 50, 50, 50, 10, 10, 90]);
  const rows = Uint32Array.from([2, 1, 0]);
  expect(nearest(axes, places, rows, 50, 12, 12)).toBe(2);
  expect(nearest(axes, places, rows, 150, 50, 12)).toBe(2);
  expect(nearest(axes, places, rows, 120, 49, 12)).toBe(1);
  expect(nearest(axes, places, rows, 50, 30, 12)).toBe(-1);
  expect(nearest(axes, places, new Uint32Array(), 50, 12, 12)).toBe(-1);
  expect(nearest([], places, rows, 50, 12, 12)).toBe(-1);
  expect(nearest([{ x: 50 }], Float32Array.from([10, 50, 12]), rows, 50, 50, 12)).toBe(1);
});

test("a steep line is as near as the distance to it, not as the way up to it", () => {
  const axes = [{ x: 0 }, { x: 10 }];
  const places = Float32Array.from([0, 1000]);
  expect(nearest(axes, places, Uint32Array.of(0), 5, 600, 12)).toBe(0);
});

test("counts along an axis add up to its runs", () => {
  const made = plan();
  const counts = histogram(
    placesIn(made),
    3,
    0,
    Uint32Array.of(0, 1, 2),
    made.top,
    made.bottom,
    10,
  );
  expect([...counts].reduce((sum, count) => sum + count)).toBe(3);
  expect(counts[9]).toBe(1);
});

test("an axis is moved among the others", () => {
  expect(reordered(["a", "b", "c"], "a", 1)).toEqual(["b", "a", "c"]);
  expect(reordered(["a", "b", "c"], "c", -5)).toEqual(["c", "a", "b"]);
  expect(reordered(["a", "b", "c"], "a", 9)).toEqual(["b", "c", "a"]);
});

test("a range between two places is in the column's unit, and the axis' ends are exact", () => {
  const scale = log([1e-5, 0.1], [300, 20]);
  expect(rangeBetween(scale, 500, -20)).toEqual([1e-5, 0.1]);
  const [low, high] = rangeBetween(scale, 160, 20);
  expect(low).toBeCloseTo(1e-3, 5);
  expect(high).toBe(0.1);
});

test("a drag that ends near an axis' end reaches it; a short one there does not collapse", () => {
  const scale = linear([0, 0.8757], [300, 20]);
  expect(drawn(scale, 22, 70)).toEqual([expect.closeTo(0.7193, 3), 0.8757]);
  expect(drawn(scale, 200, 297)[0]).toBe(0);
  expect(drawn(scale, 30, 70)[1]).toBeLessThan(0.8757);
  const [low, high] = drawn(scale, 23, 20);
  expect(low).toBeLessThan(high);
});

test("a range of seconds since 1970 is as fine as its axis", () => {
  const scale = linear([1_790_000_000, 1_790_000_100], [100, 0]);
  const [low, high] = rangeBetween(scale, 30, 60);
  expect(low).toBeCloseTo(1_790_000_040, 1);
  expect(high).toBeCloseTo(1_790_000_070, 1);
});

test("a range of categories holds whole ones", () => {
  const scale = category(["a", "b", "c", "d"], [0, 100]);
  expect(rangeBetween(scale, 30, 60)).toEqual([0.5, 2.5]);
  expect(rangeBetween(scale, -40, 10)).toEqual([-0.5, 0.5]);
  expect(dragged(scale, [0.5, 2.5], "body", 24)).toEqual([1.5, 3.5]);
  expect(dragged(scale, [0.5, 2.5], "body", 900)).toEqual([1.5, 3.5]);
});

test("a dragged brush keeps its length on the screen and stays on the axis", () => {
  for (const scale of [
    linear([0, 1], [300, 0]),
    log([1e-4, 1], [300, 0]),
    linear([0, 1], [0, 300]),
  ]) {
    const before = rangeBetween(scale, 100, 160);
    const [upper, lower] = placesOf(scale, dragged(scale, before, "body", 50));
    expect(upper).toBeCloseTo(150, 0);
    expect(lower).toBeCloseTo(210, 0);
    const [, end] = placesOf(scale, dragged(scale, before, "body", 999));
    expect(end).toBeCloseTo(300, 0);
  }
});

test("an end is dragged alone, past the other one as well", () => {
  const scale = linear([0, 1], [100, 0]);
  expect(dragged(scale, [0.2, 0.4], "upper", -20)).toEqual([0.2, 0.6]);
  expect(dragged(scale, [0.2, 0.4], "lower", -40)).toEqual([0.4, 0.6]);
});

test("keys make and move a brush", () => {
  const scale = linear([0, 1], [100, 0]);
  const [low, high] = begun(scale);
  expect([low, high].map((value) => value.toFixed(2))).toEqual(["0.33", "0.67"]);
  expect(dragged(scale, [0.2, 0.4], "body", -keyStep(scale))[0]).toBeGreaterThan(0.2);
  const names = category(["a", "b", "c"], [90, 0]);
  expect(dragged(names, begun(names), "body", -keyStep(names))).toEqual([0.5, 1.5]);
});

test("ranges that touch become one", () => {
  expect(
    merged([
      [0.5, 0.9],
      [0.1, 0.3],
      [0.2, 0.5],
    ]),
  ).toEqual([[0.1, 0.9]]);
  expect(
    merged([
      [3, 4],
      [1, 2],
    ]),
  ).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test("a click takes a category in and out", () => {
  expect(toggled([], 1)).toEqual([[0.5, 1.5]]);
  expect(toggled([[0.5, 1.5]], 2)).toEqual([[0.5, 2.5]]);
  expect(toggled([[-0.5, 2.5]], 1)).toEqual([
    [-0.5, 0.5],
    [1.5, 2.5],
  ]);
  expect(toggled([[0.5, 1.5]], 1)).toEqual([]);
});

test("what is under the pointer", () => {
  const made = plan();
  const [lr, optimizer] = made.axes;
  const brush: Brush = [[0.002, 0.02]];
  const brushes = (name: string) => (name === "lr0" ? brush : []);
  if (!lr || !optimizer) throw new Error("no axes");
  const [upper, lower] = placesOf(lr.scale, [0.002, 0.02]);
  const at = (x: number, y: number) => hit(made, brushes, x, y);
  expect(at(lr.titleX, lr.titleY - 3)).toEqual({ kind: "title", axis: 0 });
  expect(at(lr.x, made.top - 10)).toEqual({ kind: "flip", axis: 0 });
  expect(at(lr.x + 16, made.top - 10)).toEqual({ kind: "hide", axis: 0 });
  expect(at(lr.x + 3, (upper + lower) / 2)).toMatchObject({ kind: "brush", part: 0, grip: "body" });
  expect(at(lr.x, upper - 2)).toMatchObject({ kind: "brush", grip: "upper" });
  expect(at(lr.x, lower + 2)).toMatchObject({ kind: "brush", grip: "lower" });
  expect(at(lr.x, made.bottom - 1)).toEqual({ kind: "axis", axis: 0 });
  expect(at(optimizer.x, 150)).toEqual({ kind: "axis", axis: 1 });
  expect(at((lr.x + optimizer.x) / 2, 150)).toEqual({ kind: "plot" });
  expect(hit(plan([]), brushes, 10, 10)).toEqual({ kind: "plot" });
});

test("a brush in words", () => {
  const [lr, optimizer] = plan().axes;
  if (!lr || !optimizer) throw new Error("no axes");
  expect(
    worded(lr, [
      [0.001, 0.01],
      [0.05, 0.1],
    ]),
  ).toBe("0.001 to 0.01 or 0.05 to 0.1");
  expect(worded(optimizer, [[0.5, 1.5]])).toBe("AdamW");
});
