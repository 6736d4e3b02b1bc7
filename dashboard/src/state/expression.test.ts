import { describe, expect, test } from "vitest";
import { syntheticBoard } from "../testing/synthetic";
import { compile, Wrong } from "./expression";

const board = syntheticBoard({ runs: 300, epochs: 20, seed: 5 });
const value = board.columns.get("value")?.values ?? new Float64Array();
const optimizer = board.columns.get("optimizer");

function rows(text: string): number[] {
  const test = compile(text, board);
  return board.ids.map((_, row) => row).filter(test);
}
const where = (test: (row: number) => boolean): number[] => board.ids.map((_, row) => row).filter(test);
const named = (row: number): string => optimizer?.categories[optimizer.values[row] ?? -1] ?? "";

describe("the filter", () => {
  test("keeps everything when it is empty", () => {
    expect(rows("  ")).toHaveLength(300);
  });

  test.each([
    ["value > 0.7", (row: number) => (value[row] ?? NaN) > 0.7],
    ['value > 0.6 and optimizer = "SGD" and not state:failed',
      (row: number) => (value[row] ?? NaN) > 0.6 && named(row) === "SGD" && board.states[row] !== "failed"],
    ["value>0.7 or (value<=0.5 and optimizer=sgd)",
      (row: number) => (value[row] ?? NaN) > 0.7 || ((value[row] ?? NaN) <= 0.5 && named(row) === "SGD")],
    ["optimizer ~ adam", (row: number) => named(row).startsWith("Adam")],
    ["optimizer != SGD state:finished", (row: number) => named(row) !== "SGD" && board.states[row] === "finished"],
    ["mAP50 >= 0.7", (row: number) => (value[row] ?? NaN) >= 0.7],
    ["value = none", (row: number) => Number.isNaN(value[row] ?? NaN)],
    ["baseline", (row: number) => row === 0],
    ["CUDA", (row: number) => board.states[row] === "failed"],
    ["not (state = stopped or state = failed)", (row: number) => !["stopped", "failed"].includes(board.states[row] ?? "")],
    ["lr0 < 1e-3", (row: number) => (board.columns.get("lr0")?.values[row] ?? NaN) < 1e-3],
    ["val/loss < 1", (row: number) => (board.columns.get("val/loss")?.values[row] ?? NaN) < 1],
  ])("%s", (text, expected) => {
    expect(rows(text)).toEqual(where(expected));
    expect(rows(text).length).toBeGreaterThan(0);
  });

  test.each([
    ["valeu > 1", "there is no column “valeu”; did you mean “value”?"],
    ["value >", "after “>” a value is missing"],
    ["value > high", "mAP50 is a number, “high” is none"],
    ["optimizer = SDG", "optimizer has no “SDG”; it has SGD, Adam, AdamW; did you mean “SGD”?"],
    ["optimizer > SGD", "optimizer is one of SGD, Adam, AdamW: it can be =, != or ~ (contains)"],
    ["(value > 1", "a closing bracket is missing"],
    ["value > 1)", "“)” is one too many"],
    ["> 3", "before “>” a name is missing"],
    ['name = "run', "a quotation mark is not closed"],
    ["value > 1 and", "something is missing at the end"],
    ["not", "something is missing at the end"],
  ])("%s is refused in words", (text, message) => {
    expect(() => compile(text, board)).toThrow(message);
    expect(() => compile(text, board)).toThrow(Wrong);
  });
});
