import { expect, it } from "vitest";
import type { Occurrence } from "../run/history";
import { occurring, stepsOf } from "./Gallery";
import { coloured } from "./Picture";

const at = (step: number): Occurrence => ({ step, media: { kind: "file", what: "x", paths: ["x"] } });

it("the slider has every step at which something was logged, once", () => {
  expect(stepsOf(new Map([["a", [at(0), at(10)]], ["b", [at(5), at(10)]]]))).toEqual([0, 5, 10]);
});

it("shows what was last logged by a step", () => {
  const logged = [at(5), at(10)];
  expect([0, 5, 9, 10, 99].map((step) => occurring(logged, step))).toEqual([-1, 0, 0, 1, 1]);
});

it("a mask's classes get colours, and none of them the ground", () => {
  const pixels = new Uint8ClampedArray([0, 0, 0, 255, 1, 1, 1, 255, 2, 2, 2, 255]);
  coloured(pixels, false);
  expect(pixels[3]).toBe(0);
  expect([...pixels.slice(4, 7)]).not.toEqual([...pixels.slice(8, 11)]);
  expect(pixels[7]).toBeGreaterThan(0);
});
