import { expect, test } from "vitest";

import type { Column } from "../types";
import {
  categorical,
  coloursOf,
  contrast,
  css,
  fractions,
  inks,
  luminance,
  mix,
  sequential,
  textOn,
  worstFirst,
} from "./colour";

const THEMES = [false, true];

test("lightness alone tells how good a run is", () => {
  for (const dark of THEMES) {
    const steps = Array.from({ length: 33 }, (_, i) => luminance(sequential(i / 32, dark)));
    steps.slice(1).forEach((step, i) => {
      expect(dark ? step - (steps[i] ?? 0) : (steps[i] ?? 0) - step).toBeGreaterThan(0);
    });
  }
});

test("the best stands out of its ground and the worst can still be seen", () => {
  for (const dark of THEMES) {
    const { ground, faint } = inks(dark);
    expect(contrast(sequential(1, dark), ground)).toBeGreaterThan(7);
    expect(contrast(sequential(0, dark), ground)).toBeGreaterThan(1.4);
    expect(contrast(sequential(0, dark), faint)).toBeGreaterThan(1.2);
  }
});

test("text inks can be read, marks can be seen", () => {
  for (const dark of THEMES) {
    const ink = inks(dark);
    for (const text of [ink.text, ink.muted])
      expect(contrast(text, ink.ground)).toBeGreaterThan(4.5);
    for (const mark of [
      ink.best,
      ink.baseline,
      ink.hover,
      ink.chosen,
      ink.brush,
      ink.bad,
      ink.axis,
    ]) {
      expect(contrast(mark, ink.ground)).toBeGreaterThan(3);
    }
  }
});

test("every category can be seen on its ground", () => {
  for (const dark of THEMES) {
    const colours = Array.from({ length: 8 }, (_, i) => categorical(i, dark));
    expect(new Set(colours).size).toBe(8);
    for (const colour of colours)
      expect(contrast(colour, inks(dark).ground)).toBeGreaterThanOrEqual(3);
  }
});

test("one diverged run leaves the colours to the others", () => {
  const losses = [...Array.from({ length: 19 }, (_, i) => 0.1 + i / 100), 1e9];
  const places = fractions(losses, 20, "minimize");
  expect(places[0]).toBe(1);
  expect(places[10]).toBeGreaterThan(0.2);
  expect(places[10]).toBeLessThan(0.8);
  expect(places[19]).toBe(0);
});

test("runs without a value have the colour of none", () => {
  const column: Column = {
    name: "value",
    label: "value",
    role: "metric",
    kind: "number",
    whole: false,
    log: false,
    low: 0,
    high: 1,
    categories: [],
    inert: "",
    values: Float64Array.of(0.2, NaN, 0.9),
  };
  const colours = coloursOf(column, 3, "maximize", false);
  expect(colours[1]).toBe(inks(false).none);
  expect(colours[2]).toBe(sequential(1, false));
});

test("the order is worst first, none before all, and equal ones by row", () => {
  expect([...worstFirst([0.5, NaN, 0.9, 0.5], 4, "maximize")]).toEqual([1, 0, 3, 2]);
  expect([...worstFirst([0.5, NaN, 0.9, 0.5], 4, "minimize")]).toEqual([1, 2, 0, 3]);
});

test("colours are written as a style sheet wants them", () => {
  expect(css(0x0000ff)).toBe("#0000ff");
  expect(css(0x0102ff, 0.5)).toBe("rgba(1,2,255,0.5)");
  expect(mix(0x123456, 0xffffff, 0)).toBe(0x123456);
  expect(textOn(0xffffff)).toBe(0x000000);
  expect(textOn(0x1a1a40)).toBe(0xffffff);
});
