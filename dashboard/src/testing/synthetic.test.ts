import { expect, test } from "vitest";
import { syntheticBoard, syntheticCurves } from "./synthetic";

test("the same seed gives the same sweep, and each run's curve has as many points as it has steps", () => {
  const options = { runs: 200, epochs: 20, seed: 7, running: 3 };
  const board = syntheticBoard(options);
  const curves = syntheticCurves(options);
  expect(syntheticBoard(options)).toEqual(board);
  const steps = board.columns.get("steps")?.values;
  for (let row = 0; row < board.n; row += 1) {
    expect((curves.offsets[row + 1] ?? 0) - (curves.offsets[row] ?? 0)).toBe(steps?.[row]);
  }
  expect(new Set(board.states)).toEqual(new Set(["finished", "stopped", "failed", "running"]));
});
