import { signal } from "@preact/signals";
import { describe, expect, test } from "vitest";
import { syntheticBoard, syntheticCurves } from "../testing/synthetic";
import type { Board, Column, Curves } from "../types";
import { compile } from "./expression";
import { brushWords, inWords, Selection } from "./selection";

const OPTIONS = { runs: 400, epochs: 30, seed: 11 };

function selected(): { board: Board; selection: Selection } {
  const board = syntheticBoard(OPTIONS);
  const selection = new Selection({
    board: signal<Board | null>(board), version: signal(1), curves: signal<Curves | null>(syntheticCurves(OPTIONS)), curvesVersion: signal(1),
    dark: signal(false),
  });
  return { board, selection };
}

const rows = (kept: Uint8Array): number[] => [...kept.keys()].filter((row) => kept[row]);

describe("the selection", () => {
  test("keeps what lies in all brushes, and in any range of one", () => {
    const { board, selection } = selected();
    selection.brush("momentum", [[0.6, 0.7], [0.9, 0.95]]);
    selection.brush("optimizer", [[1, 2]]);
    const momentum = board.columns.get("momentum")?.values ?? [];
    const optimizer = board.columns.get("optimizer")?.values ?? [];
    const expected = board.ids.map((_, row) => row).filter((row) => {
      const value = momentum[row] ?? NaN;
      return ((value >= 0.6 && value <= 0.7) || (value >= 0.9 && value <= 0.95)) && (optimizer[row] ?? NaN) >= 1;
    });
    expect(rows(selection.kept.value)).toEqual(expected);
    expect(selection.count.value).toBe(expected.length);
    selection.brush("momentum", []);
    selection.brush("optimizer", []);
    expect(selection.narrowed.value).toBe(false);
    expect(selection.count.value).toBe(400);
  });

  test("a run without the value is in no range", () => {
    const { board, selection } = selected();
    const value = board.columns.get("value");
    if (value) value.values[3] = NaN;
    selection.brush("value", [[-Infinity, Infinity]]);
    expect(selection.kept.value[3]).toBe(0);
  });

  test("top-k are the best of what is left, exactly so many", () => {
    const { board, selection } = selected();
    selection.filter.value = "optimizer = SGD";
    selection.top.value = 7;
    const value = board.columns.get("value")?.values ?? new Float64Array();
    const kept = rows(selection.kept.value);
    expect(kept).toHaveLength(7);
    const sgd = board.ids.map((_, row) => row).filter(compile("optimizer = SGD", board));
    const best = sgd.sort((a, b) => (value[b] ?? 0) - (value[a] ?? 0)).slice(0, 7);
    expect(kept).toEqual(best.sort((a, b) => a - b));
  });

  test("what is kept is drawn above what is not, the best at the very top", () => {
    const { selection } = selected();
    selection.filter.value = "value > 0.5";
    const { order, kept, best } = selection.shown.value;
    const flags = [...order].map((row) => kept[row] ?? 0);
    expect(flags).toEqual([...flags].sort());
    expect([...order].sort((a, b) => a - b)).toEqual([...order.keys()]);
    expect(selection.best.value).toBe(best);
  });

  test("keep and exclude say in the filter what the brushes said", () => {
    for (const [change, inside] of [["keep", true], ["exclude", false]] as const) {
      const { selection } = selected();
      selection.filter.value = "state:finished or state:stopped";
      const all = rows(selection.kept.value);
      selection.brush("lr0", [[0.001, 0.01], [0.05, 0.1]]);
      selection.brush("optimizer", [[0, 0]]);
      const brushed = rows(selection.kept.value);
      selection[change]();
      expect(selection.brushes.value.size).toBe(0);
      expect(selection.test.value.wrong).toBe("");
      expect(rows(selection.kept.value)).toEqual(inside ? brushed : all.filter((row) => !brushed.includes(row)));
    }
  });

  test("keeping the best so many keeps them", () => {
    const { selection } = selected();
    selection.top.value = 5;
    const best = rows(selection.kept.value);
    selection.keep();
    expect(selection.top.value).toBeNull();
    expect(rows(selection.kept.value)).toEqual(best);
  });

  test("a brush in words means the same, whatever the names are", () => {
    const { board } = selected();
    const column = board.columns.get("optimizer");
    if (!column) throw new Error("no column");
    const hostile = { ...column, name: 'a "b" or (c', categories: ["x = y", "or", 'q"\\'] };
    const odd: Board = { ...board, columns: new Map([[hostile.name, hostile]]) };
    const test_ = compile(inWords(hostile, [[1, 2]]), odd);
    expect(board.ids.map((_, row) => row).filter(test_)).toEqual(
      board.ids.map((_, row) => row).filter((row) => (column.values[row] ?? NaN) >= 1));
  });

  test("a wrong filter is said in words and hides nothing", () => {
    const { selection } = selected();
    selection.filter.value = "valeu > 1";
    expect(selection.test.value.wrong).toContain("did you mean");
    expect(selection.count.value).toBe(400);
  });

  test("a step back in time shows the objective as it was", () => {
    const { selection } = selected();
    const end = selection.columns.value.get("value")?.values ?? [];
    selection.step.value = 1;
    const early = selection.columns.value.get("value")?.values ?? [];
    expect(early[0]).toBeLessThan(end[0] ?? 0);
    expect(selection.shown.value.best).toBeGreaterThanOrEqual(0);
  });

  test("hovering changes nothing that is costly to draw", () => {
    const { selection } = selected();
    const before = selection.shown.value;
    selection.hover.value = 5;
    const after = selection.shown.value;
    expect(after.hover).toBe(5);
    expect([after.kept, after.order, after.colours]).toEqual([before.kept, before.order, before.colours]);
    expect(after.kept).toBe(before.kept);
    expect(after.order).toBe(before.order);
    expect(after.colours).toBe(before.colours);
  });

  test("a training after the search is not among its best", () => {
    const { board, selection } = selected();
    const values = board.columns.get("value")?.values ?? new Float64Array();
    const best = values.indexOf(Math.max(...values.filter((value) => value === value)));
    selection.top.value = 3;
    expect(selection.kept.value[best]).toBe(1);
    selection.top.value = null;
    board.kinds[best] = "final";
    board.head = { ...board.head, best: -1 };
    selection.top.value = 3;
    expect(selection.kept.value[best]).toBe(0);
    expect(selection.count.value).toBe(3);
  });

  test("what was trained after the search is not shown with it unasked, and does not stretch its colours", () => {
    const { board, selection } = selected();
    const values = board.columns.get("value")?.values ?? new Float64Array();
    const others = Uint32Array.from(selection.colours.value);
    board.kinds[5] = "compare";
    values[5] = 100;
    const later = new Selection({ ...selection.runs, version: signal(2) });
    expect(later.later.value).toEqual([5]);
    expect([later.kept.value[5], later.count.value]).toEqual([0, 399]);
    expect(later.colours.value[0]).toBe(others[0]);
    later.afterwards.value = true;
    expect([later.kept.value[5], later.count.value]).toEqual([1, 400]);
    expect(later.colours.value[0]).not.toBe(others[0]);
  });

  test("a run that failed, or came to no finite number, is not the best of a step or of all", () => {
    const { board, selection } = selected();
    const values = board.columns.get("value")?.values ?? new Float64Array();
    values[3] = Infinity;
    values[4] = 1e6;
    board.states[4] = "failed";
    selection.top.value = 2;
    expect([selection.kept.value[3], selection.kept.value[4], selection.count.value]).toEqual([0, 0, 2]);
    board.head = { ...board.head, best: -1 };
    expect(selected().selection.best.value).toBe(selected().board.head.best);
    const { runs } = selection;
    expect(new Selection(runs).best.value, "none, where the server says so").toBe(-1);
  });

  test("keeping what a brush up to the axis' end holds loses no run to rounding", () => {
    const { board, selection } = selected();
    const lr = board.columns.get("lr0")?.values ?? new Float64Array();
    const ends = [Math.min(...lr), Math.max(...lr)] as const;
    selection.brush("lr0", [ends]);
    selection.keep();
    expect(selection.count.value).toBe(400);
  });

  test("in another board the same runs are chosen", () => {
    const { board, selection } = selected();
    selection.chosen.value = new Set([0, 7]);
    const kept = board.ids.slice(5);
    selection.moved(board, { ...board, ids: kept, rows: new Map(kept.map((id, row) => [id, row])) });
    expect([...selection.chosen.value]).toEqual([2]);
  });
});

