import { describe, expect, test } from "vitest";
import { syntheticBoard } from "../testing/synthetic";
import { configOf, csv, flags, sortedRows, writer, yaml } from "./rows";

const board = syntheticBoard({ runs: 50, epochs: 10, seed: 2 });

describe("sortedRows", () => {
  test("orders by a number, runs without it last in both directions", () => {
    const value = board.columns.get("value");
    value?.values.fill(NaN, 3, 5);
    for (const down of [false, true]) {
      const rows = [...sortedRows(board, board.columns, { by: "value", down })];
      expect(rows.slice(-2)).toEqual([3, 4]);
      const values = rows.slice(0, -2).map((row) => value?.values[row] ?? NaN);
      expect(values).toEqual([...values].sort((a, b) => (down ? b - a : a - b)));
    }
  });

  test("puts what diverged to infinity at the end, whichever way", () => {
    const value = board.columns.get("value");
    const diverged = new Map(board.columns);
    if (value) diverged.set("value", { ...value, values: value.values.map((one, row) => (row === 0 ? Infinity : one)) });
    for (const down of [true, false]) {
      const rows = [...sortedRows(board, diverged, { by: "value", down })];
      expect(Number.isFinite(value?.values[rows[0] ?? 0])).toBe(true);
      expect(rows[0]).not.toBe(0);
    }
  });

  test("orders by words", () => {
    const rows = [...sortedRows(board, board.columns, { by: "optimizer", down: false })];
    expect(rows).toHaveLength(50);
    const optimizer = board.columns.get("optimizer");
    const words = rows.map((row) => optimizer?.categories[optimizer.values[row] ?? -1] ?? "");
    expect(words).toEqual([...words].sort());
  });
});

describe("writer", () => {
  const column = (values: number[], name = "x") => ({
    name, label: name, role: "metric" as const, kind: "number" as const, whole: false, log: false, low: NaN, high: NaN, categories: [],
    inert: "", values: Float64Array.from(values),
  });
  const written = (values: number[], name?: string) => values.map((_, row) => writer(column(values, name), values.length)(row));

  test("gives figures of one size the same decimals", () => {
    expect(written([0.77, 0.7706, NaN, 0.06484])).toEqual(["0.7700", "0.7706", "–", "0.0648"]);
    expect(written([12.5, 3])).toEqual(["12.50", "3.00"]);
  });

  test("leaves alone what is whole, or of many sizes", () => {
    expect(written([8, 64])).toEqual(["8", "64"]);
    expect(written([0.1, 0.00025])).toEqual(["0.1", "2.5e-4"]);
  });

  test("says how long a run took as people do", () => {
    expect(written([156.6], "seconds")).toEqual(["2.6 min"]);
  });
});

test("a CSV quotes what it must, and no cell becomes a formula", () => {
  const hostile = { ...board, names: board.names.map((name, row) => (row === 0 ? '=HYPERLINK("http://x"),\n' : name)) };
  const text = csv(hostile, [...board.columns.values()].slice(0, 1), [0, 1]);
  expect(text.split("\r\n")[0]).toBe("number,id,name,state,kind,lr0");
  expect(text).toContain(`"'=HYPERLINK(""http://x""),\n"`);
  expect(text).toContain("r000002,run-2,");
  expect(csv({ ...board, names: ["-1+HYPERLINK(1)"] }, [], [0])).toContain(",'-1+HYPERLINK(1),");
});

test("a CSV has what ran beside what was suggested, and no name twice", () => {
  const batch = [...board.columns.values()].find((column) => column.name === "batch");
  const value = board.columns.get("value");
  expect(batch && value).toBeTruthy();
  if (!batch || !value) return;
  const again = { ...value, name: "again", role: "metric" as const };
  const text = csv({ ...board, effective: new Map([["batch", new Map([[1, 12]])]]) }, [batch, value, again], [0, 1], 7);
  const [heads, ...lines] = text.trimEnd().split("\r\n").map((line) => line.split(","));
  expect(heads?.slice(5)).toEqual(["batch", "effective.batch", `${value.label} at step 7`, value.label]);
  expect(lines.map((cells) => cells[6])).toEqual([lines[0]?.[5], "12"]);
  expect(csv(board, [value, again], []).trimEnd()).toBe(`number,id,name,state,kind,${value.label},summary.${value.label}`);
});

describe("a configuration", () => {
  const config = { lr0: 1e-7, batch: 16, optimizer: "SGD", note: "it's: yes", flag: "no", "a b": true };

  test("as YAML is read the same by YAML 1.1", () => {
    expect(yaml(config)).toBe('lr0: 1.0e-7\nbatch: 16\noptimizer: SGD\nnote: "it\'s: yes"\nflag: "no"\n"a b": true\n');
  });

  test("as flags survives a shell", () => {
    expect(flags(config)).toBe("--lr0=1e-7 --batch=16 --optimizer=SGD '--note=it'\\''s: yes' --flag=no '--a b=true'");
  });

  test("has the searched parameters by name", () => {
    expect(Object.keys(configOf(board.columns, 0))).toHaveLength(13);
    expect(configOf(board.columns, 0)["optimizer"]).toMatch(/SGD|Adam/u);
  });
});
