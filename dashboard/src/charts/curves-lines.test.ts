import { expect, it } from "vitest";
import { coloursOf, inks, worstFirst } from "./colour";
import { groundOf, rasterOf } from "./curves-lines";
import { expected, placedOf, type CurvesData } from "./curves-place";
import { pixels, word } from "./raster";
import { keptOnTop } from "./words";
import { syntheticBoard, syntheticCurves } from "../testing/synthetic";
import type { Column } from "../types";

const BOX = { width: 300, height: 200, ratio: 1 };
const options = { runs: 500, epochs: 20, seed: 2 };

function data(keeps: (row: number) => boolean): CurvesData {
  const board = syntheticBoard(options);
  const value = board.columns.get("value") as Column;
  return {
    board,
    curves: syntheticCurves(options),
    forecasts: [],
    x: "step",
    logX: false,
    logY: false,
    smoothing: 0,
    shown: {
      kept: Uint8Array.from({ length: board.n }, (_, row) => (keeps(row) ? 1 : 0)),
      order: worstFirst(value.values, board.n, "maximize"),
      colours: coloursOf(value, board.n, "maximize", false),
      hover: -1,
      best: -1,
      baseline: -1,
      chosen: new Set(),
      dark: false,
    },
  };
}

function painted({ count, painter }: ReturnType<typeof groundOf>): Int32Array {
  const target = pixels(BOX.width, BOX.height);
  for (let index = 0; index < count; index += 1) painter(target, index);
  return target.words;
}

it("draws the expected ends of running runs, and is not squashed by one that is far away", () => {
  const some = data(() => true);
  some.board.states.fill("paused", 0, 40);
  const states = [...some.board.states];
  const of = (row: number, mean: number) => ({ row, mean, low: mean - 1, high: mean + 1 });
  const box = (forecasts: CurvesData["forecasts"], kinds = states) =>
    placedOf({ ...some, board: { ...some.board, states: kinds }, forecasts }, { x: null, y: null }, BOX, (text) => 6 * text.length);
  const paused = Array.from({ length: 40 }, (_, row) => of(row, 1.05));
  states[3] = "running";
  expect(expected({ ...some, board: { ...some.board, states }, forecasts: paused }).map(({ row }) => row)).toEqual([3]);
  expect(expected({ ...some, forecasts: paused.slice(0, 5) })).toHaveLength(5);
  const domain = box([]).y.domain;
  expect(box([of(3, -9)]).y.domain).toEqual(domain);
  expect(box([of(3, domain[0] - 0.01)]).y.domain[0]).toBeLessThan(domain[0]);
});

it("paints what is kept above a ground of all runs, which stays as it is under another selection", () => {
  const [all, none] = [data(() => true), data(() => false)];
  const now = placedOf(all, { x: null, y: null }, BOX, (text) => 6 * text.length);
  const ground = painted(groundOf(all, now, 1));
  expect(painted(groundOf(none, now, 1))).toEqual(ground);
  expect(new Set(ground)).toEqual(new Set([0, word(inks(false).faint)]));
  expect(rasterOf(none, now, keptOnTop(none.shown), 1).count).toBe(0);
  // Marks of runs that were cut short are larger than their lines.
  const lines = painted(rasterOf(all, now, keptOnTop(all.shown), 1));
  ground.forEach((pixel, place) => {
    if (pixel !== 0) expect(lines[place]).not.toBe(0);
  });
});