test("a brush is said as people say it", () => {
  const { board } = selected();
  const [optimizer, lr0, value] = ["optimizer", "lr0", "value"].map((name) => board.columns.get(name));
  expect(optimizer && brushWords(optimizer, [[0, 1]])).toBe(`optimizer: ${optimizer?.categories.slice(0, 2).join(", ")}`);
  expect(lr0 && brushWords(lr0, [[0.00123456, 0.01], [0.05, 0.1]])).toBe("lr0: 0.00123 to 0.01 or 0.05 to 0.1");
  expect(value && brushWords({ ...value, label: "metrics/mAP50(B)" }, [[0.583, 0.9214]])).toBe("mAP50(B): 0.583 to 0.921");
});

test("runs without an objective are coloured by what they seem to be for", () => {
  const { board, selection } = selected();
  const head = { ...board.head, metric: null };
  const metric = (name: string) => ({ ...(board.columns.get("value") as Column), name: `summary.${name}`, label: name });
  const columns = new Map([...["epoch", "val/acc"].map(metric), ...board.columns.values()].map((column) => [column.name, column]));
  const usual = signal("");
  const by = new Selection({ ...selection.runs, board: signal({ ...board, head, columns }), usual });
  expect(by.colouring.value?.label).toBe("epoch");
  usual.value = "val/acc";
  expect(by.colouring.value?.label).toBe("val/acc");
});
