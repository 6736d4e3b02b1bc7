import { describe, expect, test } from "vitest";
import { syntheticBoard } from "../testing/synthetic";
import { viewOf } from "../testing/wired";
import { boardOf, merge, spelled, parameterColumn, report } from "./board";

const whole = syntheticBoard({ runs: 30, epochs: 10, seed: 4, running: 2 });

test("numbers that JSON cannot say are spelled", () => {
  expect([spelled("NaN"), spelled("Infinity"), spelled("-Infinity"), spelled(null), spelled(2), spelled(true)])
    .toEqual([NaN, Infinity, -Infinity, NaN, 2, 1]);
});

describe("a board", () => {
  test("has from the wire what the server put there", () => {
    const board = boardOf(viewOf(whole));
    expect(board.n).toBe(30);
    expect(board.ids).toEqual(whole.ids);
    expect(board.head).toEqual(whole.head);
    expect(board.attempts).toEqual(whole.attempts);
    for (const name of ["lr0", "optimizer", "batch", "value", "best", "steps", "started", "val/loss"]) {
      const [own, theirs] = [board.columns.get(name), whole.columns.get(name)];
      expect([name, own?.kind, own?.log, own?.role, own?.label, [...(own?.values ?? [])]]).toEqual(
        [name, theirs?.kind, theirs?.log, theirs?.role, theirs?.label, [...(theirs?.values ?? [])]]);
    }
  });

  test("takes for a run's duration its attempts together, not the night between them", () => {
    const view = viewOf(whole, [0, 1, 2]);
    const attempt = { number: 1, agent: "a", host: "h", started: 100, ended: 101, outcome: "paused", reason: "", first_step: 0 };
    view.runs.attempts = [[attempt, { ...attempt, number: 2, started: 40_000, ended: 40_003 }], [{ ...attempt, ended: null }], []];
    view.runs.started = [100, 100, 100];
    view.runs.ended = [40_003, null, 150];
    expect([...(boardOf(view).columns.get("seconds")?.values ?? [])]).toEqual([4, NaN, 50]);
  });

  test("that grew run by run is the one that was read at once", () => {
    const board = boardOf(viewOf(whole, [0]));
    for (let row = 1; row < 30; row += 1) expect(merge(board, viewOf(whole, [row]))).toBe(true);
    const once = boardOf(viewOf(whole));
    expect(board.rows).toEqual(once.rows);
    expect(board.states).toEqual(once.states);
    for (const [name, column] of once.columns) expect([...(board.columns.get(name)?.values ?? [])]).toEqual([...column.values]);
    expect(board.version).toBe(30);
  });

  test("says when a run came out of order, since curves are in the server's", () => {
    const board = boardOf(viewOf(whole, [0, 2]));
    expect(merge(board, viewOf(whole, [1]))).toBe(false);
  });

  test("has the columns that a brush across the history names", () => {
    const board = boardOf(viewOf(whole));
    expect([...(board.columns.get("number")?.values ?? [])]).toEqual(whole.numbers);
    const ended = board.columns.get("ended");
    expect(ended?.kind).toBe("time");
    expect(ended?.values[0]).toBe(board.attempts[0]?.at(-1)?.ended);
    // A run under way stands at the sweep's last change.
    expect(board.states[29]).toBe("running");
    expect(ended?.values[29]).toBe(board.head.updated);
  });

  test("keeps what runs really had beside what was suggested, until the server says otherwise", () => {
    const board = boardOf({ ...viewOf(whole), effective: { batch: { "3": 8 }, optimizer: { "4": "Lion" }, lr0: { "3": "auto" } } });
    expect(board.effective.get("batch")?.get(3)).toBe(8);
    expect(board.effective.get("optimizer")?.get(4)).toBe("Lion");
    expect(board.effective.get("lr0")?.get(3)).toBe("auto");
    expect(board.columns.get("batch")?.values[3]).toBe(whole.columns.get("batch")?.values[3]);
    // Keys are places in the answer, not the page's rows.
    merge(board, { ...viewOf(whole, [4, 5]), effective: { batch: { "1": 4 } } });
    expect([...(board.effective.get("batch") ?? [])]).toEqual([[3, 8], [5, 4]]);
    expect(board.effective.has("optimizer")).toBe(false);
  });

  test("has the file's version as a column from the first change of the file on", () => {
    const board = boardOf(viewOf(whole));
    expect(board.columns.has("spec_version")).toBe(false);
    const view = viewOf(whole, [29]);
    merge(board, { ...view, head: { ...view.head, spec_version: 2 }, runs: { ...view.runs, spec_version: [2] } });
    const versions = board.columns.get("spec_version");
    expect([versions?.label, versions?.values[28], versions?.values[29]]).toEqual(["file version", 1, 2]);
  });

  test("knows which runs had other fixed values, and asks for all again when the file has others", () => {
    const board = boardOf({ ...viewOf(whole), incomparable: [3, 4] });
    expect([...board.incomparable]).toEqual([3, 4]);
    expect(merge(board, { ...viewOf(whole, [4, 5]), incomparable: [1] })).toBe(true);
    expect([...board.incomparable].sort()).toEqual([3, 5]);
    const view = viewOf(whole, [5]);
    expect(merge(board, { ...view, head: { ...view.head, spec_version: 2 } })).toBe(false);
  });

  test("updates a run in its place", () => {
    const board = boardOf(viewOf(whole));
    const view = viewOf(whole, [3]);
    view.runs.state = ["failed"];
    view.runs.value = ["NaN"];
    view.config["optimizer"] = ["Lion"];
    merge(board, view);
    expect(board.states[3]).toBe("failed");
    expect(board.columns.get("value")?.values[3]).toBeNaN();
    expect(board.columns.get("optimizer")?.categories.at(-1)).toBe("Lion");
    expect(board.n).toBe(30);
  });

  test("tells a text from the number or the truth that is written alike", () => {
    const view = viewOf(whole, [0, 1, 2]);
    const parameter = view.parameters.find((one) => one.name === "optimizer");
    if (parameter) parameter.categories = [1, "1", true, "true", "a"];
    view.config["optimizer"] = ["1", true, "a"];
    const column = boardOf(view).columns.get("optimizer");
    expect(column?.categories).toEqual(["1", '"1"', "true", '"true"', "a"]);
    expect([...(column?.values ?? [])]).toEqual([1, 2, 4]);
  });

  test("follows the bounds of a parameter without ends, and asks again where numbers became words", () => {
    const board = boardOf(viewOf(whole, [0]));
    const view = viewOf(whole, [1]);
    const parameter = view.parameters.find((one) => one.name === "momentum");
    if (parameter) Object.assign(parameter, { low: -3, high: 7 });
    expect(merge(board, view)).toBe(true);
    expect([board.columns.get("momentum")?.low, board.columns.get("momentum")?.high]).toEqual([-3, 7]);
    if (parameter) parameter.kind = "category";
    expect(merge(board, view)).toBe(false);
  });

  test("takes parameters that are called like its own columns", () => {
    const view = viewOf(whole, [0, 1]);
    const steps = view.parameters.find((one) => one.name === "batch");
    if (steps) steps.name = "steps";
    view.config["steps"] = [8, 16];
    view.summary["value"] = [1, 2];
    view.summary["lr0"] = [5, 6];
    const board = boardOf(view);
    expect([...(parameterColumn(board, "steps")?.values ?? [])]).toEqual([8, 16]);
    expect(board.columns.get("steps")?.role).toBe("info");
    expect(board.columns.get("summary.value")?.label).toBe("value");
    expect([...(board.columns.get("summary.lr0")?.values ?? [])]).toEqual([5, 6]);
    expect(parameterColumn(board, "value")).toBeUndefined();
  });

  test("takes a point before the server's own figures come", () => {
    const board = boardOf(viewOf(whole));
    report(board, 29, 9, 0.99);
    expect(board.columns.get("value")?.values[29]).toBe(0.99);
    expect(board.columns.get("best")?.values[29]).toBe(0.99);
    expect(board.columns.get("best")?.high).toBe(0.99);
    report(board, 29, 10, 0.5);
    expect(board.columns.get("best")?.values[29]).toBe(0.99);
    expect(board.columns.get("steps")?.values[29]).toBe(10);
    report(board, 29, 11, Infinity);
    expect(board.columns.get("value")?.high).toBe(0.99);
    expect(board.columns.get("best")?.values[29]).toBe(0.99);
  });

  test("has a range from its first point on", () => {
    const board = boardOf(viewOf({ ...whole, columns: new Map([...whole.columns].filter(([, one]) => one.role === "parameter")) }));
    report(board, 0, 1, 0.25);
    expect([board.columns.get("value")?.low, board.columns.get("value")?.high]).toEqual([0.25, 0.25]);
  });
});
