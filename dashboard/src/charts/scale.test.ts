import { expect, test } from "vitest";

import type { Column } from "../types";
import { category, extent, linear, log, logTicks, scaleOf, time } from "./scale";

const column: Column = {
  name: "x",
  label: "x",
  role: "parameter",
  kind: "number",
  whole: false,
  log: false,
  low: 0,
  high: 1,
  categories: [],
  inert: "",
  values: new Float64Array(),
};

test("a linear scale goes there and back, flipped as well", () => {
  for (const range of [
    [0, 100],
    [100, 0],
  ] as const) {
    const scale = linear([2, 4], range);
    expect(scale.invert(scale.of(2.7))).toBeCloseTo(2.7, 12);
  }
});

test("linear ticks lie inside, share their decimals and are not many more than asked", () => {
  const ticks = linear([0, 0.3], [0, 100]).ticks(4);
  expect(ticks.map((tick) => tick.label)).toEqual(["0", "0.1", "0.2", "0.3"]);
  for (const count of [2, 3, 5, 8]) {
    expect(linear([0.6, 0.98], [0, 100]).ticks(count).length).toBeLessThanOrEqual(
      Math.max(2, count),
    );
  }
});

test("whole numbers get whole ticks without decimals", () => {
  expect(
    linear([0, 3], [0, 100], true)
      .ticks(8)
      .map((tick) => tick.label),
  ).toEqual(["0", "1", "2", "3"]);
});

test("log ticks are exact numbers", () => {
  for (const [low, high] of [
    [1e-5, 0.1],
    [1, 1000],
    [3e-4, 0.02],
    [16, 512],
  ] as const) {
    for (const value of logTicks(low, high, 6)) {
      expect(String(value).length).toBeLessThan(8);
      expect(value).toBeGreaterThanOrEqual(low);
      expect(value).toBeLessThanOrEqual(high);
    }
  }
});

test("batch sizes are counted in powers of two", () => {
  expect(logTicks(8, 512, 8, true)).toEqual([8, 16, 32, 64, 128, 256, 512]);
  expect(logTicks(8, 512, 4, true)).toEqual([8, 32, 128, 512]);
});

test("a log axis of less than one decade still has ticks", () => {
  expect(logTicks(0.012, 0.013, 4).length).toBeGreaterThanOrEqual(2);
  expect(logTicks(0.01, 0.05, 5)).toContain(0.02);
});

test("a log scale has no place for zero", () => {
  const scale = log([0.001, 1], [0, 90]);
  expect(scale.of(0)).toBeNaN();
  expect(scale.of(0.01)).toBeCloseTo(30);
  expect(scale.invert(60)).toBeCloseTo(0.1);
});

test("a domain of one value puts it in the middle", () => {
  expect(linear([5, 5], [0, 100]).of(5)).toBeCloseTo(50);
  expect(linear([0, 0], [0, 100]).of(0)).toBeCloseTo(50);
  expect(log([5, 5], [0, 100]).of(5)).toBeCloseTo(50);
  expect(linear([NaN, NaN], [0, 100]).ticks(4).length).toBeGreaterThan(0);
});

test("categories are evenly placed", () => {
  const scale = category(["SGD", "Adam", "AdamW"], [0, 90]);
  expect([0, 1, 2].map(scale.of)).toEqual([15, 45, 75]);
  expect(scale.format(2)).toBe("AdamW");
  expect(scale.ticks(2).map((tick) => tick.label)).toEqual(["SGD", "AdamW"]);
});

test("time ticks are round and in order", () => {
  const ticks = time([1_790_000_000, 1_790_086_400], [0, 500]).ticks(5);
  expect(ticks.length).toBeGreaterThan(2);
  expect(ticks.every((tick) => tick.value % 3600 === 0)).toBe(true);
});

test("a log column whose bounds allow no logarithm is linear", () => {
  expect(scaleOf({ ...column, log: true, low: 0 }, [0, 1]).kind).toBe("linear");
  expect(scaleOf({ ...column, log: true, low: 0.1 }, [0, 1]).kind).toBe("log");
});

test("the extent leaves out what is no number", () => {
  expect(extent([3, NaN, 1, Infinity, -Infinity])).toEqual([1, 3]);
  expect(extent([NaN])).toBeNull();
});
