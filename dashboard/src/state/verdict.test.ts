import { expect, test } from "vitest";
import { syntheticBoard } from "../testing/synthetic";
import type { Board, Progress } from "../types";
import { endedRuns, expectedOf, gainOf, underWay, verdict } from "./verdict";

const PROGRESS: Progress = {
  ended: 3, cap: 3, eta: null, etaWhy: "", hoursUsed: 1, hoursSaved: null, energy: null, cost: null, currency: "", noise: null, noiseWhy: "in the search no configuration was run twice to its end", targets: [],
};

/** A sweep whose best and baseline have these values. */
function ended(best: number, baseline: number, goal: "minimize" | "maximize"): Board {
  const board = syntheticBoard({ runs: 3, epochs: 5, goal });
  board.columns.get("value")?.values.set([baseline, best, NaN]);
  board.names = ["baseline-1", "search-2", "search-3"];
  return { ...board, head: { ...board.head, best: 1, baseline: 0 } };
}

test("a lead is said in the sense of the goal", () => {
  expect(verdict(ended(0.8, 0.7, "maximize"), PROGRESS)).toContain("search-2 beats the baseline by 0.1");
  expect(verdict(ended(0.7, 0.8, "minimize"), PROGRESS)).toContain("search-2 beats the baseline by 0.1");
  expect(verdict(ended(0.8, 0.7, "minimize"), PROGRESS)).toContain("No run beats the baseline");
});

test("a lead within what one training varies by may be chance", () => {
  expect(verdict(ended(0.72, 0.7, "maximize"), { ...PROGRESS, noise: 0.01 })).toContain("may be chance");
  expect(verdict(ended(0.8, 0.7, "maximize"), { ...PROGRESS, noise: 0.01 })).toContain("10 times what one training varies by");
  expect(verdict(ended(0.8, 0.7, "maximize"), PROGRESS)).toContain("is not known: in the search no configuration was run twice to its end.");
});

test("of a best run that is only begun its expected end is said, and no lead", () => {
  const board = ended(0.2, 0.7, "maximize");
  board.columns.get("steps")?.values.set([30, 2, 30]);
  board.states[1] = "paused";
  const begun = { ...board, head: { ...board.head, advice: { row: 1, value: 0.785, low: 0.7, high: 0.8, full: 30 } } };
  expect(verdict(begun, PROGRESS)).toBe("search-2 is the best so far: 0.785 is expected of it, 2 of 30 steps seen.");
  expect(gainOf(begun)).toBeNaN();
  begun.columns.get("steps")?.values.set([30, 30, 30]);
  begun.head = { ...begun.head, full: 30 };
  // Its program has not ended yet, but there is no more to come.
  expect(expectedOf(begun)).toBeNull();
  expect(gainOf(begun)).toBeCloseTo(-0.5);
  begun.states[1] = "finished";
  expect(verdict(begun, PROGRESS)).toContain("No run beats the baseline");
});

test("a baseline under way is not compared with a run that has ended", () => {
  const board = ended(0.8, 0.3, "maximize");
  board.columns.get("steps")?.values.set([2, 5, 5]);
  board.states[0] = "running";
  expect(gainOf(board)).toBeNaN();
  expect(verdict(board, PROGRESS)).toBe("search-2 is the best so far; the baseline has not come to its end.");
  board.states = ["finished", "stopped", "finished"];
  board.columns.get("steps")?.values.set([5, 2, 5]);
  expect(verdict(board, PROGRESS)).toBe("search-2 is the best so far; it is not yet as long as the baseline.");
});

test("what is missing is said", () => {
  expect(verdict(ended(NaN, 0.7, "maximize"), null)).toBe("No run has a value yet.");
  expect(verdict(ended(0.8, NaN, "maximize"), null)).toContain("the baseline has no value yet");
});

test("runs of the budget have ended: not those under way, withdrawn, or trained afterwards", () => {
  const board = syntheticBoard({ runs: 6, epochs: 5 });
  board.states = ["finished", "stopped", "running", "killed", "finished", "failed"];
  board.kinds = ["baseline", "search", "search", "search", "final", "repeat"];
  board.attempts[3] = [];
  expect(endedRuns(board)).toBe(3);
});

test("what is under way is running or paused", () => {
  const board = syntheticBoard({ runs: 4, epochs: 5 });
  board.states = ["finished", "paused", "running", "paused"];
  expect(underWay(board)).toBe("1 running, 2 paused");
  board.states = ["finished", "stopped", "pending", "failed"];
  expect(underWay(board)).toBe("none running");
});
